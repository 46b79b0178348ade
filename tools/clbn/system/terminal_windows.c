/* SPDX-License-Identifier: MIT */
#include "system/terminal.h"

#include <windows.h>

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 4
#endif

/* A console takes ANSI's sequences if it is told to, from Windows 10 on. */
bool terminal_can_erase(void)
{
    HANDLE console = GetStdHandle(STD_ERROR_HANDLE);
    DWORD mode;

    return GetConsoleMode(console, &mode) && SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

int terminal_columns(void)
{
    CONSOLE_SCREEN_BUFFER_INFO console;

    if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_ERROR_HANDLE), &console))
        return 0;
    return console.srWindow.Right - console.srWindow.Left + 1;
}
