/* The plan, as the enqueue calls see it. */
#ifndef CLBN_PLAN_H
#define CLBN_PLAN_H

#include "engine.h"
#include "schedule.h"

clbn_engine bn_plan_engine(clbn_plan plan);
const clbn_plan_desc *bn_plan_desc(clbn_plan plan);
const struct shape *bn_plan_shape(clbn_plan plan);

/* Of a plan whose shape is empty: zeros. */
const struct schedule *bn_plan_schedule(clbn_plan plan);

struct program *bn_plan_program(clbn_plan plan);

/* Whether the channels lie side by side. */
bool bn_is_channels_last(clbn_plan plan);

/* Whether all of a tensor that a view gives can be accessed in pieces of so many elements, aligned to that; true of an absent
 * view. */
bool bn_lies_in_pieces(clbn_plan plan, clbn_view view, enum tensor tensor, unsigned piece);

/* leaky_slope or elu_alpha, whichever the activation has; else 0. */
double bn_plan_alpha(clbn_plan plan);

#endif
