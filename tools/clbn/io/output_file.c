#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath() */

#include "io/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAME = 64, TEMPORARY_ATTEMPTS = 1000 };

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
    signal(number, SIG_DFL);
    raise(number); /* ends the program as soon as this function returns */
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

static void forget_temporary(struct output_file *file)
{
    struct temporary_file **link = &temporaries;

    while (*link != file->temporary)
        link = &(*link)->next;
    *link = file->temporary->next;
    free(file->temporary);
    file->temporary = NULL;
}

/* Creates FOLDER/.clbn-PID-NUMBER.tmp beside the target: a name of its own, short whatever the target's. */
static int create_temporary(struct output_file *file, mode_t mode)
{
    const char *slash = strrchr(file->target, '/');
    size_t folder = slash != NULL ? (size_t)(slash - file->target) + 1 : 0;
    struct temporary_file *temporary = malloc(sizeof(*temporary) + folder + TEMPORARY_NAME);
    int descriptor = -1;
    sigset_t old;

    if (temporary == NULL)
        return -1;
    memcpy(temporary->path, file->target, folder);
    old = hold_signals();
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        snprintf(temporary->path + folder, TEMPORARY_NAME, ".clbn-%ld-%d.tmp", (long)getpid(), attempt);
        descriptor = open(temporary->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor >= 0 || errno != EEXIST)
            break;
    }
    if (descriptor >= 0) {
        temporary->next = temporaries;
        temporaries = temporary;
        file->temporary = temporary;
    }
    release_signals(old);
    if (descriptor < 0)
        free(temporary);
    return descriptor;
}

/* A copy of the path, or of the one that it links to. */
static char *resolve(const char *path)
{
    char *target = realpath(path, NULL);

    return target != NULL ? target : strdup(path);
}

bool output_file_open(struct output_file *file, const char *path, struct failure *failure)
{
    struct stat old;
    int descriptor;
    bool replaces = stat(path, &old) == 0;

    memset(file, 0, sizeof(*file));
    if (replaces && !S_ISREG(old.st_mode))
        return fail(failure, "cannot write '%s': it is not a regular file", path);
    file->target = resolve(path);
    if (file->target == NULL)
        return fail(failure, "cannot write '%s': %s", path, strerror(errno));
    descriptor = create_temporary(file, 0666);
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
    bool failed = fflush(stream) != 0 || ferror(stream) != 0 || fsync(fileno(stream)) != 0;
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

bool output_files_publish(struct output_file *const *files, size_t count, struct failure *failure)
{
    sigset_t old = hold_signals();
    bool published = true;

    for (size_t i = 0; i < count && published; i++) {
        if (rename(files[i]->temporary->path, files[i]->target) == 0)
            forget_temporary(files[i]);
        else
            published = fail(failure, "cannot write '%s': %s", files[i]->target, strerror(errno));
    }
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
    if (file->temporary != NULL) {
        sigset_t old = hold_signals();

        unlink(file->temporary->path);
        forget_temporary(file);
        release_signals(old);
    }
    free(file->target);
    memset(file, 0, sizeof(*file));
}
