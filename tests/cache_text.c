/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700
#include "cache_text.h"

#include "cache_files.h"
#include "program/disk_cache.h"

#include <stdlib.h>
#include <unistd.h>

/* Seconds after which a test that waits for something ends the process. */
enum { PATIENCE = 300 };

const char cache_key[CACHE_KEY_SIZE] = "a key";
const char cache_text[CACHE_TEXT_SIZE] = "what is kept under the key, of no particular length";

static void set_up(void)
{
    alarm(PATIENCE);
    cache_files_open();
}

static void tear_down(void)
{
    cache_files_close();
    alarm(0);
}

bool write_text(void)
{
    return bn_cache_write("test", cache_key, sizeof cache_key, cache_text, sizeof cache_text);
}

void expect_text(void)
{
    void *data = NULL;
    size_t size = 0;
    ck_assert(bn_cache_read("test", cache_key, sizeof cache_key, &data, &size));
    ck_assert_uint_eq(size, sizeof cache_text);
    ck_assert_mem_eq(data, cache_text, size);
    free(data);
}

void expect_miss(const char *what)
{
    void *data = NULL;
    size_t size = 1;
    ck_assert_msg(!bn_cache_read("test", cache_key, sizeof cache_key, &data, &size), "%s was read", what);
    ck_assert_msg(data == NULL && size == 1, "%s: a miss has set something", what);
}

TCase *add_cache_case(Suite *suite, const char *name)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    suite_add_tcase(suite, cases);
    return cases;
}
