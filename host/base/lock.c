/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#ifdef _WIN32

#include <windows.h>

/* Compiles only if a bn_lock has an SRWLOCK's size. */
typedef char lock_has_its_size[sizeof(bn_lock) == sizeof(SRWLOCK) ? 1 : -1];

bool bn_lock_create(bn_lock *lock)
{
    InitializeSRWLock((SRWLOCK *)lock);
    return true;
}

void bn_lock_destroy(bn_lock *lock)
{
    (void)lock; /* it has nothing to give back */
}

void bn_lock_take(bn_lock *lock)
{
    AcquireSRWLockExclusive((SRWLOCK *)lock);
}

void bn_lock_leave(bn_lock *lock)
{
    ReleaseSRWLockExclusive((SRWLOCK *)lock);
}

#else

bool bn_lock_create(bn_lock *lock)
{
    return pthread_mutex_init(lock, NULL) == 0;
}

void bn_lock_destroy(bn_lock *lock)
{
    pthread_mutex_destroy(lock);
}

void bn_lock_take(bn_lock *lock)
{
    pthread_mutex_lock(lock);
}

void bn_lock_leave(bn_lock *lock)
{
    pthread_mutex_unlock(lock);
}

#endif
