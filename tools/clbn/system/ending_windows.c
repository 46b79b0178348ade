/* SPDX-License-Identifier: MIT */
#include "system/ending.h"

#include <windows.h>

static void (*clean)(void);
static CRITICAL_SECTION held; /* which its thread may enter again */

/* Windows calls this in a thread of its own, and ends the program when it returns. The section stays taken: nothing gets a name now. */
static BOOL WINAPI end(DWORD event)
{
    (void)event;
    EnterCriticalSection(&held);
    clean();
    return FALSE;
}

void ending_guard(void (*clean_up)(void))
{
    InitializeCriticalSection(&held);
    clean = clean_up;
    SetConsoleCtrlHandler(end, TRUE);
}

void ending_hold(void)
{
    if (clean != NULL)
        EnterCriticalSection(&held);
}

void ending_release(void)
{
    if (clean != NULL)
        LeaveCriticalSection(&held);
}
