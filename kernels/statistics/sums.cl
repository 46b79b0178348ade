/* SPDX-License-Identifier: MIT */
/*
 * The backward's sums of channels, and what follows from them. With xhat = (x - mean) * invstd from the saved, rounded mean:
 * sum xhat is 0 in exact arithmetic; what it is instead tells how far the saved mean is off, and repairs the other sums.
 * g is dy, taken back through the activation.
 */
typedef struct {
    wide g, g_xhat, xhat;
} sums;

/* dx = g * gain + xhat * slope + shift, xhat in the normalizer's unit */
typedef struct {
    reals gain, slope, shift;
} gradient;

/* dx of a vector of elements; where the statistics are constants, g alone counts. */
INLINE realv input_gradient(realv g, realv xhat, realv gain, realv slope, realv shift, uint flags)
{
    if (flags & FLAG_FROZEN)
        return g * gain;
    return fma(g, gain, fma(xhat, slope, shift));
}

/* The same of elements of one channel. */
INLINE realv gradient_of_channel(realv g, realv xhat, gradient of, uint flags)
{
    return input_gradient(g, xhat, (realv)of.gain, (realv)of.slope, (realv)of.shift, flags);
}

/*
 * x * scale + shift is xhat in a unit, and unit * xhat in it is (x - mean) * invstd; the same of a, where y stands alone. The scale
 * is a power of two, so that only the difference is rounded, xhat is of order 1, and an element takes one operation: the unit, a
 * number in [1, 2), goes into what follows from a channel's sums. a = xhat in the unit * gamma + beta.
 */
typedef struct {
    reals scale, shift, unit, gamma, beta;
} normalizer;

/* A mean beyond this is not scaled, lest the shift be infinite. The least scale: an invstd below it is subnormal. */
#define SCALED_MEAN_LIMIT 0x1p+100f
#if CLBN_TYPE == CLBN_FLOAT64
#define LEAST_SCALE      0x1p-1022
#define OVER_LEAST_SCALE 0x1p+1022
#else
#define LEAST_SCALE      0x1p-126f
#define OVER_LEAST_SCALE 0x1p+126f
#endif

/* Where there is no such scale, the unit is all of invstd, and the scale is 1. Where invstd is 0 or infinite, it is the scale. */
SPAN_INLINE void choose_scale(normalizer *n, reals mean, reals invstd)
{
    const truths is_least = fabs(invstd) < LEAST_SCALE;
    const reals power = is_least ? (reals)LEAST_SCALE : power_of_two_below(invstd);
    const truths is_usable = !isinf(power) & (fabs(mean) * power < SCALED_MEAN_LIMIT);
    const truths is_all = (invstd == 0) | (isinf(invstd) & isfinite(mean));
    const reals over_power = is_least ? invstd * OVER_LEAST_SCALE : mantissa_of(invstd);
    const reals scale = is_usable ? power : (reals)1, unit = is_usable ? over_power : invstd;
    n->scale = is_all ? invstd : scale;
    n->shift = -mean * n->scale;
    n->unit = is_all ? (reals)1 : unit;
}

HELPER sums no_sums(void)
{
    sums none;
    none.g = wide_of(0);
    none.g_xhat = wide_of(0);
    none.xhat = wide_of(0);
    return none;
}

SPAN_INLINE sums add_sums(sums a, sums b)
{
    sums both;
    both.g = wide_add(a.g, b.g);
    both.g_xhat = wide_add(a.g_xhat, b.g_xhat);
    both.xhat = wide_add(a.xhat, b.xhat);
    return both;
}

SPAN_INLINE sums sums_of(real g, real g_xhat, real xhat)
{
    sums result;
    result.g = wide_of(g);
    result.g_xhat = wide_of(g_xhat);
    result.xhat = wide_of(xhat);
    return result;
}

/* Channels' statistics as a call gives them, each may be NULL: the saved mean and invstd, which are reals, or, if frozen, the running mean
 * and variance, which are parameters. Offsets in elements. */
typedef struct {
    __global const uchar *first;
    ulong offset;
} given_statistic;

typedef struct {
    __global const parameter *gamma, *beta;
    given_statistic mean, deviation;
    wide epsilon;
    uint flags;
} channel_parameters;

SPAN_INLINE reals load_given(given_statistic s, uint flags, span at)
{
    if (!s.first)
        return 0;
    return flags & FLAG_FROZEN ? load_parameters((__global const parameter *)s.first + s.offset, at)
                               : load_span((__global const real *)s.first + s.offset, at);
}

SPAN_INLINE reals invstd_of(channel_parameters p, span at)
{
    reals deviation = load_given(p.deviation, p.flags, at);
    if (p.flags & FLAG_FROZEN) {
        wide invstd;
        find_invstd(&invstd, wide_of(deviation), p.epsilon);
        deviation = real_of(invstd);
    }
    return deviation;
}

SPAN_INLINE void find_normalizer(normalizer *n, channel_parameters p, span at)
{
    const reals gamma = short_nan(parameter_or(p.gamma, at, 1));
    n->beta = short_nan(parameter_or(p.beta, at, 0));
    if (p.flags & FLAG_ALONE)
        choose_scale(n, n->beta, gamma == 0 ? (reals)0 : 1 / gamma);
    else
        choose_scale(n, short_nan(load_given(p.mean, p.flags, at)), short_nan(invstd_of(p, at)));
    n->gamma = gamma * n->unit;
}

SPAN_INLINE reals unit_of(channel_parameters p, span at)
{
    normalizer n;
    find_normalizer(&n, p, at);
    return n.unit;
}

/* The channels' sums from those that have xhat in a unit. */
SPAN_INLINE sums sums_of_units(sums s, reals unit)
{
    s.g_xhat = wide_multiply(s.g_xhat, wide_of(unit));
    s.xhat = wide_multiply(s.xhat, wide_of(unit));
    return s;
}

/* Where the gradients of parameters go, each may be NULL, and the factors of what they hold, which is added; not read where these are 0. */
typedef struct {
    __global parameter *dgamma, *dbeta;
    real dgamma_factor, dbeta_factor;
} parameter_gradients;

SPAN_INLINE void store_parameter_gradient(__global parameter *values, real factor, span at, wide sum)
{
    if (!values)
        return;
    if (factor != 0)
        sum = wide_add(sum, wide_multiply(wide_of(load_parameters(values, at)), wide_of(factor)));
    store_parameters(values, at, real_of(sum));
}

/* Channels' dx from their sums over count values, for xhat in their unit; NaN where a sum is not finite. If writes, also stores dgamma
 * and dbeta. */
SPAN_INLINE void finalize_sums(gradient *result, sums s, wide count, span at, channel_parameters p, reals unit, bool writes,
                               parameter_gradients to)
{
    result->gain = short_nan(parameter_or(p.gamma, at, 1) * invstd_of(p, at));
    result->slope = 0;
    result->shift = 0;
    if (!(p.flags & FLAG_FROZEN)) {
        truths have = !is_zero(count);
        wide g_mean = wide_divide(s.g, count);
        wide xhat_mean = wide_divide(s.xhat, count);
        const truths is_repaired = isfinite(real_of(s.g)) & isfinite(real_of(s.xhat));
        wide g_xhat = wide_subtract(s.g_xhat, wide_multiply(xhat_mean, s.g));
        g_xhat = wide_choose(is_repaired, g_xhat, s.g_xhat);
        wide g_xhat_mean = wide_divide(g_xhat, count);
        wide remainder = wide_subtract(wide_multiply(xhat_mean, g_xhat_mean), g_mean);
        s.g_xhat = wide_choose(have, g_xhat, s.g_xhat);
        wide slope = wide_multiply(wide_multiply(wide_of(result->gain), g_xhat_mean), wide_of(unit));
        result->slope = have ? -short_nan(real_of(slope)) : (reals)0;
        const truths is_finite = is_repaired & isfinite(real_of(g_xhat));
        reals shift = is_finite ? real_of(wide_multiply(wide_of(result->gain), remainder)) : (reals)NAN;
        result->shift = have ? short_nan(shift) : (reals)0;
    }
    if (writes) {
        store_parameter_gradient(to.dgamma, to.dgamma_factor, at, s.g_xhat);
        store_parameter_gradient(to.dbeta, to.dbeta_factor, at, s.g);
    }
}
