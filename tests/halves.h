/* SPDX-License-Identifier: MIT */
/* Two devices of one platform: the test device divided. */
#ifndef CLBN_TESTS_HALVES_H
#define CLBN_TESTS_HALVES_H

#include "harness.h"

extern cl_device_id halves[2];
extern cl_context halves_context; /* of both */

/* False, with a line on stdout that for_what is not tested, where the device cannot be divided. */
bool divide_device(const char *for_what);
void join_device(void);

#endif
