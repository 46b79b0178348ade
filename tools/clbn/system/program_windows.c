/* SPDX-License-Identifier: MIT */
#include "system/program.h"

#include "system/windows_error.h"

#include <io.h>
#include <stdlib.h>
#include <windows.h>

/* Nothing beside PATH: not the current folder, where Windows would look first. */
static bool find(const char *name, char path[MAX_PATH])
{
    const char *folders = getenv("PATH");
    DWORD length = folders != NULL ? SearchPathA(folders, name, ".exe", MAX_PATH, path, NULL) : 0;

    return length > 0 && length < MAX_PATH;
}

bool program_is_there(const char *name)
{
    char path[MAX_PATH];

    return find(name, path);
}

/* A stream's file, for a process to inherit. */
static HANDLE lend(FILE *stream)
{
    HANDLE file = (HANDLE)_get_osfhandle(_fileno(stream));

    SetHandleInformation(file, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return file;
}

bool program_run(const char *name, const char *argument, FILE *input, FILE *output, bool *succeeded)
{
    STARTUPINFOA start = { .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION process;
    DWORD code = EXIT_FAILURE;
    char path[MAX_PATH] = "", line[MAX_PATH];

    start.hStdInput = lend(input);
    start.hStdOutput = lend(output);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    snprintf(line, sizeof(line), "%s %s", name, argument);
    if (!find(name, path) || !CreateProcessA(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) {
        windows_set_errno();
        return false;
    }
    CloseHandle(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hProcess);
    *succeeded = code == 0;
    return true;
}
