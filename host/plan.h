/* The plan, as the enqueue calls see it. */
#ifndef CLBN_PLAN_H
#define CLBN_PLAN_H

#include "engine.h"
#include "schedule.h"

clbn_engine plan_engine(clbn_plan plan);
const clbn_plan_desc *plan_desc(clbn_plan plan);
const struct shape *plan_shape(clbn_plan plan);

/* Of a plan whose shape is empty: zeros. */
const struct schedule *plan_schedule(clbn_plan plan);

struct program *plan_program(clbn_plan plan);

/* Whether the channels lie next to each other: inner = 1. */
bool is_channels_last(clbn_plan plan);

#endif
