/* SPDX-License-Identifier: MIT */
#include "random_numbers.h"

#include <math.h>

static const double two_pi = 6.283185307179586;

uint64_t random_bits(struct random *random)
{
    uint64_t bits = random->state += UINT64_C(0x9e3779b97f4a7c15);
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

double random_uniform(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

double random_normal(struct random *random)
{
    double radius = sqrt(-2 * log(1 - random_uniform(random)));
    return radius * cos(two_pi * random_uniform(random));
}

size_t random_below(struct random *random, size_t limit)
{
    return (size_t)(random_bits(random) % limit);
}

void random_shuffle(struct random *random, double *values, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t chosen = random_below(random, left);
        double value = values[chosen];
        values[chosen] = values[left - 1];
        values[left - 1] = value;
    }
}
