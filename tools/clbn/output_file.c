#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath() */

#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAME = 64, TEMPORARY_ATTEMPTS = 1000 };

/* Creates FOLDER/.clbn-PID-NUMBER.tmp beside the target: a name of its own, short whatever the target's. */
static int create_temporary(struct output_file *file, mode_t mode)
{
    const char *slash = strrchr(file->target, '/');
    size_t folder = slash != NULL ? (size_t)(slash - file->target) + 1 : 0;

    file->temporary = malloc(folder + TEMPORARY_NAME);
    if (file->temporary == NULL)
        return -1;
    memcpy(file->temporary, file->target, folder);
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        int descriptor;

        snprintf(file->temporary + folder, TEMPORARY_NAME, ".clbn-%ld-%d.tmp", (long)getpid(), attempt);
        descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
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
        free(file->temporary);
        file->temporary = NULL;
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
    bool failed = fflush(stream) != 0 || ferror(stream) != 0;
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

bool output_file_publish(struct output_file *file, struct failure *failure)
{
    if (rename(file->temporary, file->target) != 0)
        return fail(failure, "cannot write '%s': %s", file->target, strerror(errno));
    free(file->temporary);
    file->temporary = NULL;
    return true;
}

void output_file_close(struct output_file *file)
{
    if (file->stream != NULL)
        fclose(file->stream);
    if (file->temporary != NULL)
        unlink(file->temporary);
    free(file->temporary);
    free(file->target);
    memset(file, 0, sizeof(*file));
}
