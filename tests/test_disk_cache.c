/* The disk cache: what is written is read, and whatever is wrong is a miss. */
#define _XOPEN_SOURCE 700
#include "allocate.h"
#include "cache_files.h"
#include "cache_folder.h"
#include "disk_cache.h"
#include "hash.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Seconds after which a test that waits for something ends the process. */
enum { PATIENCE = 300 };

static const char key[] = "a key";
static const char text[] = "what is kept under the key, of no particular length";

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

static void write_text(void)
{
    bn_cache_write("test", key, sizeof key, text, sizeof text);
}

static void expect_text(void)
{
    void *data = NULL;
    size_t size = 0;
    ck_assert(bn_cache_read("test", key, sizeof key, &data, &size));
    ck_assert_uint_eq(size, sizeof text);
    ck_assert_mem_eq(data, text, size);
    free(data);
}

static void expect_miss(const char *what)
{
    void *data = NULL;
    size_t size = 1;
    ck_assert_msg(!bn_cache_read("test", key, sizeof key, &data, &size), "%s was read", what);
    ck_assert_msg(data == NULL && size == 1, "%s: a miss has set something", what);
}

/* ---- The folder ----------------------------------------------------------------------------------------------------------- */

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
        bn_cache_write("test", key, sizeof key, "other", 5);
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
        bn_cache_write("test", "other", 5, "other", 5);
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
    bn_cache_write("test", "other", 5, "other", 5);
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

/* ---- Entries -------------------------------------------------------------------------------------------------------------- */

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
            bn_cache_write("test", long_key, sizes[j], bytes, sizes[i]);
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
    bn_cache_write("test", key, sizeof key, "old", 3);
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
    ck_assert(!bn_cache_read("other", key, sizeof key, &data, &size));
    ck_assert(!bn_cache_read("test", "a kez", sizeof key, &data, &size));
    ck_assert(!bn_cache_read("test", key, sizeof key - 1, &data, &size));
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
        bn_cache_write("test", others[i], sizeof key, text, sizeof text);
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

/* Entries that only their checksum calls sound. */
START_TEST(sizes_that_do_not_add_up_are_a_miss)
{
    enum { MAGIC, KEY_SIZE, DATA_SIZE, CHECKSUM, WORDS };
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
        size_t checked = (size_t)(header[KEY_SIZE] + header[DATA_SIZE]), rest = entry.size - sizeof header;
        uint64_t hash = bn_hash(BN_HASH_START, header, CHECKSUM * sizeof *header);
        header[CHECKSUM] = bn_hash(hash, forged + sizeof header, checked < rest ? checked : rest);
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
    enum { KEY_SIZE = 1, DATA_SIZE, CHECKSUM, WORDS };
    uint64_t header[WORDS];
    write_text();
    const char *path = only_cache_file();
    struct bytes entry = read_bytes(path);
    memcpy(header, entry.bytes, sizeof header);
    for (size_t over = 0; over < 2; over++) {
        size_t size = ((size_t)64 << 20) + over, before = sizeof header + sizeof key;
        unsigned char *large = allocate(size, 1);
        header[DATA_SIZE] = size - before;
        uint64_t hash = bn_hash(BN_HASH_START, header, CHECKSUM * sizeof *header);
        memcpy(large + sizeof header, key, sizeof key);
        header[CHECKSUM] = bn_hash(hash, large + sizeof header, size - sizeof header);
        memcpy(large, header, sizeof header);
        write_bytes(path, large, size);
        void *data = NULL;
        ck_assert_int_eq(bn_cache_read("test", key, sizeof key, &data, &size), over == 0);
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
    write_text();
    expect_miss("a folder");
    ck_assert_int_eq(count_cache_files(), 1);
    free(path);
}
END_TEST

START_TEST(too_much_is_not_written)
{
    static const size_t sizes[] = { (size_t)64 << 20, SIZE_MAX, SIZE_MAX - 64, SIZE_MAX / 2 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bn_cache_write("test", key, sizeof key, text, sizes[i]);
        bn_cache_write("test", key, sizes[i], text, sizeof text);
    }
    ck_assert_int_eq(count_cache_files(), 0);
}
END_TEST

/* ---- Many at once --------------------------------------------------------------------------------------------------------- */

/* Data of many sizes, of which each byte follows from the first. */
static void write_pattern(unsigned seed)
{
    size_t size = 1 + seed % 90001;
    unsigned char *bytes = allocate(size, 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(seed + i * 31);
    bn_cache_write("test", key, sizeof key, bytes, size);
    free(bytes);
}

static bool read_pattern(void)
{
    void *data = NULL;
    size_t size = 0;
    if (!bn_cache_read("test", key, sizeof key, &data, &size))
        return false;
    const unsigned char *bytes = data;
    bool whole = size > 0;
    for (size_t i = 0; i < size; i++)
        whole = whole && bytes[i] == (unsigned char)(bytes[0] + i * 31);
    free(data);
    return whole;
}

static bool write_and_read(unsigned seed)
{
    bool whole = true;
    for (unsigned i = 0; i < 60; i++) {
        if (i % 3 == 0)
            write_pattern(seed * 7919 + i * 104729);
        whole = read_pattern() && whole;
    }
    return whole;
}

/* The status of a child that must end by itself. */
static int status_of(pid_t child)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "a process was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Once there is an entry, nobody misses it: it is always whole, and nothing else is left. */
START_TEST(processes_see_whole_entries)
{
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(write_and_read(i) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(status_of(children[i]), EXIT_SUCCESS);
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

static void *write_and_read_in_thread(void *seed)
{
    return write_and_read(*(unsigned *)seed) ? seed : NULL;
}

START_TEST(threads_see_whole_entries)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_and_read_in_thread, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *whole = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &whole), 0);
        ck_assert_ptr_nonnull(whole);
    }
    ck_assert_int_eq(count_cache_files(), 1);
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

/* Processes of the same number were killed while they wrote: some numbers of temporaries are taken. */
START_TEST(left_temporaries_do_no_harm)
{
    enum { LEFT = 3000, STEP = 20 };
    write_text();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char name[64];
        for (int i = 0; i < LEFT; i++) {
            snprintf(name, sizeof name, "temporary-%ld-%d", (long)getpid(), i);
            if (i % STEP != 0)
                write_bytes(cache_path(name), cache_path(name), 200);
        }
        bn_cache_write("test", key, sizeof key, "old", 3);
        bn_cache_write("test", key, sizeof key, "new", 3);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(status_of(child), EXIT_SUCCESS);
    void *data = NULL;
    size_t size = 0;
    ck_assert(bn_cache_read("test", key, sizeof key, &data, &size));
    ck_assert(size == 3 && memcmp(data, "new", 3) == 0);
    free(data);
}
END_TEST

/* A process that writes more than it may is killed, where it has not said otherwise. */
START_TEST(a_limit_on_files_is_kept)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit limit = { 50, 50 };
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(EXIT_FAILURE);
        write_text();
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(status_of(child), EXIT_SUCCESS);
    ck_assert_int_eq(count_cache_files(), 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    suite_add_tcase(suite, cases);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("disk cache");
    TCase *folder = add_case(suite, "folder");
    tcase_add_test(folder, the_environment_decides);
    tcase_add_test(folder, a_path_that_does_not_fit_is_no_path);
    tcase_add_test(folder, folders_and_files_are_the_users_alone);
    tcase_add_test(folder, reading_creates_nothing);
    tcase_add_test(folder, empty_and_relative_names_turn_it_off);
    tcase_add_test(folder, a_folder_that_cannot_be_is_a_miss);
    tcase_add_test(folder, a_folder_that_others_may_write_to_is_not_used);
    tcase_add_test(folder, a_folder_without_write_permission_is_not_written_to);
    tcase_add_test(folder, what_belongs_to_others_is_not_used);
    TCase *entries = add_case(suite, "entries");
    tcase_add_test(entries, nothing_is_left_open);
    tcase_add_test(entries, what_is_written_is_read);
    tcase_add_test(entries, the_last_one_written_counts);
    tcase_add_test(entries, other_keys_and_kinds_are_other_entries);
    tcase_add_test(entries, an_entry_of_another_key_is_a_miss);
    tcase_add_test(entries, any_changed_byte_is_a_miss);
    tcase_add_test(entries, any_other_length_is_a_miss);
    tcase_add_test(entries, sizes_that_do_not_add_up_are_a_miss);
    tcase_add_test(entries, an_entry_over_the_limit_is_a_miss);
    tcase_add_loop_test(entries, other_files_are_a_miss, 0, 5);
    tcase_add_test(entries, a_folder_in_an_entrys_place_is_a_miss);
    tcase_add_test(entries, too_much_is_not_written);
    TCase *many = add_case(suite, "many at once");
    tcase_add_test(many, processes_see_whole_entries);
    tcase_add_test(many, threads_see_whole_entries);
    tcase_add_test(many, left_temporaries_do_no_harm);
    tcase_add_test(many, a_limit_on_files_is_kept);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
