/* SPDX-License-Identifier: MIT */
#include "activation.h"

#include <float.h>
#include <math.h>

struct activation activation_of(clbn_activation function)
{
    const struct activation activation = { function, 0.01, 1 };
    return activation;
}

const char *activation_name(clbn_activation function)
{
    static const char *const names[ACTIVATIONS] = { "no activation", "ReLU",    "leaky ReLU", "ReLU6",
                                                    "SiLU",          "sigmoid", "tanh",       "ELU" };
    return names[function];
}

bool activation_has_mask(const struct activation *activation)
{
    clbn_activation function = activation->function;
    return function == CLBN_ACTIVATION_RELU || function == CLBN_ACTIVATION_LEAKY_RELU || function == CLBN_ACTIVATION_RELU6;
}

bool activation_follows_from_output(const struct activation *activation)
{
    return activation->function != CLBN_ACTIVATION_SILU &&
           !(activation->function == CLBN_ACTIVATION_LEAKY_RELU && activation->leaky_slope < 0);
}

bool activation_is_invertible(const struct activation *activation)
{
    return activation->function == CLBN_ACTIVATION_NONE ||
           (activation->function == CLBN_ACTIVATION_LEAKY_RELU && activation->leaky_slope > 0) ||
           (activation->function == CLBN_ACTIVATION_ELU && activation->elu_alpha > 0);
}

static long double sigmoid(long double a)
{
    return 1 / (1 + expl(-a));
}

/* NaN fails every comparison and must come out as it is. */
long double activation_value(const struct activation *activation, long double a)
{
    switch (activation->function) {
    case CLBN_ACTIVATION_RELU:
        return a < 0 ? 0 : a;
    case CLBN_ACTIVATION_LEAKY_RELU:
        return a < 0 ? activation->leaky_slope * a : a;
    case CLBN_ACTIVATION_RELU6:
        return a < 0 ? 0 : a > 6 ? 6 : a;
    case CLBN_ACTIVATION_SILU:
        return a / (1 + expl(-a));
    case CLBN_ACTIVATION_SIGMOID:
        return sigmoid(a);
    case CLBN_ACTIVATION_TANH:
        return tanhl(a);
    case CLBN_ACTIVATION_ELU:
        return a < 0 ? activation->elu_alpha * expm1l(a) : a;
    default:
        return a;
    }
}

long double activation_slope(const struct activation *activation, long double a)
{
    if (isnan(a))
        return a;
    switch (activation->function) {
    case CLBN_ACTIVATION_RELU:
        return a > 0 ? 1 : 0;
    case CLBN_ACTIVATION_LEAKY_RELU:
        return a > 0 ? 1 : activation->leaky_slope;
    case CLBN_ACTIVATION_RELU6:
        return a > 0 && a < 6 ? 1 : 0;
    case CLBN_ACTIVATION_SILU:
        return sigmoid(a) * (1 + a * sigmoid(-a));
    case CLBN_ACTIVATION_SIGMOID:
        return sigmoid(a) * sigmoid(-a);
    case CLBN_ACTIVATION_TANH:
        return 1 / (coshl(a) * coshl(a));
    case CLBN_ACTIVATION_ELU:
        return a > 0 ? 1 : activation->elu_alpha * expl(a);
    default:
        return 1;
    }
}

long double activation_slope_at_output(const struct activation *activation, long double y)
{
    if (isnan(y))
        return y;
    switch (activation->function) {
    case CLBN_ACTIVATION_SIGMOID:
        return y * (1 - y);
    case CLBN_ACTIVATION_TANH:
        return (1 - y) * (1 + y);
    case CLBN_ACTIVATION_ELU:
        return y > 0 ? 1 : y + activation->elu_alpha;
    default: /* y is on the same side of a kink as a */
        return activation_slope(activation, y);
    }
}

long double activation_inverse(const struct activation *activation, long double y)
{
    if (activation->function == CLBN_ACTIVATION_LEAKY_RELU)
        return y < 0 ? y / activation->leaky_slope : y;
    if (activation->function == CLBN_ACTIVATION_ELU)
        return y < 0 ? log1pl(y / activation->elu_alpha) : y;
    return y;
}

static long double larger(long double a, long double b)
{
    return a > b ? a : b;
}

/* A factor that is below the least normal number has lost some of its bits, or all. */
static long double least_normal(long double u)
{
    return u > (long double)DBL_EPSILON ? (long double)FLT_MIN : (long double)DBL_MIN;
}

/* What the library's own operations may lose. 1 / (1 + exp(-a)) is 0 where exp(-a) is beyond the type's range. */
static long double value_roundings(const struct activation *activation, long double u, long double a)
{
    long double y = fabsl(activation_value(activation, a));
    switch (activation->function) {
    case CLBN_ACTIVATION_LEAKY_RELU:
        return a < 0 ? 2 * u * y : 0;
    case CLBN_ACTIVATION_SILU:
        return 13 * u * y + (a < 0 ? -a : 0) * least_normal(u);
    case CLBN_ACTIVATION_SIGMOID:
        return 12 * u * y + least_normal(u);
    case CLBN_ACTIVATION_TANH:
        return 10 * u * y;
    case CLBN_ACTIVATION_ELU:
        return a < 0 ? 8 * u * y : 0;
    default:
        return 0;
    }
}

/* The change to either end of the interval; between them no function here changes more, but for SiLU near its least value,
 * where the slope changes by half the distance. */
long double activation_value_error(const struct activation *activation, long double u, long double a, long double a_error)
{
    if (isinf(a))
        return value_roundings(activation, u, a);
    long double y = activation_value(activation, a);
    long double change =
        larger(fabsl(activation_value(activation, a + a_error) - y), fabsl(activation_value(activation, a - a_error) - y));
    if (activation->function == CLBN_ACTIVATION_SILU)
        change += a_error * a_error / 4;
    return change + value_roundings(activation, u, a);
}

/* 1 - s and 1 - y^2 have the absolute error of s and y^2, which are up to 1. */
static long double slope_roundings(const struct activation *activation, long double u, long double a)
{
    switch (activation->function) {
    case CLBN_ACTIVATION_LEAKY_RELU:
        return a > 0 ? 0 : u * fabsl(activation->leaky_slope);
    case CLBN_ACTIVATION_SILU:
        return 28 * u * sigmoid(a) * (1 + fabsl(a)) + (1 + fabsl(a)) * least_normal(u);
    case CLBN_ACTIVATION_SIGMOID:
        return 28 * u * sigmoid(a) + least_normal(u);
    case CLBN_ACTIVATION_TANH:
        return 23 * u;
    case CLBN_ACTIVATION_ELU:
        return a > 0 ? 0 : 10 * u * activation->elu_alpha;
    default:
        return 0;
    }
}

/* The slopes of the smooth functions bend by less than 2, so that inside the interval they change by that much more than to its
 * ends. */
long double activation_slope_error(const struct activation *activation, long double u, long double a, long double a_error)
{
    long double slope = activation_slope(activation, a);
    long double change = larger(fabsl(activation_slope(activation, a + a_error) - slope),
                                fabsl(activation_slope(activation, a - a_error) - slope));
    bool is_smooth = activation->function >= CLBN_ACTIVATION_SILU && activation->function <= CLBN_ACTIVATION_TANH;
    return change + (is_smooth ? a_error * a_error : 0) + slope_roundings(activation, u, a);
}

long double activation_slope_error_at_output(const struct activation *activation, long double u, long double y)
{
    switch (activation->function) {
    case CLBN_ACTIVATION_LEAKY_RELU:
        return y > 0 ? 0 : u * fabsl(activation->leaky_slope);
    case CLBN_ACTIVATION_SIGMOID:
        return 2 * u * fabsl(y * (1 - y)) + least_normal(u);
    case CLBN_ACTIVATION_TANH:
        return 3 * u;
    case CLBN_ACTIVATION_ELU:
        return y > 0 ? 0 : 2 * u * activation->elu_alpha;
    default:
        return 0;
    }
}

/* The logarithm of 1 + t may be had as log1p(t) or as log(1 + t); either way an error of 1 + t is divided by it. */
long double activation_inverse_error(const struct activation *activation, long double u, long double y)
{
    long double t = activation->function == CLBN_ACTIVATION_ELU ? y / activation->elu_alpha : 0;
    if (y >= 0)
        return 0;
    if (activation->function == CLBN_ACTIVATION_LEAKY_RELU)
        return 6 * u * fabsl(y / activation->leaky_slope);
    if (activation->function == CLBN_ACTIVATION_ELU)
        return (6 * fabsl(t) + 1) * u / (1 + t) + 6 * u * fabsl(log1pl(t));
    return 0;
}
