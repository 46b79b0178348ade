/* The folder of the disk cache: where it is, whose, and when there is none. */
#define _XOPEN_SOURCE 700
#include "allocate.h"
#include "cache_files.h"
#include "cache_text.h"
#include "program/cache_folder.h"
#include "program/disk_cache.h"
#include "suite_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

START_TEST(the_environment_decides)
{
    static const struct {
        struct cache_variables variables;
        const char *path; /* NULL: no cache */
    } cases[] = {
        { { NULL, NULL, "/home/me" }, "/home/me/.cache/clbn" },
        { { NULL, "/cache", "/home/me" }, "/cache/clbn" },
        { { NULL, "/cache", NULL }, "/cache/clbn" },
        { { "/mine", "/cache", "/home/me" }, "/mine" },
        { { "/mine", NULL, NULL }, "/mine" },
        { { "", "/cache", "/home/me" }, NULL },
        { { "relative", "/cache", "/home/me" }, NULL },
        { { "./relative", NULL, "/home/me" }, NULL },
        { { "~/cache", NULL, "/home/me" }, NULL },
        { { NULL, "", "/home/me" }, "/home/me/.cache/clbn" },
        { { NULL, "relative", "/home/me" }, "/home/me/.cache/clbn" },
        { { NULL, "relative", "relative" }, NULL },
        { { NULL, NULL, "" }, NULL },
        { { NULL, NULL, NULL }, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char path[BN_CACHE_PATH_SIZE] = "";
        bool chosen = bn_choose_cache_folder(&cases[i].variables, path, sizeof path);
        ck_assert_msg(chosen == (cases[i].path != NULL), "case %zu: %s", i, path);
        if (chosen)
            ck_assert_str_eq(path, cases[i].path);
    }
}
END_TEST

/* Each kind of path, in memory of each size: it is whole or refused. */
START_TEST(a_path_that_does_not_fit_is_no_path)
{
    static const struct cache_variables variables[] = { { "/mine", NULL, NULL },
                                                        { NULL, "/mine", NULL },
                                                        { NULL, NULL, "/mine" } };
    static const char *const paths[] = { "/mine", "/mine/clbn", "/mine/.cache/clbn" };
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        for (size_t size = 0; size < 32; size++) {
            char *path = allocate(size, 1);
            ck_assert_int_eq(bn_choose_cache_folder(&variables[i], path, size), strlen(paths[i]) < size);
            free(path);
        }
}
END_TEST

static mode_t mode_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(lstat(path, &about), 0);
    return about.st_mode & 0777;
}

START_TEST(folders_and_files_are_the_users_alone)
{
    char parent[1024];
    mode_t mask = umask(0);
    write_text();
    umask(mask);
    ck_assert_uint_eq(mode_of(cache_folder()), 0700);
    ck_assert_uint_eq(mode_of(only_cache_file()), 0600);
    snprintf(parent, sizeof parent, "%s", cache_folder());
    *strrchr(parent, '/') = '\0';
    ck_assert_uint_eq(mode_of(parent), 0700);
}
END_TEST

START_TEST(reading_creates_nothing)
{
    expect_miss("nothing");
    ck_assert_int_ne(access(cache_folder(), F_OK), 0);
}
END_TEST

/* Neither is the folder of before read, nor is anything written to the current one. */
START_TEST(empty_and_relative_names_turn_it_off)
{
    static const char *const names[] = { "", "relative", "./relative" };
    char before[4096];
    write_text();
    struct bytes entry = read_bytes(only_cache_file());
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(cache_folder()), 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_int_eq(setenv("CLBN_CACHE_DIR", names[i], 1), 0);
        ck_assert(!bn_cache_is_on());
        expect_miss("a cache that is off");
        ck_assert(!bn_cache_write("test", cache_key, sizeof cache_key, "other", 5));
        ck_assert_int_eq(count_cache_files(), 1);
    }
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_int_eq(setenv("CLBN_CACHE_DIR", cache_folder(), 1), 0);
    ck_assert(bn_cache_is_on());
    expect_text();
    free(entry.bytes);
}
END_TEST

START_TEST(a_folder_that_cannot_be_is_a_miss)
{
    char below_a_file[2048];
    write_text();
    snprintf(below_a_file, sizeof below_a_file, "%s/cache", only_cache_file());
    const char *const names[] = { below_a_file, "/proc/clbn/cache", "/dev/null", "/dev/null/cache", only_cache_file() };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_int_eq(setenv("CLBN_CACHE_DIR", names[i], 1), 0);
        write_text();
        expect_miss(names[i]);
        ck_assert(!bn_cache_is_writable());
    }
}
END_TEST

START_TEST(a_folder_that_others_may_write_to_is_not_used)
{
    static const mode_t modes[] = { 0770, 0707, 0720, 0702, 01777 };
    write_text();
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        ck_assert_int_eq(chmod(cache_folder(), modes[i]), 0);
        expect_miss("the folder");
        ck_assert(!bn_cache_write("test", "other", 5, "other", 5));
        ck_assert_int_eq(count_cache_files(), 1);
    }
    ck_assert_int_eq(chmod(cache_folder(), 0755), 0);
    expect_text();
}
END_TEST

/* Root has it everywhere. */
START_TEST(a_folder_without_write_permission_is_not_written_to)
{
    ck_assert(bn_cache_is_writable());
    ck_assert_int_eq(chmod(cache_folder(), 0500), 0);
    if (geteuid() == 0)
        printf("a folder without write permission is not tested: this is root\n");
    else
        ck_assert(!bn_cache_is_writable());
    write_text();
    ck_assert_int_eq(chmod(cache_folder(), 0700), 0);
    ck_assert(bn_cache_is_writable());
}
END_TEST

/* Only root can give files away. */
START_TEST(what_belongs_to_others_is_not_used)
{
    enum { SOMEBODY = 12345 };
    write_text();
    if (geteuid() != 0) {
        printf("other users' files are not tested: only root can make them\n");
        return;
    }
    ck_assert_int_eq(chown(only_cache_file(), SOMEBODY, (gid_t)-1), 0);
    expect_miss("another user's file");
    ck_assert_int_eq(chown(only_cache_file(), 0, (gid_t)-1), 0);
    expect_text();
    ck_assert_int_eq(chown(cache_folder(), SOMEBODY, (gid_t)-1), 0);
    expect_miss("another user's folder");
    ck_assert(!bn_cache_write("test", "other", 5, "other", 5));
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache folder");
    TCase *cases = add_cache_case(suite, "folder");
    tcase_add_test(cases, the_environment_decides);
    tcase_add_test(cases, a_path_that_does_not_fit_is_no_path);
    tcase_add_test(cases, folders_and_files_are_the_users_alone);
    tcase_add_test(cases, reading_creates_nothing);
    tcase_add_test(cases, empty_and_relative_names_turn_it_off);
    tcase_add_test(cases, a_folder_that_cannot_be_is_a_miss);
    tcase_add_test(cases, a_folder_that_others_may_write_to_is_not_used);
    tcase_add_test(cases, a_folder_without_write_permission_is_not_written_to);
    tcase_add_test(cases, what_belongs_to_others_is_not_used);
    return run_in_one_process(suite);
}
