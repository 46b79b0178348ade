/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/program.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Whether folder (of that length; none: the current one) holds a program of that name. */
static bool has_program(const char *folder, size_t folder_length, const char *name)
{
    char path[4096];
    struct stat status;
    int length = snprintf(path, sizeof path, "%.*s%s%s", (int)folder_length, folder, folder_length > 0 ? "/" : "./", name);

    return length > 0 && (size_t)length < sizeof path && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           access(path, X_OK) == 0;
}

bool program_is_there(const char *name)
{
    const char *folder = getenv("PATH");

    while (folder != NULL) {
        size_t length = strcspn(folder, ":");

        if (length < 4096 && has_program(folder, length, name))
            return true;
        folder = folder[length] == ':' ? folder + length + 1 : NULL;
    }
    return false;
}

/* Returns 0 or an error's number. */
static int start(const char *name, char *const *arguments, FILE *input, FILE *output, pid_t *process)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(process, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

bool program_run(const char *name, const char *argument, FILE *input, FILE *output, bool *succeeded)
{
    char *arguments[] = { (char *)name, (char *)argument, NULL }; /* which nobody writes to */
    pid_t process;
    int status;
    int error = start(name, arguments, input, output, &process);

    if (error != 0) {
        errno = error;
        return false;
    }
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    *succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}
