/* SPDX-License-Identifier: MIT */
/* A compiled program of one variant, and its kernel objects. */
#ifndef CLBN_PROGRAM_H
#define CLBN_PROGRAM_H

#include "base/lock.h"
#include "program/program_cache.h"
#include "program/tuning.h"

/* Kernel objects that are kept for each kernel. When more threads are in a call at once, the others create theirs anew. */
enum { KEPT_KERNELS = 16 };

struct kept_kernel {
    cl_kernel kernel; /* NULL: not created yet */
    bool is_lent;
};

struct program {
    struct variant variant;
    cl_program program;
    char *cache_key; /* NULL: the cache is off */
    enum program_fate fate;
    size_t group_limit; /* work-items to a group that all of its kernels take; SIZE_MAX for single work-items */
    bn_lock lock;       /* of the members below */
    struct tuning tuning;
    struct kept_kernel kept[KERNEL_COUNT][KEPT_KERNELS];
};

/* NULL and *status on failure. */
struct program *bn_build_program(cl_context context, cl_device_id device, const struct variant *variant, cl_int *status);

/* Takes NULL. No kernel may be lent. */
void bn_release_program(struct program *program);

/* What was measured to be best for a problem of this program (tuning.h); false if that is not known. */
bool bn_recall_tuned(struct program *program, uint64_t problem, struct choices *choices);

/* Remembers count of them. False if there is no memory. *stored: they are on disk, too. */
bool bn_remember_tuned(struct program *program, const struct tuned *tuned, size_t count, bool *stored);

struct lent_kernel {
    cl_kernel kernel;
    struct kept_kernel *kept; /* NULL if it is new, or more are lent than are kept */
};

/* Lends a kernel object that no other call uses, until it is given back; is_new: that none has used or will use. On failure none is
 * lent. */
cl_int bn_lend_kernel(struct program *program, enum kernel_id id, bool is_new, struct lent_kernel *lent);
void bn_give_back_kernel(struct program *program, const struct lent_kernel *lent);

#endif
