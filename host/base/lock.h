/* A mutex and a reference count: what C99 lacks for thread safety. */
#ifndef CLBN_LOCK_H
#define CLBN_LOCK_H

#include <pthread.h>
#include <stdbool.h>

typedef pthread_mutex_t lock_t;

static inline bool lock_init(lock_t *lock)
{
    return pthread_mutex_init(lock, NULL) == 0;
}

static inline void lock_destroy(lock_t *lock)
{
    pthread_mutex_destroy(lock);
}

static inline void lock_acquire(lock_t *lock)
{
    pthread_mutex_lock(lock);
}

static inline void lock_release(lock_t *lock)
{
    pthread_mutex_unlock(lock);
}

typedef unsigned reference_count;

static inline void reference_add(reference_count *count)
{
    __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

/* True for the last reference: then the caller destroys the object. */
static inline bool reference_drop(reference_count *count)
{
    return __atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL) == 0;
}

#endif
