/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/ending.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static const int ending_signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

static void (*clean)(void);
static pthread_t owner;
static sigset_t before; /* the first hold */
static unsigned holds;

/* Only the owner can hold signals up. */
static void end(int number)
{
    if (!pthread_equal(pthread_self(), owner)) {
        pthread_kill(owner, number);
        return;
    }
    clean();
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* ends the program as soon as this function returns */
}

void ending_guard(void (*clean_up)(void))
{
    struct sigaction action = { .sa_handler = end, .sa_flags = SA_RESTART };
    struct sigaction old;

    clean = clean_up;
    owner = pthread_self();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(ending_signals[i], &action, NULL);
}

void ending_hold(void)
{
    sigset_t held;

    if (holds++ > 0)
        return;
    sigemptyset(&held);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(&held, ending_signals[i]);
    pthread_sigmask(SIG_BLOCK, &held, &before);
}

void ending_release(void)
{
    if (--holds == 0)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}
