/* SPDX-License-Identifier: MIT */
/* A reference count: what C99 lacks for thread safety beside pthread's mutex. */
#ifndef CLBN_REFERENCES_H
#define CLBN_REFERENCES_H

#include <stdbool.h>

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
