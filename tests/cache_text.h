/* SPDX-License-Identifier: MIT */
/* A text in the disk cache, and the suites that look for it, each test with an empty folder of its own. */
#ifndef CLBN_TESTS_CACHE_TEXT_H
#define CLBN_TESTS_CACHE_TEXT_H

#include <check.h>
#include <stdbool.h>

enum { CACHE_KEY_SIZE = 6, CACHE_TEXT_SIZE = 51 };
extern const char cache_key[CACHE_KEY_SIZE];
extern const char cache_text[CACHE_TEXT_SIZE];

/* Under the key. Gives whether it was written. */
bool write_text(void);
/* Fails the test unless the text, or a miss, is what is read under the key. */
void expect_text(void);
void expect_miss(const char *what);

TCase *add_cache_case(Suite *suite, const char *name);
#endif
