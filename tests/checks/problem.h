/* SPDX-License-Identifier: MIT */
/* A batch-norm problem: shape, type, epsilon, activation, and values for everything that a call may read. */
#ifndef CLBN_TESTS_PROBLEM_H
#define CLBN_TESTS_PROBLEM_H

#include "activation.h"
#include "bounds.h"
#include "element.h"
#include "reference.h"

#include <stdint.h>

/* All that calls take or give. */
enum view {
    VIEW_X,
    VIEW_Y,
    VIEW_DY,
    VIEW_GAMMA,
    VIEW_BETA,
    VIEW_RUNNING_MEAN,
    VIEW_RUNNING_VAR,
    VIEW_SAVE_MEAN,
    VIEW_SAVE_INVSTD,
    VIEW_SAVE_VAR,
    VIEW_DX,
    VIEW_DGAMMA,
    VIEW_DBETA,
    VIEW_Z,
    VIEW_DZ,
    VIEW_MASK,
    VIEW_STATISTICS, /* a record */
    VIEW_STATISTICS_RECORDS,
    VIEW_SUMS, /* a record */
    VIEW_SUMS_RECORDS,
    VIEW_BIAS, /* of a layer, whose weights are x */
    VIEW_FOLDED_BIAS,
    VIEW_DDX,
    VIEW_DDY,
    VIEW_DDGAMMA,
    VIEW_DDBETA,
    VIEW_SAVE_R,
    VIEW_SAVE_D,
    VIEWS
};

struct problem {
    struct shape shape;
    clbn_type type;
    clbn_type parameters; /* their type; parameter_type() of the type at first */
    double epsilon;
    struct activation activation; /* none at first */
    bool drifting;                /* see bounds.h */
    size_t parts;                 /* whose records there are; 1 at first */
    size_t ghost_batch;           /* the plan's, of the batch on axis 0; 0 at first */
    double *values[VIEWS];        /* of their types; NULL: an output, or an input that an earlier call gives (see run.h) */
    struct statistics statistics; /* of x, bounded; the saved ones are these, rounded */
};

/* The bounds of batch renormalization, within which some channels are, and others not. */
#define RENORM_R_MAX 2.0
#define RENORM_D_MAX 2.0

const char *view_name(enum view view);
bool is_tensor(enum view view);
/* Whether it is a layer's: gamma, beta, their gradients, a bias, running statistics. */
bool is_parameter(enum view view);
/* The type of a view's elements. */
clbn_type view_type(const struct problem *problem, enum view view);
/* The elements of a view; of the mask only the plan knows, and 0 is given. */
size_t view_count(const struct problem *problem, enum view view);

/* Normal values, each channel with its own mean (up to some deviations) and deviation. */
struct problem problem_random(const struct shape *shape, clbn_type type, double epsilon, uint64_t seed);
/* Lets parameters have another type, to which they are rounded. */
void problem_store_parameters(struct problem *problem, clbn_type parameters);
/* Lets the plan have ghost batches, fewer than the batch has entries, and computes their saved statistics. What ghosts there are. */
void problem_divide(struct problem *problem, size_t ghost_batch);
size_t problem_ghosts(const struct problem *problem);
/* A ghost batch as a batch of its own, with the statistics, the elements, and the parameters that it has. */
struct problem problem_ghost(const struct problem *problem, size_t number);
/* Elements from the first of the batch to the first of a ghost batch, packed. */
size_t ghost_begin(const struct problem *problem, size_t number);
/* Rounds x to the type and computes the statistics anew: to be called when x has been changed. */
void problem_complete(struct problem *problem);
void problem_free(struct problem *problem);

struct arithmetic problem_arithmetic(const struct problem *problem);

#endif
