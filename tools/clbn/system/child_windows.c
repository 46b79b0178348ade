/* SPDX-License-Identifier: MIT */
#include "system/child.h"

#include "system/windows_error.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>

/* The argument of a child, whose standard input has its work, and whose standard output is the pipe. */
#define CHILD "--child"

enum { PIPE_SIZE = 1 << 16, LOOK_AGAIN = 10 /* ms */ }; /* a message fits, so that it is written at once */

static bool read_whole(HANDLE file, void *bytes, size_t size)
{
    unsigned char *next = bytes;

    while (size > 0) {
        DWORD got = 0;

        if (!ReadFile(file, next, (DWORD)size, &got, NULL) || got == 0)
            return false;
        next += got;
        size -= got;
    }
    return true;
}

void child_serve(int argc, char **argv, child_work *do_work)
{
    static uint64_t work[CHILD_WORK_SIZE / sizeof(uint64_t)];
    int pipe;

    if (argc != 2 || strcmp(argv[1], CHILD) != 0)
        return;
    /* What ends by an exception shows no window that waits for somebody. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    pipe = _dup(STDOUT_FILENO);
    if (pipe < 0 || _setmode(pipe, _O_BINARY) < 0 || _dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
        !read_whole((HANDLE)_get_osfhandle(STDIN_FILENO), work, sizeof(work)))
        _exit(EXIT_FAILURE);
    do_work(work, pipe);
    _exit(EXIT_SUCCESS);
}

/* The end that the child gets is inherited, the other one is not. */
static bool make_pipe(HANDLE *ours, HANDLE *childs, bool child_reads)
{
    SECURITY_ATTRIBUTES inherited = { sizeof(inherited), NULL, TRUE };
    HANDLE reading, writing;

    if (!CreatePipe(&reading, &writing, &inherited, PIPE_SIZE))
        return false;
    *ours = child_reads ? writing : reading;
    *childs = child_reads ? reading : writing;
    return SetHandleInformation(*ours, HANDLE_FLAG_INHERIT, 0) != 0;
}

static void close_handle(HANDLE handle)
{
    if (handle != NULL)
        CloseHandle(handle);
}

static bool start_program(HANDLE input, HANDLE output, HANDLE *process)
{
    STARTUPINFOA start = { .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES, .hStdInput = input, .hStdOutput = output };
    PROCESS_INFORMATION started;
    char path[MAX_PATH], line[] = "clbn " CHILD;
    DWORD length = GetModuleFileNameA(NULL, path, sizeof(path));

    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (length == 0 || length >= sizeof(path) || !CreateProcessA(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &started))
        return false;
    CloseHandle(started.hThread);
    *process = started.hProcess;
    return true;
}

bool child_start(struct child *child, child_work *do_work, const void *work, size_t size)
{
    unsigned char bytes[CHILD_WORK_SIZE] = { 0 };
    HANDLE heard = NULL, said = NULL, given = NULL, taken = NULL, process = NULL;
    DWORD written = 0;
    bool started;

    (void)do_work; /* the child knows it from child_serve() */
    memcpy(bytes, work, size);
    started = make_pipe(&heard, &said, false) && make_pipe(&given, &taken, true) &&
              WriteFile(given, bytes, sizeof(bytes), &written, NULL) && start_program(taken, said, &process);
    if (!started) {
        windows_set_errno();
        close_handle(heard);
    }
    close_handle(said);
    close_handle(given);
    close_handle(taken);
    *child = (struct child){ (intptr_t)process, (intptr_t)heard };
    return started;
}

bool child_hear(const struct child *child, void *message, size_t size)
{
    return read_whole((HANDLE)child->pipe, message, size);
}

/* Something is there, or nothing will ever be. */
static bool is_ready(const struct child *child)
{
    DWORD available = 0;

    return !PeekNamedPipe((HANDLE)child->pipe, NULL, 0, NULL, &available, NULL) || available > 0;
}

/* Windows does not wait for such pipes: they are looked at again and again. */
void child_await(const struct child *const *children, size_t count, int milliseconds, bool *ready)
{
    const ULONGLONG end = GetTickCount64() + (ULONGLONG)milliseconds;
    bool any = false;

    while (true) {
        for (size_t i = 0; i < count; i++) {
            ready[i] = children[i] != NULL && is_ready(children[i]);
            any = any || ready[i];
        }
        if (any || GetTickCount64() >= end)
            return;
        Sleep(LOOK_AGAIN);
    }
}

void child_kill(const struct child *child)
{
    TerminateProcess((HANDLE)child->process, EXIT_FAILURE);
}

void child_end(struct child *child, char *how, size_t size)
{
    DWORD code = 0;

    CloseHandle((HANDLE)child->pipe);
    WaitForSingleObject((HANDLE)child->process, INFINITE);
    GetExitCodeProcess((HANDLE)child->process, &code);
    CloseHandle((HANDLE)child->process);
    if (code >= 0xc0000000)
        snprintf(how, size, "the process was ended by exception 0x%08lx", code);
    else
        snprintf(how, size, "the process ended by itself, with exit code %lu", code);
}
