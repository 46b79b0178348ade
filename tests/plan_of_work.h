/* SPDX-License-Identifier: MIT */
/* Problems and their schedules, for tests of the pure core: no device is needed. */
#ifndef PLAN_OF_WORK_H
#define PLAN_OF_WORK_H

#include "random_numbers.h"
#include "schedule/schedule.h"

/* A problem and its schedule of a pass. */
struct plan_of_work {
    struct device_facts facts;
    cl_uint flags;
    enum pass pass;
    struct shape shape;
    struct variant variant;
    struct schedule schedule;
    char text[256];
};

/* All 0. */
extern const struct choices usual_choices;

/* Packed tensors. */
struct shape shape_of(size_t outer, size_t channels, size_t inner);

/* A random problem of up to limit elements. */
void random_work(struct random *random, size_t limit, struct plan_of_work *work);

/* As the library takes it. */
struct problem problem_of(const struct plan_of_work *work);

/* The forward of a problem in float32 for 16 units with 1 MB of cache. */
struct plan_of_work work_of(clbn_geometry geometry, cl_uint flags, struct shape shape);

/* Two with 32 MiB of cache. */
extern const struct device_facts cores;

/* The usual schedule of a pass, else of the forward, on a device. */
struct schedule pass_on(const struct device_facts *facts, enum pass pass, clbn_geometry geometry, clbn_type type,
                        struct shape shape);
struct schedule schedule_on(const struct device_facts *facts, clbn_geometry geometry, clbn_type type, struct shape shape);
struct schedule schedule_on_cores(clbn_geometry geometry, clbn_type type, struct shape shape);

/* Makes the text for messages anew, after another schedule. */
void describe(struct plan_of_work *work);

/* Ends the test unless the condition holds. */
void expect(const struct plan_of_work *work, bool condition, const char *what);

/* Parts of a channel, or of a tile. */
cl_ulong parts_of(const struct plan_of_work *work);

#endif
