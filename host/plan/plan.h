/* The plan, as the enqueue calls see it. */
#ifndef CLBN_PLAN_H
#define CLBN_PLAN_H

#include "plan/engine.h"
#include "schedule/schedule.h"

/* A plan of a desc that is checked. choices: how all passes are divided, if that is possible; NULL: as was measured to be best,
 * else as usual. NULL and *status on failure. */
clbn_plan bn_create_plan(clbn_engine engine, const clbn_plan_desc *desc, const struct choices *choices, cl_int *status);

clbn_engine bn_plan_engine(clbn_plan plan);
const clbn_plan_desc *bn_plan_desc(clbn_plan plan);
const struct shape *bn_plan_shape(clbn_plan plan);

/* Of the plan's own. */
struct problem bn_plan_problem(clbn_plan plan);

/* Of a plan whose shape is empty: zeros. */
const struct schedule *bn_plan_schedule(clbn_plan plan, enum pass pass);

/* Bytes that are enough for any pass. */
size_t bn_plan_workspace_size(clbn_plan plan);

/* Bytes of a mask; 0 where the activation has none. */
size_t bn_plan_mask_size(clbn_plan plan);

struct program *bn_plan_program(clbn_plan plan);

/* Whether the channels lie side by side. */
bool bn_is_channels_last(clbn_plan plan);

/* leaky_slope or elu_alpha, whichever the activation has; else 0. */
double bn_plan_alpha(clbn_plan plan);

#endif
