/* SPDX-License-Identifier: MIT */
/* Repeatable random numbers (splitmix64): the same seed gives the same tensors on every machine with the same libm. */
#ifndef CLBN_TESTS_RANDOM_NUMBERS_H
#define CLBN_TESTS_RANDOM_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state; /* the seed at first; any value is good */
};

uint64_t random_bits(struct random *random);
/* In [0, 1). */
double random_uniform(struct random *random);
/* Mean 0, deviation 1. */
double random_normal(struct random *random);
/* In 0..limit-1. */
size_t random_below(struct random *random, size_t limit);
/* Brings the values into a random order. */
void random_shuffle(struct random *random, double *values, size_t count);

#endif
