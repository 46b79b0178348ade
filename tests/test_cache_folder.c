/* SPDX-License-Identifier: MIT */
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
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/xattr.h>
#endif

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

/* ---- Rights of its own ---------------------------------------------------------------------------------------------------- */

#ifdef __linux__

enum { CALLER = 12345, CACHE_ON = 1, MORE_RIGHTS = 2 };

/* What this program says when it is run again. */
static int tell_rights(void)
{
    return (bn_cache_is_on() ? CACHE_ON : 0) + (getauxval(AT_SECURE) != 0 ? MORE_RIGHTS : 0);
}

/* This program once more, in the place of the cache folder. */
static void copy_program(const char *path)
{
    struct bytes program = read_bytes("/proc/self/exe");
    write_bytes(path, program.bytes, program.size);
    free(program.bytes);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static int run_as_caller(const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (setgid(CALLER) == 0 && setuid(CALLER) == 0)
            execl(path, path, "tell", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 127, "%s did not run", path);
    return WEXITSTATUS(status);
}

static void give_owners_rights(const char *path)
{
    ck_assert_int_eq(chmod(path, 04755), 0);
}

static void give_capability(const char *path)
{
    const struct vfs_cap_data capability = { VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                             { { 1u << CAP_NET_RAW, 0 }, { 0, 0 } } };
    if (setxattr(path, "security.capability", &capability, sizeof capability, 0) != 0)
        printf("capabilities of files are not tested: they cannot be set here\n");
}

START_TEST(a_program_with_rights_of_its_own_has_no_cache)
{
    static void (*const give_rights[])(const char *path) = { give_owners_rights, give_capability };
    if (geteuid() != 0) {
        printf("a program with rights of its own is not tested: only root can make one\n");
        return;
    }
    write_text(); /* creates the folder */
    char *path = strdup(cache_path("program"));
    char *outer = strdup(cache_folder());
    ck_assert_int_eq(chmod(outer, 0755), 0);
    for (int i = 0; i < 2; i++) {
        *strrchr(outer, '/') = '\0';
        ck_assert_int_eq(chmod(outer, 0755), 0);
    }
    for (size_t i = 0; i < COUNT_OF(give_rights); i++) {
        copy_program(path);
        ck_assert_int_eq(run_as_caller(path), CACHE_ON);
        give_rights[i](path);
        const int told = run_as_caller(path);
        if ((told & MORE_RIGHTS) == 0)
            printf("a program with rights of its own is not tested: none are given here\n");
        ck_assert_int_ne(told, CACHE_ON + MORE_RIGHTS);
        ck_assert_int_eq(unlink(path), 0);
    }
    free(outer);
    free(path);
}
END_TEST

#endif

int main(int argc, char **argv)
{
#ifdef __linux__
    if (argc == 2 && strcmp(argv[1], "tell") == 0)
        return tell_rights();
#endif
    (void)argc, (void)argv;
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
#ifdef __linux__
    tcase_add_test(cases, a_program_with_rights_of_its_own_has_no_cache);
#endif
    return run_in_one_process(suite);
}
