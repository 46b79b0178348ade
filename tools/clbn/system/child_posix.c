/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAXIMUM = 16 };

void child_serve(int argc, char **argv, child_work *do_work)
{
    (void)argc, (void)argv, (void)do_work;
}

bool child_start(struct child *child, child_work *do_work, const void *work, size_t size)
{
    int ends[2], reason;
    pid_t process;

    (void)size;
    if (pipe(ends) != 0)
        return false;
    process = fork();
    if (process == 0) {
        close(ends[0]);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        do_work(work, ends[1]);
        _exit(EXIT_SUCCESS);
    }
    reason = errno;
    close(ends[1]);
    *child = (struct child){ process, ends[0] };
    if (process > 0)
        return true;
    close(ends[0]);
    errno = reason;
    return false;
}

bool child_hear(const struct child *child, void *message, size_t size)
{
    ssize_t got;

    do
        got = read((int)child->pipe, message, size);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

void child_await(const struct child *const *children, size_t count, int milliseconds, bool *ready)
{
    struct pollfd pipes[CHILDREN_MAXIMUM];
    int result;

    for (size_t i = 0; i < count; i++)
        pipes[i] = (struct pollfd){ .fd = children[i] != NULL ? (int)children[i]->pipe : -1, .events = POLLIN };
    do
        result = poll(pipes, count, milliseconds);
    while (result < 0 && errno == EINTR);
    for (size_t i = 0; i < count; i++)
        ready[i] = pipes[i].revents != 0;
}

void child_kill(const struct child *child)
{
    kill((pid_t)child->process, SIGKILL);
}

void child_end(struct child *child, char *how, size_t size)
{
    int status = 0;

    close((int)child->pipe);
    while (waitpid((pid_t)child->process, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(how, size, "the process was ended by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, size, "the process ended by itself, with exit code %d", WEXITSTATUS(status));
}
