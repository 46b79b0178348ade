/* SPDX-License-Identifier: MIT */
/* What a backward can have its activation's slopes from. */
#ifndef CLBN_TESTS_SOURCES_H
#define CLBN_TESTS_SOURCES_H

#include "run.h"

bool has_source(const struct activation *activation, enum source source);
/* The first source from one on, around, that an activation has. */
enum source source_from(const struct activation *activation, size_t number);

/* To have xhat back from y: gammas that do not make it large, so that exp(a) is not lost in y either; but one is 0. And running
 * statistics that are the batch's. */
void make_invertible(struct problem *problem);

#endif
