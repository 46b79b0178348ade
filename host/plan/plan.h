/* SPDX-License-Identifier: MIT */
/* The plan: immutable once it is created. */
#ifndef CLBN_PLAN_H
#define CLBN_PLAN_H

#include "plan/engine.h"
#include "plan/ghosts.h"
#include "schedule/schedule.h"

struct clbn_plan_object {
    reference_count references;
    clbn_engine engine;
    clbn_plan_desc desc;
    double alpha; /* leaky_slope or elu_alpha, whichever the activation has; else 0 */
    struct shape shape;
    struct problem problem;            /* of the shape and the program's variant */
    struct schedule schedules[PASSES]; /* of an empty shape: zeros */
    size_t workspace_size;             /* bytes that are enough for any pass */
    size_t renorm_workspace_size;      /* likewise, for batch renormalization */
    size_t mask_size;                  /* bytes of a mask; 0 where the activation has none */
    struct program *program;           /* the engine's */
    struct ghosts ghosts;              /* of which its desc has nothing */
};

/* Creates a plan, of a batch that is one, from a desc that is checked. choices: how all passes divide their work; NULL: as tuning found, else as usual. Returns
 * NULL and sets *status on failure. */
clbn_plan bn_create_plan(clbn_engine engine, const clbn_plan_desc *desc, const struct choices *choices, cl_int *status);

#endif
