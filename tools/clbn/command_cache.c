/* SPDX-License-Identifier: MIT */
/* clbn cache: lists what the library keeps on disk, removes it, or holds it to a size. */
#define _POSIX_C_SOURCE 200809L

#include "commands.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/options.h"
#include "system/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOLDER_SIZE = 4096, HASH_DIGITS = 16 };

struct request {
    bool clear;
    long long limit; /* MB; below 0: none */
    struct session_options session;
};

struct entry {
    char name[256];
    uintmax_t size;
    time_t written;
};

struct entry_list {
    struct entry *entries;
    size_t count;
};

/* The library knows; it is empty where there is none. */
static bool ask_folder(const struct session_options *options, char folder[FOLDER_SIZE], struct failure *failure)
{
    struct session session;

    if (!session_open(&session, options, failure))
        return false;
    cl_int status = clbnGetEngineInfo(session.engine, CLBN_ENGINE_CACHE_FOLDER, FOLDER_SIZE, folder, NULL);
    session_close(&session);
    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "asking for the cache folder", status);
    return folder[0] != '\0' || fail(failure, "there is no cache: CLBN_CACHE_DIR turns it off, or its folder cannot be used");
}

/* "program-0123456789abcdef": what the library writes, and nothing else. */
static bool is_entry(const char *name)
{
    const char *dash = strrchr(name, '-');

    return dash != NULL && strlen(dash + 1) == HASH_DIGITS && strspn(dash + 1, "0123456789abcdef") == HASH_DIGITS;
}

static bool add_entry(struct entry_list *list, const char *name, const struct folder_file *file)
{
    struct entry *entries = realloc(list->entries, (list->count + 1) * sizeof(*entries));

    if (entries == NULL)
        return false;
    list->entries = entries;
    struct entry *entry = &entries[list->count++];
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->size = file->size;
    entry->written = file->written;
    return true;
}

static int compare_age(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;

    return a->written != b->written ? (a->written < b->written ? -1 : 1) : strcmp(a->name, b->name);
}

/* The oldest first. A folder that is not there has none. */
static bool list_entries(struct folder *folder, struct entry_list *list, struct failure *failure)
{
    struct folder_file file;

    for (const char *name = folder_next(folder); name != NULL; name = folder_next(folder)) {
        if (!is_entry(name) || !folder_has_file(folder, name, &file))
            continue;
        if (!add_entry(list, name, &file))
            return fail(failure, "there is no memory for the list");
    }
    if (list->count > 0)
        qsort(list->entries, list->count, sizeof(*list->entries), compare_age);
    return true;
}

static double megabytes(const struct entry_list *list, size_t first)
{
    double bytes = 0;

    for (size_t i = first; i < list->count; i++)
        bytes += (double)list->entries[i].size;
    return bytes / 1e6;
}

static void print_entries(const struct entry_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        char date[32] = "";
        struct tm when;

        if (localtime_r(&entry->written, &when) == NULL || strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &when) == 0)
            date[0] = '\0';
        printf("%-44.44s %10.3f MB  %s\n", entry->name, (double)entry->size / 1e6, date);
    }
}

/* The first ones, which are the oldest. Another process may have removed one meanwhile. */
static bool remove_entries(const struct folder *folder, const struct entry_list *list, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++)
        if (!folder_remove(folder, list->entries[i].name) && errno != ENOENT)
            return fail(failure, "cannot remove %s: %s", list->entries[i].name, strerror(errno));
    return true;
}

/* How many of the oldest have to go. */
static size_t count_beyond(const struct entry_list *list, long long limit)
{
    size_t count = 0;

    while (count < list->count && megabytes(list, count) > (double)limit)
        count++;
    return count;
}

static bool work_in(struct folder *folder, const struct request *request, struct failure *failure)
{
    struct entry_list list = { NULL, 0 };
    bool done = list_entries(folder, &list, failure);

    if (done && (request->clear || request->limit >= 0)) {
        const size_t count = request->clear ? list.count : count_beyond(&list, request->limit);
        done = remove_entries(folder, &list, count, failure);
        if (done)
            printf("removed %zu of %zu files, %.3f MB are left\n", count, list.count, megabytes(&list, count));
    } else if (done) {
        print_entries(&list);
        printf("%zu files, %.3f MB\n", list.count, megabytes(&list, 0));
    }
    free(list.entries);
    return done;
}

static bool run(const struct request *request, struct failure *failure)
{
    char path[FOLDER_SIZE] = "";
    struct folder folder;

    if (!ask_folder(&request->session, path, failure))
        return false;
    if (!folder_open(&folder, path)) {
        if (errno != ENOENT)
            return fail(failure, "cannot open %s: %s", path, strerror(errno));
        printf("%s\n0 files\n", path);
        return true;
    }
    printf("%s\n", path);
    const bool done = work_in(&folder, request, failure);
    folder_close(&folder);
    return done;
}

int command_cache(int argc, char **argv)
{
    struct request request = { .limit = -1 };
    struct command_option options[] = {
        { .name = "clear",
          .kind = OPTION_FLAG,
          .to.flag = &request.clear,
          .help = "remove all of it; tuning has to be done again" },
        { .name = "limit",
          .kind = OPTION_INTEGER,
          .to.integer = &request.limit,
          .argument = "MB",
          .integer_range = { 0, 1000000000 },
          .help = "remove the oldest files until the others take so many megabytes at most" },
        { .name = "device",
          .kind = OPTION_STRING,
          .to.string = &request.session.device,
          .argument = "DEVICE",
          .help = "any will do: all share the folder" },
    };
    const struct command_line command = { "cache", "List, remove or limit what is kept on disk", options,
                                          OPTION_COUNT(options) };
    struct failure failure;
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    if (request.clear && request.limit >= 0)
        return usage_error(&command, "--clear and --limit are two wishes: give one");
    if (run(&request, &failure))
        return EXIT_DONE;
    report_failure(&failure);
    return EXIT_FAILED;
}
