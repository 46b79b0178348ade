/* SPDX-License-Identifier: MIT */
/* The kernel objects that a plan's program lends. */
#ifndef CLBN_TESTS_LENDING_H
#define CLBN_TESTS_LENDING_H

#include "clbn.h"

#include <stddef.h>

struct lending {
    cl_int status;   /* the first that is no success */
    size_t distinct; /* kernel objects that are none of the others */
    size_t kept;     /* that the program keeps for later calls */
};

enum { MOST_LENT = 64 };

/* Lends so many objects of the forward's kernel at once, and gives them back, the first one first. */
struct lending lend_kernels(clbn_plan plan, size_t count);

#endif
