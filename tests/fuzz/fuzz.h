/* SPDX-License-Identifier: MIT */
/* What the targets share. A target is one function of some bytes, in libFuzzer's form; it ends the process where something is
 * wrong. With clang libFuzzer calls it, else driver.c. */
#ifndef CLBN_FUZZ_H
#define CLBN_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints the sentence and aborts unless the condition holds. */
#define FUZZ_EXPECT(condition, ...) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, __VA_ARGS__))
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4), noreturn))
#endif
void fuzz_fail(const char *file, int line, const char *format, ...);

/* A folder of this process, 0700, removed at its end, and a file in it. */
const char *fuzz_folder(void);
const char *fuzz_path(const char *name);
/* Gives the file these bytes, and nothing else. */
void fuzz_write(const char *path, const void *bytes, size_t size);

/* Reads every byte, so that a sanitizer sees memory that is not there. */
void fuzz_touch(const void *bytes, size_t size);

/* An input that is taken apart from its begin; what is not there is 0. */
struct fuzz_bytes {
    const uint8_t *next, *end;
};

/* A number below count, which is at most 256, of one byte. */
unsigned fuzz_below(struct fuzz_bytes *bytes, unsigned count);
/* Of eight bytes. */
uint64_t fuzz_number(struct fuzz_bytes *bytes);

#endif
