/* SPDX-License-Identifier: MIT */
/* A mutex: the system's own. */
#ifndef CLBN_LOCK_H
#define CLBN_LOCK_H

#include <stdbool.h>

#ifdef _WIN32
typedef struct {
    void *state; /* what an SRWLOCK is: windows.h, whose macros take common words, stays in lock.c */
} bn_lock;
#else
#include <pthread.h>
typedef pthread_mutex_t bn_lock;
#endif

/* False where the system has no more of them. */
bool bn_lock_create(bn_lock *lock);
void bn_lock_destroy(bn_lock *lock);
void bn_lock_take(bn_lock *lock);
void bn_lock_leave(bn_lock *lock);

#endif
