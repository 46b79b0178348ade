/* SPDX-License-Identifier: MIT */
/* Entries of the disk cache: what is written is read, and whatever is wrong is a miss. */
#define _XOPEN_SOURCE 700
#include "allocate.h"
#include "base/hash.h"
#include "cache_files.h"
#include "cache_text.h"
#include "program/disk_cache.h"
#include "suite_runner.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

START_TEST(what_is_written_is_read)
{
    static const size_t sizes[] = { 0, 1, 7, 4096, 1000003 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t j = 0; j < COUNT_OF(sizes); j++) {
            unsigned char *bytes = allocate(sizes[i], 1), *long_key = allocate(sizes[j], 1);
            void *data = NULL;
            size_t size = 0;
            for (size_t b = 0; b < sizes[i]; b++)
                bytes[b] = (unsigned char)(b * b / 7);
            memset(long_key, 'k', sizes[j]);
            ck_assert(bn_cache_write("test", long_key, sizes[j], bytes, sizes[i]));
            ck_assert(bn_cache_read("test", long_key, sizes[j], &data, &size));
            ck_assert_uint_eq(size, sizes[i]);
            ck_assert_int_eq(memcmp(data, bytes, size), 0);
            free(data);
            free(long_key);
            free(bytes);
        }
    ck_assert_int_eq(count_cache_files(), (int)COUNT_OF(sizes));
}
END_TEST

START_TEST(the_last_one_written_counts)
{
    bn_cache_write("test", cache_key, sizeof cache_key, "old", 3);
    write_text();
    expect_text();
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

START_TEST(other_keys_and_kinds_are_other_entries)
{
    void *data = NULL;
    size_t size = 0;
    write_text();
    ck_assert(!bn_cache_read("other", cache_key, sizeof cache_key, &data, &size));
    ck_assert(!bn_cache_read("test", "a kez", sizeof cache_key, &data, &size));
    ck_assert(!bn_cache_read("test", cache_key, sizeof cache_key - 1, &data, &size));
    ck_assert(!bn_cache_read("test", "", 0, &data, &size));
}
END_TEST

/* As if the hash of the other key were the same. */
START_TEST(an_entry_of_another_key_is_a_miss)
{
    static const char *const others[] = { "a kez", "b key" };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        write_text();
        char *path = strdup(only_cache_file());
        ck_assert_int_eq(unlink(path), 0);
        bn_cache_write("test", others[i], sizeof cache_key, cache_text, sizeof cache_text);
        ck_assert_int_eq(rename(only_cache_file(), path), 0);
        expect_miss("another key's entry");
        write_text();
        expect_text();
        free(path);
    }
}
END_TEST

START_TEST(any_changed_byte_is_a_miss)
{
    write_text();
    const char *path = only_cache_file();
    struct bytes entry = read_bytes(path);
    for (size_t i = 0; i < entry.size; i++)
        for (int change = 1; change < 256; change = change < 128 ? 2 * change : change + 127) {
            entry.bytes[i] = (unsigned char)(entry.bytes[i] ^ change);
            write_bytes(path, entry.bytes, entry.size);
            expect_miss("a changed byte");
            entry.bytes[i] = (unsigned char)(entry.bytes[i] ^ change);
        }
    write_bytes(path, entry.bytes, entry.size);
    expect_text();
    free(entry.bytes);
}
END_TEST

START_TEST(any_other_length_is_a_miss)
{
    enum { MORE = 70 };
    write_text();
    const char *path = only_cache_file();
    struct bytes entry = read_bytes(path);
    unsigned char *longer = allocate(entry.size + MORE, 1);
    memcpy(longer, entry.bytes, entry.size);
    for (size_t size = 0; size < entry.size + MORE; size++) {
        write_bytes(path, longer, size);
        if (size != entry.size)
            expect_miss("a shorter or longer file");
        else
            expect_text();
    }
    free(longer);
    free(entry.bytes);
}
END_TEST

/* An entry's header. */
enum { MAGIC, KEY_SIZE, DATA_SIZE, CHECKSUM, WORDS };

/* What a header of these sizes is to say, as far as there are so many bytes after it. */
static uint64_t checksum(const uint64_t header[WORDS], const unsigned char *rest, size_t size)
{
    const size_t key = header[KEY_SIZE] < size ? (size_t)header[KEY_SIZE] : size;
    const size_t data = header[DATA_SIZE] < size - key ? (size_t)header[DATA_SIZE] : size - key;
    const uint64_t hash = bn_hash(BN_HASH_START, header, CHECKSUM * sizeof *header);
    return bn_hash(bn_hash(hash, rest, key), rest + key, data);
}

/* Entries that only their checksum calls sound. */
START_TEST(sizes_that_do_not_add_up_are_a_miss)
{
    static const struct {
        int key_size, data_size, magic;
    } changes[] = {
        { 0, 0, 1 }, { 0, 0, -1 }, { 0, 1, 0 }, { 0, -1, 0 }, { 1, -1, 0 }, { -1, 1, 0 }, { 1, 0, 0 }, { -1, 0, 0 }
    };
    write_text();
    const char *path = only_cache_file();
    struct bytes entry = read_bytes(path);
    for (size_t i = 0; i <= COUNT_OF(changes); i++) {
        uint64_t header[WORDS];
        unsigned char *forged = allocate(entry.size, 1);
        memcpy(forged, entry.bytes, entry.size);
        memcpy(header, forged, sizeof header);
        if (i < COUNT_OF(changes)) {
            header[MAGIC] += (uint64_t)changes[i].magic;
            header[KEY_SIZE] += (uint64_t)changes[i].key_size;
            header[DATA_SIZE] += (uint64_t)changes[i].data_size;
        }
        header[CHECKSUM] = checksum(header, forged + sizeof header, entry.size - sizeof header);
        memcpy(forged, header, sizeof header);
        write_bytes(path, forged, entry.size);
        if (i < COUNT_OF(changes))
            expect_miss("a forged entry");
        else
            expect_text(); /* the forger knows the format */
        free(forged);
    }
    free(entry.bytes);
}
END_TEST

/* Sound but for its size. */
START_TEST(an_entry_over_the_limit_is_a_miss)
{
    uint64_t header[WORDS];
    write_text();
    const char *path = only_cache_file();
    struct bytes entry = read_bytes(path);
    memcpy(header, entry.bytes, sizeof header);
    for (size_t over = 0; over < 2; over++) {
        size_t size = ((size_t)64 << 20) + over, before = sizeof header + sizeof cache_key;
        unsigned char *large = allocate(size, 1);
        header[DATA_SIZE] = size - before;
        memcpy(large + sizeof header, cache_key, sizeof cache_key);
        header[CHECKSUM] = checksum(header, large + sizeof header, size - sizeof header);
        memcpy(large, header, sizeof header);
        write_bytes(path, large, size);
        void *data = NULL;
        ck_assert_int_eq(bn_cache_read("test", cache_key, sizeof cache_key, &data, &size), over == 0);
        free(data);
        free(large);
    }
    free(entry.bytes);
}
END_TEST

static void make_link(const char *path)
{
    char target[2048];
    snprintf(target, sizeof target, "%s-target", path);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void make_pipe(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_writable(const char *path)
{
    ck_assert_int_eq(chmod(path, 0620), 0);
}

static void make_huge(const char *path)
{
    ck_assert_int_eq(truncate(path, ((off_t)64 << 20) + 1), 0);
}

static void make_empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

/* What is in an entry's place is a miss, at once, and is replaced. A link's target stays as it is. */
START_TEST(other_files_are_a_miss)
{
    static const struct {
        const char *name;
        void (*make)(const char *path);
        int files;
    } kinds[] = { { "a link", make_link, 2 },
                  { "a pipe", make_pipe, 1 },
                  { "a file that others may write to", make_writable, 1 },
                  { "a huge file", make_huge, 1 },
                  { "an empty file", make_empty, 1 } };
    write_text();
    char *path = strdup(only_cache_file());
    kinds[_i].make(path);
    expect_miss(kinds[_i].name);
    write_text();
    expect_text();
    ck_assert_int_eq(count_cache_files(), kinds[_i].files);
    free(path);
}
END_TEST

/* It cannot be replaced either: then nothing is left of the attempt. */
START_TEST(a_folder_in_an_entrys_place_is_a_miss)
{
    write_text();
    char *path = strdup(only_cache_file());
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_miss("a folder");
    ck_assert(!write_text());
    expect_miss("a folder");
    ck_assert_int_eq(count_cache_files(), 1);
    free(path);
}
END_TEST

START_TEST(too_much_is_not_written)
{
    static const size_t sizes[] = { (size_t)64 << 20, SIZE_MAX, SIZE_MAX - 64, SIZE_MAX / 2 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        ck_assert(!bn_cache_write("test", cache_key, sizeof cache_key, cache_text, sizes[i]));
        ck_assert(!bn_cache_write("test", cache_key, sizes[i], cache_text, sizeof cache_text));
    }
    ck_assert_int_eq(count_cache_files(), 0);
}
END_TEST

static int count_descriptors(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

START_TEST(nothing_is_left_open)
{
    int before = count_descriptors();
    expect_miss("nothing");
    ck_assert(bn_cache_is_writable());
    write_text();
    expect_text();
    write_text();
    ck_assert_int_eq(truncate(only_cache_file(), 10), 0);
    expect_miss("a short file");
    ck_assert_int_eq(unlink(only_cache_file()), 0);
    expect_miss("nothing");
    ck_assert_int_eq(chmod(cache_folder(), 0777), 0);
    expect_miss("a folder for all");
    write_text();
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disk cache");
    TCase *cases = add_cache_case(suite, "entries");
    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, the_last_one_written_counts);
    tcase_add_test(cases, other_keys_and_kinds_are_other_entries);
    tcase_add_test(cases, an_entry_of_another_key_is_a_miss);
    tcase_add_test(cases, any_changed_byte_is_a_miss);
    tcase_add_test(cases, any_other_length_is_a_miss);
    tcase_add_test(cases, sizes_that_do_not_add_up_are_a_miss);
    tcase_add_test(cases, an_entry_over_the_limit_is_a_miss);
    tcase_add_loop_test(cases, other_files_are_a_miss, 0, 5);
    tcase_add_test(cases, a_folder_in_an_entrys_place_is_a_miss);
    tcase_add_test(cases, too_much_is_not_written);
    tcase_add_test(cases, nothing_is_left_open);
    return run_in_one_process(suite);
}
