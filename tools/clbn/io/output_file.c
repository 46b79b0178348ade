/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath() */

#include "io/output_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
static pthread_t owner;

static const int ending_signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

/* OpenCL's threads get signals, too; only that of the files can hold them up. */
static void remove_temporaries(int number)
{
    if (!pthread_equal(pthread_self(), owner)) {
        pthread_kill(owner, number);
        return;
    }
    for (const struct temporary_file *file = temporaries; file != NULL; file = file->next)
        unlink(file->path);
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* ends the program as soon as this function returns */
}

void output_files_guard(void)
{
    struct sigaction action = { .sa_handler = remove_temporaries, .sa_flags = SA_RESTART };
    struct sigaction old;

    owner = pthread_self();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(ending_signals[i], &action, NULL);
}

/* No signal ends the program from here on, until its return value is released. */
static sigset_t hold_signals(void)
{
    sigset_t held, old;

    sigemptyset(&held);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(&held, ending_signals[i]);
    pthread_sigmask(SIG_BLOCK, &held, &old);
    return old;
}

static void release_signals(sigset_t old)
{
    pthread_sigmask(SIG_SETMASK, &old, NULL);
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

static int create_file(const char *path, const void *mode)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, *(const mode_t *)mode);
}

static int link_file(const char *path, const void *old)
{
    return link(old, path);
}

/* The length of the folder in a path, with its slash; 0: the current folder. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* Makes FOLDER/.clbn-PID-NUMBER.tmp beside the target: a name of its own, short whatever the target's. Returns what make()
 * did, -1 with errno on failure. */
static int make_temporary(const char *target, maker make, const void *argument, struct temporary_file **made)
{
    size_t folder = folder_length(target);
    struct temporary_file *temporary = malloc(sizeof(*temporary) + folder + TEMPORARY_NAME);
    int result = -1;
    sigset_t old;

    if (temporary == NULL)
        return -1;
    memcpy(temporary->path, target, folder);
    old = hold_signals();
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
    release_signals(old);
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
static bool is_leftover(int folder, const char *name)
{
    long process;
    struct stat status;

    return parse_temporary(name, &process) && kill((pid_t)process, 0) != 0 && errno == ESRCH &&
           fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           difftime(time(NULL), status.st_mtime) > LEFTOVER_SECONDS;
}

/* Removes, beside the target, the temporary files of those that were killed. */
static void remove_leftovers(const char *target)
{
    char *folder = strndup(target, folder_length(target));
    DIR *listing = folder != NULL ? opendir(folder[0] != '\0' ? folder : ".") : NULL;

    for (struct dirent *entry = NULL; listing != NULL && (entry = readdir(listing)) != NULL;)
        if (is_leftover(dirfd(listing), entry->d_name))
            unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing != NULL)
        closedir(listing);
    free(folder);
}

/* Fails where the name is there, and is nothing that a command should replace. A link that leads nowhere is more likely a
 * mistake than a wish; a file that nobody may write is protected, also from root. */
static bool check_replaceable(const char *path, struct stat *old, bool *replaces, struct failure *failure)
{
    struct stat link;

    *replaces = stat(path, old) == 0;
    if (!*replaces && errno != ENOENT)
        return fail(failure, "cannot write '%s': %s", path, strerror(errno));
    if (!*replaces && lstat(path, &link) == 0)
        return fail(failure, "cannot write '%s': it is a symbolic link to what does not exist", path);
    if (*replaces && !S_ISREG(old->st_mode))
        return fail(failure, "cannot write '%s': it is not a regular file", path);
    if (*replaces && ((old->st_mode & 0222) == 0 || access(path, W_OK) != 0))
        return fail(failure, "cannot write '%s': it is read-only", path);
    return true;
}

/* Where the folder of a path is, which need not exist itself. */
static bool stat_folder(const char *path, struct stat *status)
{
    char *folder = strndup(path, folder_length(path));
    bool found = folder != NULL && stat(folder[0] != '\0' ? folder : ".", status) == 0;

    free(folder);
    return found;
}

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

bool output_file_is(const char *one, const char *other)
{
    struct stat status[2];
    bool exists[2] = { stat(one, &status[0]) == 0, stat(other, &status[1]) == 0 };

    if (strcmp(one, other) == 0)
        return true;
    if (exists[0] || exists[1])
        return exists[0] && exists[1] && same_file(&status[0], &status[1]);
    return stat_folder(one, &status[0]) && stat_folder(other, &status[1]) && same_file(&status[0], &status[1]) &&
           strcmp(one + folder_length(one), other + folder_length(other)) == 0;
}

/* Takes the standard output; what others print goes to the standard error from here on. */
static bool open_standard(struct output_file *file, struct failure *failure)
{
    int descriptor = -1;

    file->target = strdup("the standard output");
    if (file->target != NULL && fflush(stdout) == 0)
        descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (descriptor >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        file->stream = fdopen(descriptor, "wb");
    if (file->stream != NULL)
        return true;
    fail(failure, "cannot write to the standard output: %s", strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    output_file_close(file);
    return false;
}

bool output_file_open(struct output_file *file, const char *path, struct failure *failure)
{
    struct stat old;
    mode_t mode = 0666;
    int descriptor = -1;
    bool replaces;

    memset(file, 0, sizeof(*file));
    if (strcmp(path, "-") == 0)
        return open_standard(file, failure);
    if (!check_replaceable(path, &old, &replaces, failure))
        return false;
    file->target = replaces ? realpath(path, NULL) : strdup(path);
    if (file->target != NULL) {
        remove_leftovers(file->target);
        descriptor = make_temporary(file->target, create_file, &mode, &file->temporary);
    }
    if (descriptor < 0) {
        fail(failure, "cannot write '%s': %s", path, strerror(errno));
        goto cleanup;
    }
    if (replaces && fchmod(descriptor, old.st_mode & 0777) != 0) {
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
    bool failed = fflush(stream) != 0 || ferror(stream) != 0 || (file->temporary != NULL && fsync(fileno(stream)) != 0);
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

/* Removes a temporary file, if it still has its name. Signals are held. */
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
    if (rename(file->temporary->path, file->target) != 0)
        return fail(failure, "cannot write '%s': %s", file->target, strerror(errno));
    forget_temporary(&file->temporary);
    return true;
}

/* Takes a published file's name away again. */
static void withdraw(struct output_file *file)
{
    if (file->is_new)
        unlink(file->target);
    else if (file->old != NULL && rename(file->old->path, file->target) == 0)
        forget_temporary(&file->old);
}

bool output_files_publish(struct output_file *const *files, size_t count, struct failure *failure)
{
    sigset_t old = hold_signals();
    bool published = true;
    size_t done = 0;

    while (done < count && published) {
        bool is_last = done + 1 == count; /* nothing can fail after it */

        published = (is_last || keep_old(files[done], failure)) && publish_one(files[done], failure);
        done += published;
    }
    while (!published && done > 0)
        withdraw(files[--done]);
    for (size_t i = 0; i < count; i++)
        remove_temporary(&files[i]->old);
    release_signals(old);
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
    sigset_t old = hold_signals();
    remove_temporary(&file->temporary);
    release_signals(old);
    free(file->target);
    memset(file, 0, sizeof(*file));
}
