/* SPDX-License-Identifier: MIT */
/* Reading IDX files: sound ones, gzip-compressed and not, and what an enemy would write. */
#define _POSIX_C_SOURCE 200809L

#include "io/failure.h"
#include "io/idx.h"
#include "suite_runner.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { COUNT = 5, HEIGHT = 3, WIDTH = 4, CLASSES = 10, IMAGE_BYTES = COUNT * HEIGHT * WIDTH, HEADER = 16 };

static const char *const file_names[] = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                          "t10k-labels-idx1-ubyte" };

enum { FILE_NAMES = sizeof file_names / sizeof *file_names };

static char folder[] = "/tmp/clbn-test-idx-XXXXXX";
static char path[sizeof(folder) + 64];
static struct idx_set set;

/* A sound file of images, and one of labels, to be written as they are or spoilt. */
static unsigned char images[HEADER + IMAGE_BYTES + 1] = { 0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, HEIGHT, 0, 0, 0, WIDTH };
static unsigned char labels[8 + COUNT + 1] = { 0, 0, 8, 1, 0, 0, 0, COUNT, 9, 0, 3, 3, 7 };

enum { IMAGES_SIZE = HEADER + IMAGE_BYTES, LABELS_SIZE = 8 + COUNT };

static void set_path(const char *name, const char *ending)
{
    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    set_path("file", "");
    for (unsigned i = 0; i < IMAGE_BYTES; i++)
        images[HEADER + i] = (unsigned char)(255 - i);
}

static void teardown(void)
{
    idx_free_set(&set);
    set_path("file", "");
    unlink(path);
    for (size_t i = 0; i < FILE_NAMES; i++) {
        set_path(file_names[i], "");
        unlink(path);
        set_path(file_names[i], ".gz");
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

/* Mode "wb" compresses, "wbT" does not. */
static void write_file(const char *mode, const void *bytes, unsigned size)
{
    gzFile file = gzopen(path, mode);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, size), (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static const char *const modes[] = { "wbT", "wb" };

enum { MODES = sizeof modes / sizeof *modes };

static void expect_failure(bool read, const struct failure *failure, const char *reason)
{
    ck_assert_msg(!read, "a file was read that should not be for '%s'", reason);
    ck_assert_msg(strstr(failure->sentence, reason) != NULL, "'%s' is not in '%s'", reason, failure->sentence);
    ck_assert_msg(strstr(failure->sentence, folder) != NULL, "no file is named in '%s'", failure->sentence);
    ck_assert_ptr_null(set.images);
    ck_assert_ptr_null(set.labels);
}

static void expect_bad_images(const unsigned char *bytes, unsigned size, const char *reason)
{
    for (int i = 0; i < MODES; i++) {
        struct failure failure = { "" };

        write_file(modes[i], bytes, size);
        bool read = idx_read_images(path, &set, &failure);
        expect_failure(read, &failure, reason);
    }
}

static void expect_bad_labels(const unsigned char *bytes, unsigned size, const char *reason)
{
    for (int i = 0; i < MODES; i++) {
        struct failure failure = { "" };

        write_file(modes[i], bytes, size);
        bool read = idx_read_labels(path, CLASSES, &set, &failure);
        expect_failure(read, &failure, reason);
    }
}

/* The sound images with four other bytes from a place on. */
static void expect_bad_header(size_t place, uint32_t value, const char *reason)
{
    unsigned char spoilt[sizeof images];

    memcpy(spoilt, images, sizeof images);
    for (size_t i = 0; i < 4; i++)
        spoilt[place + i] = (unsigned char)(value >> (24 - 8 * i));
    expect_bad_images(spoilt, IMAGES_SIZE, reason);
}

START_TEST(sound_images_are_read)
{
    struct failure failure;

    write_file(modes[_i], images, IMAGES_SIZE);
    ck_assert(idx_read_images(path, &set, &failure));
    ck_assert_uint_eq(set.count, COUNT);
    ck_assert_uint_eq(set.height, HEIGHT);
    ck_assert_uint_eq(set.width, WIDTH);
    ck_assert_mem_eq(set.images, images + HEADER, IMAGE_BYTES);
}
END_TEST

START_TEST(sound_labels_are_read)
{
    struct failure failure;

    write_file(modes[_i], labels, LABELS_SIZE);
    ck_assert(idx_read_labels(path, CLASSES, &set, &failure));
    ck_assert_uint_eq(set.count, COUNT);
    ck_assert_mem_eq(set.labels, labels + 8, COUNT);
}
END_TEST

/* More than is read at once. */
START_TEST(large_images_are_read)
{
    enum { MANY = 300, SIDE = 64, SIZE = HEADER + MANY * SIDE * SIDE };
    static unsigned char bytes[SIZE] = { 0, 0, 8, 3, 0, 0, MANY >> 8, MANY & 255, 0, 0, 0, SIDE, 0, 0, 0, SIDE };
    struct failure failure;

    for (size_t i = HEADER; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * i >> 7);
    write_file(modes[_i], bytes, SIZE);
    ck_assert(idx_read_images(path, &set, &failure));
    ck_assert_mem_eq(set.images, bytes + HEADER, SIZE - HEADER);
}
END_TEST

START_TEST(every_cut_is_found)
{
    for (unsigned size = 0; size < IMAGES_SIZE; size++)
        expect_bad_images(images, size, "is cut short");
    for (unsigned size = 0; size < LABELS_SIZE; size++)
        expect_bad_labels(labels, size, "is cut short");
}
END_TEST

START_TEST(trailing_bytes_are_found)
{
    expect_bad_images(images, IMAGES_SIZE + 1, "goes on after");
    expect_bad_labels(labels, LABELS_SIZE + 1, "goes on after");
}
END_TEST

START_TEST(wrong_magic_is_found)
{
    expect_bad_header(0, 0x01000803, "is not an IDX file");
    expect_bad_header(0, 0x00ff0803, "is not an IDX file");
    expect_bad_header(0, 0x00000903, "elements of type 0x09");
    expect_bad_header(0, 0x00000d03, "elements of type 0x0d");
    expect_bad_header(0, 0x00000801, "has 1 dimensions, and 3 were expected");
    expect_bad_header(0, 0x000008ff, "has 255 dimensions");
    expect_bad_labels(images, IMAGES_SIZE, "has 3 dimensions, and 1 were expected");
}
END_TEST

START_TEST(wrong_sizes_are_found)
{
    expect_bad_header(4, 0, "holds no images");
    expect_bad_header(8, 0, "images of 0 x 4 pixels");
    expect_bad_header(12, 0, "images of 3 x 0 pixels");
    expect_bad_header(8, IDX_MAX_SIDE + 1, "images of 4097 x 4 pixels");
    expect_bad_header(12, UINT32_MAX, "images of 3 x 4294967295 pixels");
    expect_bad_header(4, UINT32_MAX, "more than the 1073741824 bytes");
    expect_bad_header(4, COUNT + 1, "is cut short");
    expect_bad_header(4, COUNT - 1, "goes on after");
}
END_TEST

START_TEST(wrong_labels_are_found)
{
    unsigned char spoilt[sizeof labels];

    memcpy(spoilt, labels, sizeof labels);
    spoilt[8 + COUNT - 1] = CLASSES;
    expect_bad_labels(spoilt, LABELS_SIZE, "has the label 10 at place 4");
    memset(spoilt + 4, 0, 4);
    expect_bad_labels(spoilt, LABELS_SIZE, "holds no labels");
    memset(spoilt + 4, 255, 4);
    expect_bad_labels(spoilt, LABELS_SIZE, "announces 4294967295 labels");
}
END_TEST

/* A header that claims 1 GiB, with little behind it. */
START_TEST(claims_take_no_memory)
{
    struct rusage usage_before;
    struct rusage usage;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage_before), 0);
    expect_bad_header(4, (uint32_t)(IDX_MAX_BYTES / (HEIGHT * WIDTH)), "is cut short");
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    ck_assert_int_lt(usage.ru_maxrss - usage_before.ru_maxrss, 16 * 1024); /* KiB */
}
END_TEST

/* Reads gzip-compressed images with a byte changed (the changed-th from the end, 0: none) or the last ones cut. */
static void expect_bad_gzip(size_t changed, size_t cut, const char *reason)
{
    unsigned char bytes[1024];
    struct failure failure = { "" };

    write_file("wb", images, IMAGES_SIZE);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_gt(size, 20);
    if (changed > 0)
        bytes[size - changed] ^= 0x40;
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size - cut, file), size - cut);
    ck_assert_int_eq(fclose(file), 0);
    bool read = idx_read_images(path, &set, &failure);
    expect_failure(read, &failure, reason);
}

START_TEST(damaged_gzip_is_found)
{
    expect_bad_gzip(1, 0, "is not sound gzip data"); /* the length at the end */
    expect_bad_gzip(5, 0, "is not sound gzip data"); /* the checksum before it */
    for (size_t cut = 1; cut <= 8; cut++)
        expect_bad_gzip(0, cut, "is cut short");
    expect_bad_gzip(0, 12, "is cut short");
}
END_TEST

START_TEST(other_things_than_files_are_found)
{
    struct failure failure = { "" };
    bool read = idx_read_images(path, &set, &failure);

    expect_failure(read, &failure, "cannot open");
    read = idx_read_images(folder, &set, &failure);
    expect_failure(read, &failure, "is not a regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    read = idx_read_labels(path, CLASSES, &set, &failure);
    expect_failure(read, &failure, "is not a regular file");
}
END_TEST

static void write_folder(const char *mode, const char *ending, const unsigned char *label_bytes, unsigned label_size)
{
    for (size_t i = 0; i < FILE_NAMES; i++) {
        set_path(file_names[i], ending);
        write_file(mode, i % 2 == 0 ? images : label_bytes, i % 2 == 0 ? IMAGES_SIZE : label_size);
    }
}

START_TEST(folder_is_read)
{
    static const char *const endings[] = { "", ".gz" };
    struct failure failure;

    write_folder(modes[_i], endings[_i], labels, LABELS_SIZE);
    for (int part = IDX_TRAINING; part <= IDX_TEST; part++) {
        ck_assert(idx_read_set(folder, (enum idx_part)part, CLASSES, &set, &failure));
        ck_assert_uint_eq(set.count, COUNT);
        ck_assert_mem_eq(set.images, images + HEADER, IMAGE_BYTES);
        ck_assert_mem_eq(set.labels, labels + 8, COUNT);
        idx_free_set(&set);
    }
}
END_TEST

START_TEST(incomplete_folder_is_found)
{
    struct failure failure = { "" };
    bool read = idx_read_set(folder, IDX_TRAINING, CLASSES, &set, &failure);

    expect_failure(read, &failure, "has no file train-images-idx3-ubyte or train-images.idx3-ubyte, nor one with .gz");
    write_folder("wb", ".gz", labels, LABELS_SIZE);
    unlink(path); /* The labels of the test set, written last. */
    read = idx_read_set(folder, IDX_TEST, CLASSES, &set, &failure);
    expect_failure(read, &failure, "has no file t10k-labels-idx1-ubyte");
}
END_TEST

/* A folder, or what else is no file, under each of the names that come before the one of the file. */
START_TEST(what_is_no_file_hides_none)
{
    static const char *const names[] = { "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
                                         "train-images.idx3-ubyte.gz" };
    char found[IDX_PATH_SIZE];
    struct failure failure = { "" };

    for (size_t i = 0; i < 4; i++) {
        set_path(names[i], "");
        write_file("wbT", images, IMAGES_SIZE);
        ck_assert_msg(idx_find_file(folder, IDX_TRAINING_IMAGES, found, &failure), "%s", failure.sentence);
        ck_assert_str_eq(found, path);
        ck_assert(idx_read_images(found, &set, &failure));
        idx_free_set(&set);
        unlink(path);
        ck_assert_int_eq(i % 2 == 0 ? mkdir(path, 0700) : mkfifo(path, 0600), 0);
    }
    expect_failure(idx_find_file(folder, IDX_TRAINING_IMAGES, found, &failure), &failure, "is not a regular file");
    for (size_t i = 0; i < 4; i++) {
        set_path(names[i], "");
        ck_assert_int_eq(remove(path), 0);
    }
}
END_TEST

START_TEST(counts_must_agree)
{
    static const unsigned char fewer[] = { 0, 0, 8, 1, 0, 0, 0, 2, 1, 2 };
    struct failure failure = { "" };

    write_folder("wbT", "", fewer, sizeof fewer);
    bool read = idx_read_set(folder, IDX_TRAINING, CLASSES, &set, &failure);
    expect_failure(read, &failure, "has 5 training images and 2 labels");
}
END_TEST

START_TEST(long_folder_names_are_refused)
{
    static char name[8192];
    struct failure failure = { "" };

    memset(name, 'a', sizeof name - 1);
    ck_assert(!idx_read_set(name, IDX_TRAINING, CLASSES, &set, &failure));
    ck_assert_ptr_nonnull(strstr(failure.sentence, "is too long"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idx");
    TCase *files = tcase_create("files");
    TCase *folders = tcase_create("folders");

    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_loop_test(files, sound_images_are_read, 0, MODES);
    tcase_add_loop_test(files, sound_labels_are_read, 0, MODES);
    tcase_add_loop_test(files, large_images_are_read, 0, MODES);
    tcase_add_test(files, every_cut_is_found);
    tcase_add_test(files, trailing_bytes_are_found);
    tcase_add_test(files, wrong_magic_is_found);
    tcase_add_test(files, wrong_sizes_are_found);
    tcase_add_test(files, wrong_labels_are_found);
    tcase_add_test(files, claims_take_no_memory);
    tcase_add_test(files, damaged_gzip_is_found);
    tcase_add_test(files, other_things_than_files_are_found);
    suite_add_tcase(suite, files);
    tcase_add_checked_fixture(folders, setup, teardown);
    tcase_add_loop_test(folders, folder_is_read, 0, MODES);
    tcase_add_test(folders, incomplete_folder_is_found);
    tcase_add_test(folders, what_is_no_file_hides_none);
    tcase_add_test(folders, counts_must_agree);
    tcase_add_test(folders, long_folder_names_are_refused);
    suite_add_tcase(suite, folders);
    return run_in_one_process(suite);
}
