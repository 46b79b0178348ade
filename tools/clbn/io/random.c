/* SPDX-License-Identifier: MIT */
#include "io/random.h"

#include <math.h>

uint64_t random_word(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t random_index(struct random *random, uint32_t bound)
{
    /* 32 random bits as a fraction of 1: each value is off by less than bound / 2^32 of its probability. */
    return (uint32_t)((random_word(random) >> 32) * bound >> 32);
}

/* Uniform in (0, 1]. */
static double random_fraction(struct random *random)
{
    return ((double)(random_word(random) >> 11) + 1.0) * 0x1p-53;
}

double random_gaussian(struct random *random)
{
    static const double two_pi = 6.283185307179586;
    double radius = sqrt(-2.0 * log(random_fraction(random))); /* Box and Muller */
    return radius * cos(two_pi * random_fraction(random));
}
