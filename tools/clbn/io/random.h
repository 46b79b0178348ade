/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same on every machine for the same seed. */
#ifndef CLBN_TOOL_RANDOM_H
#define CLBN_TOOL_RANDOM_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014). Any state is a good seed. */
struct random {
    uint64_t state;
};

uint64_t random_word(struct random *random);

/* Uniform in 0 to bound - 1; bound > 0. */
uint32_t random_index(struct random *random, uint32_t bound);

/* Standard normal. */
double random_gaussian(struct random *random);

#endif
