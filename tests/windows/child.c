/* SPDX-License-Identifier: MIT */
/* Processes that end by themselves, by an exception, or not at all, as a driver may make them. Exit code 0 if all is as it should be. */
#include "system/child.h"

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum way { SAYS_TWICE, SAYS_HALF, EXITS, IS_ENDED, HANGS };

struct work {
    enum way way;
    int number;
};

enum { MESSAGE_SIZE = 4000 };

static int failures;

static void check(bool holds, const char *what)
{
    printf("%s: %s\n", holds ? "ok" : "FAILED", what);
    failures += !holds;
}

static void do_work(const void *bytes, int pipe)
{
    const struct work *work = bytes;
    char message[MESSAGE_SIZE];
    memset(message, work->number, sizeof message);
    printf("this is no message\n");
    fflush(stdout);
    switch (work->way) {
    case SAYS_TWICE:
        _write(pipe, message, sizeof message);
        _write(pipe, message, sizeof message);
        break;
    case SAYS_HALF:
        _write(pipe, message, sizeof message / 2);
        break;
    case EXITS:
        _exit(7);
    case IS_ENDED:
        RaiseException(EXCEPTION_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 0, NULL);
        break;
    case HANGS:
        Sleep(INFINITE);
    }
}

static struct child start(enum way way, int number)
{
    const struct work work = { way, number };
    struct child child = { 0, 0 };
    check(child_start(&child, do_work, &work, sizeof work), "a child is started");
    return child;
}

static bool hears(const struct child *child, int number)
{
    char message[MESSAGE_SIZE] = { 0 };
    return child_hear(child, message, sizeof message) && message[0] == number && message[MESSAGE_SIZE - 1] == number;
}

static bool ends(struct child *child, const char *expected)
{
    char how[200];
    child_end(child, how, sizeof how);
    if (strstr(how, expected) == NULL)
        printf("%s\n", how);
    return strstr(how, expected) != NULL;
}

/* One that hangs holds up none of the others. */
static void check_several(void)
{
    struct child talking = start(SAYS_TWICE, 5), silent = start(HANGS, 0);
    const struct child *const children[] = { NULL, &silent, &talking };
    bool ready[3] = { true, true, false };
    child_await(children, 3, 60000, ready);
    check(!ready[0] && !ready[1] && ready[2], "who has said something is known");
    check(hears(&talking, 5) && hears(&talking, 5) && !hears(&talking, 5), "messages come whole, and then the end");
    check(ends(&talking, "by itself, with exit code 0"), "a child ends");
    child_await(children, 2, 200, ready);
    check(!ready[1], "who says nothing is waited for no longer than asked");
    child_kill(&silent);
    check(!hears(&silent, 0) && ends(&silent, "exit code 1"), "who hangs is ended");
}

int main(int argc, char **argv)
{
    child_serve(argc, argv, do_work);
    check_several();
    struct child half = start(SAYS_HALF, 3), exits = start(EXITS, 0), ended = start(IS_ENDED, 0);
    check(!hears(&half, 3) && ends(&half, "exit code 0"), "half a message is none");
    check(!hears(&exits, 0) && ends(&exits, "exit code 7"), "an exit is told");
    check(!hears(&ended, 0) && ends(&ended, "exception 0xc0000005"), "an exception is told");
    return failures > 0;
}
