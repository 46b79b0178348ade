/* SPDX-License-Identifier: MIT */
#ifndef CLBN_CLOCK_H
#define CLBN_CLOCK_H

/* Seconds of a clock that is never set back. */
double bn_seconds(void);

#endif
