/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "io/output_file.h"

#include "system/ending.h"
#include "system/file.h"
#include "system/folder.h"
#include "system/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Names of temporary files begin so. */
#define TEMPORARY ".clbn-"

enum { TEMPORARY_NAME = 64, TEMPORARY_ATTEMPTS = 1000, LEFTOVER_SECONDS = 24 * 60 * 60 };

/* All that are there, for a signal to remove. The list and the files agree wherever signals are not held up. */
struct temporary_file {
    struct temporary_file *next;
    char path[];
};

static struct temporary_file *temporaries;

static void remove_temporaries(void)
{
    for (const struct temporary_file *file = temporaries; file != NULL; file = file->next)
        unlink(file->path);
}

void output_files_guard(void)
{
    ending_guard(remove_temporaries);
}

static void forget_temporary(struct temporary_file **file)
{
    struct temporary_file **link = &temporaries;

    while (*link != *file)
        link = &(*link)->next;
    *link = (*file)->next;
    free(*file);
    *file = NULL;
}

/* Makes a file of a name, or fails with errno: EEXIST where the name is taken. */
typedef int (*maker)(const char *path, const void *argument);

static int create_file(const char *path, const void *unused)
{
    (void)unused;
    return file_create(path);
}

static int link_file(const char *path, const void *old)
{
    return file_link(old, path) ? 0 : -1;
}

/* Makes FOLDER/.clbn-PID-NUMBER.tmp beside the target: a name of its own, short whatever the target's. Returns what make()
 * did, -1 with errno on failure. */
static int make_temporary(const char *target, maker make, const void *argument, struct temporary_file **made)
{
    size_t folder = file_folder_length(target);
    struct temporary_file *temporary = malloc(sizeof(*temporary) + folder + TEMPORARY_NAME);
    int result = -1;

    if (temporary == NULL)
        return -1;
    memcpy(temporary->path, target, folder);
    ending_hold();
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        snprintf(temporary->path + folder, TEMPORARY_NAME, TEMPORARY "%ld-%d.tmp", (long)getpid(), attempt);
        result = make(temporary->path, argument);
        if (result >= 0 || errno != EEXIST)
            break;
    }
    if (result >= 0) {
        temporary->next = temporaries;
        temporaries = temporary;
        *made = temporary;
    }
    ending_release();
    if (result < 0)
        free(temporary);
    return result;
}

/* Takes decimal digits at *text, and moves *text behind them. False: there are none, or too many for a process's number. */
static bool take_number(const char **text, long *number)
{
    char *end = NULL;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtol(*text, &end, 10);
    *text = end;
    return errno == 0 && *number <= INT_MAX;
}

/* Whether the name is one of ours; gives the process that it names. */
static bool parse_temporary(const char *name, long *process)
{
    const char *rest = name + strlen(TEMPORARY);
    long number;

    return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0 && take_number(&rest, process) && *rest++ == '-' &&
           take_number(&rest, &number) && strcmp(rest, ".tmp") == 0;
}

/* Whether a process that is no more left the file of that name, a day ago or earlier: on another machine, whose processes are not
 * known here, it may still be there. */
static bool is_leftover(const struct folder *folder, const char *name)
{
    long process;
    struct folder_file file;

    return parse_temporary(name, &process) && file_writer_is_gone(process) && folder_has_file(folder, name, &file) &&
           difftime(time(NULL), file.written) > LEFTOVER_SECONDS;
}

/* The folder in a path, for the caller to free. */
static char *copy_folder(const char *path)
{
    char *folder = strdup(path);

    if (folder != NULL)
        folder[file_folder_length(path)] = '\0';
    return folder;
}

/* Removes, beside the target, the temporary files of those that were killed. */
static void remove_leftovers(const char *target)
{
    char *path = copy_folder(target);
    struct folder folder;

    if (path != NULL && folder_open(&folder, path)) {
        for (const char *name = folder_next(&folder); name != NULL; name = folder_next(&folder))
            if (is_leftover(&folder, name))
                folder_remove(&folder, name);
        folder_close(&folder);
    }
    free(path);
}

/* Fails where the name is there, and is nothing that a command should replace. A link that leads nowhere is more likely a
 * mistake than a wish; a file that nobody may write is protected, also from root. */
static bool check_replaceable(const char *path, struct file_state *old, bool *replaces, struct failure *failure)
{
    *replaces = file_look(path, old);
    if (!*replaces && errno != ENOENT)
        return fail(failure, "cannot write '%s': %s", path, strerror(errno));
    if (!*replaces && file_name_is_taken(path))
        return fail(failure, "cannot write '%s': it is a symbolic link to what does not exist", path);
    if (*replaces && !old->is_regular)
        return fail(failure, "cannot write '%s': it is not a regular file", path);
    if (*replaces && !file_is_writable(path, old))
        return fail(failure, "cannot write '%s': it is read-only", path);
    return true;
}

/* Where the folder of a path is, which need not exist itself. */
static bool look_at_folder(const char *path, struct file_state *state)
{
    char *folder = copy_folder(path);
    bool found = folder != NULL && file_look(folder[0] != '\0' ? folder : ".", state);

    free(folder);
    return found;
}

bool output_file_is(const char *one, const char *other)
{
    struct file_state states[2];
    bool exists[2] = { file_look(one, &states[0]), file_look(other, &states[1]) };

    if (strcmp(one, other) == 0)
        return true;
    if (exists[0] || exists[1])
        return exists[0] && exists[1] && file_same(&states[0], &states[1]);
    return look_at_folder(one, &states[0]) && look_at_folder(other, &states[1]) && file_same(&states[0], &states[1]) &&
           file_same_name(one + file_folder_length(one), other + file_folder_length(other));
}

/* Takes the standard output; what others print goes to the standard error from here on. */
static bool open_standard(struct output_file *file, struct failure *failure)
{
    file->target = strdup("the standard output");
    if (file->target != NULL)
        file->stream = stream_take_output();
    if (file->stream != NULL)
        return true;
    fail(failure, "cannot write to the standard output: %s", strerror(errno));
    output_file_close(file);
    return false;
}

bool output_file_open(struct output_file *file, const char *path, struct failure *failure)
{
    struct file_state old;
    int descriptor = -1;
    bool replaces;

    memset(file, 0, sizeof(*file));
    if (strcmp(path, "-") == 0)
        return open_standard(file, failure);
    if (!check_replaceable(path, &old, &replaces, failure))
        return false;
    file->target = replaces ? file_real_path(path) : strdup(path);
    if (file->target != NULL) {
        remove_leftovers(file->target);
        descriptor = make_temporary(file->target, create_file, NULL, &file->temporary);
    }
    if (descriptor < 0) {
        fail(failure, "cannot write '%s': %s", path, strerror(errno));
        goto cleanup;
    }
    if (replaces && !file_permit(descriptor, &old)) {
        fail(failure, "cannot give '%s' the permissions that it had: %s", path, strerror(errno));
        goto cleanup;
    }
    file->stream = fdopen(descriptor, "wb");
    if (file->stream == NULL) {
        fail(failure, "cannot write '%s': %s", path, strerror(errno));
        goto cleanup;
    }
    return true;

cleanup:
    if (descriptor >= 0)
        close(descriptor);
    output_file_close(file);
    return false;
}

bool output_file_finish(struct output_file *file, struct failure *failure)
{
    FILE *stream = file->stream;
    bool failed = fflush(stream) != 0 || ferror(stream) != 0 || (file->temporary != NULL && !file_sync(fileno(stream)));
    int reason = errno;

    file->stream = NULL;
    if (fclose(stream) != 0 && !failed) {
        failed = true;
        reason = errno;
    }
    if (failed)
        return fail(failure, "cannot write '%s': %s", file->target, strerror(reason));
    return true;
}

/* Removes a temporary file, if it still has its name. Endings are held. */
static void remove_temporary(struct temporary_file **file)
{
    if (*file == NULL)
        return;
    unlink((*file)->path);
    forget_temporary(file);
}

/* Keeps what has the target's name, to be given back, under a name of its own. A file system without hard links cannot: there,
 * what is published stays so. */
static bool keep_old(struct output_file *file, struct failure *failure)
{
    if (file->temporary == NULL || make_temporary(file->target, link_file, file->target, &file->old) == 0)
        return true;
    file->is_new = errno == ENOENT;
    return errno != ENOMEM || fail(failure, "there is no memory to write '%s'", file->target);
}

/* The standard output has its name. */
static bool publish_one(struct output_file *file, struct failure *failure)
{
    if (file->temporary == NULL)
        return true;
    if (!file_rename(file->temporary->path, file->target))
        return fail(failure, "cannot write '%s': %s", file->target, strerror(errno));
    forget_temporary(&file->temporary);
    return true;
}

/* Takes a published file's name away again. */
static void withdraw(struct output_file *file)
{
    if (file->is_new)
        unlink(file->target);
    else if (file->old != NULL && file_rename(file->old->path, file->target))
        forget_temporary(&file->old);
}

bool output_files_publish(struct output_file *const *files, size_t count, struct failure *failure)
{
    bool published = true;
    size_t done = 0;

    ending_hold();
    while (done < count && published) {
        bool is_last = done + 1 == count; /* nothing can fail after it */

        published = (is_last || keep_old(files[done], failure)) && publish_one(files[done], failure);
        done += published;
    }
    while (!published && done > 0)
        withdraw(files[--done]);
    for (size_t i = 0; i < count; i++)
        remove_temporary(&files[i]->old);
    ending_release();
    return published;
}

bool output_file_publish(struct output_file *file, struct failure *failure)
{
    return output_files_publish(&file, 1, failure);
}

void output_file_close(struct output_file *file)
{
    if (file->stream != NULL)
        fclose(file->stream);
    ending_hold();
    remove_temporary(&file->temporary);
    ending_release();
    free(file->target);
    memset(file, 0, sizeof(*file));
}
