/* SPDX-License-Identifier: MIT */
/* Runs a target without libFuzzer: driver FOLDER_OR_FILE [CHANGED]. Each file of the corpus as it is, then so many inputs made of
 * them by changes, always the same ones. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 4096, MAX_SIZE = 1 << 16, MAX_CHANGES = 8 };

struct input {
    uint8_t *bytes;
    size_t size;
};

static struct input inputs[MAX_INPUTS];
static size_t input_count;

static void take_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct input *input = &inputs[input_count];
    FUZZ_EXPECT(file != NULL && input_count < MAX_INPUTS, "%s cannot be taken", path);
    input->bytes = malloc(MAX_SIZE);
    FUZZ_EXPECT(input->bytes != NULL, "no memory");
    input->size = fread(input->bytes, 1, MAX_SIZE, file);
    fclose(file);
    input_count++;
}

static void take_folder(DIR *folder, const char *path)
{
    char name[4096];
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        take_file(name);
    }
    closedir(folder);
}

/* xorshift64; below 2^32, on every machine the same. */
static size_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)(*state >> 32);
}

/* A byte set, a bit turned, bytes removed, repeated, or taken from another input. */
static void change(struct input *input, uint64_t *state)
{
    const struct input *other = &inputs[next_random(state) % input_count];
    const size_t at = input->size > 0 ? next_random(state) % input->size : 0;
    size_t length = next_random(state) % 16 + 1;
    length = length < input->size - at ? length : input->size - at;
    switch (next_random(state) % 5) {
    case 0:
        if (input->size > 0)
            input->bytes[at] = (uint8_t)next_random(state);
        break;
    case 1:
        if (input->size > 0)
            input->bytes[at] ^= (uint8_t)(1 << next_random(state) % 8);
        break;
    case 2:
        memmove(input->bytes + at, input->bytes + at + length, input->size - at - length);
        input->size -= length;
        break;
    case 3:
        if (input->size + length <= MAX_SIZE) {
            memmove(input->bytes + at + length, input->bytes + at, input->size - at);
            input->size += length;
        }
        break;
    default:
        if (other->size >= at + length)
            memcpy(input->bytes + at, other->bytes + at, length);
        break;
    }
}

/* The file that the last input is in, where CLBN_FUZZ_KEEP names one: what ended the process. */
static const char *kept;

static void keep(const struct input *input)
{
    FILE *file = fopen(kept, "wb");
    FUZZ_EXPECT(file != NULL && fwrite(input->bytes, 1, input->size, file) == input->size && fclose(file) == 0,
                "%s cannot be written", kept);
}

/* Each in memory of its own size, so that a sanitizer sees what is read beyond it. */
static void run(const struct input *input)
{
    uint8_t *exact = malloc(input->size > 0 ? input->size : 1);
    FUZZ_EXPECT(exact != NULL, "no memory");
    memcpy(exact, input->bytes, input->size);
    if (kept != NULL)
        keep(input);
    LLVMFuzzerTestOneInput(exact, input->size);
    free(exact);
}

static void run_changed(unsigned long count)
{
    static uint8_t bytes[MAX_SIZE];
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned long i = 0; i < count; i++) {
        const struct input *begin = &inputs[next_random(&state) % input_count];
        struct input changed = { bytes, begin->size };
        memcpy(bytes, begin->bytes, begin->size);
        for (size_t changes = next_random(&state) % MAX_CHANGES + 1; changes > 0; changes--)
            change(&changed, &state);
        run(&changed);
    }
}

int main(int argc, char **argv)
{
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    const unsigned long changed = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    kept = getenv("CLBN_FUZZ_KEEP");
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER_OR_FILE [CHANGED]\n", argv[0]);
        return 2;
    }
    if (folder != NULL)
        take_folder(folder, argv[1]);
    else
        take_file(argv[1]);
    FUZZ_EXPECT(input_count > 0, "%s has no inputs", argv[1]);
    for (size_t i = 0; i < input_count; i++)
        run(&inputs[i]);
    run_changed(changed);
    printf("%zu inputs and %lu made of them\n", input_count, changed);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return 0;
}
