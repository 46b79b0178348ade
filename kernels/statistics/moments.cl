/* SPDX-License-Identifier: MIT */
/*
 * Count, sum and sum of squared deviations from the mean (M2) of sets of values, and what follows from them for channels. The
 * sum, not the mean, is kept, since sums of values on a grid are exact.
 *
 * A work-item sums its values of a channel around a pivot: sum (x - pivot) and sum (x - pivot)^2, of a chunk in elements, of all
 * chunks in wide arithmetic. The pivot is the mean of a few values that are spread over all. The sums of squares have a rounding
 * error of order eps (M2 + n D^2), n values whose mean is D away from the pivot. Where n D^2 turns out to be above M2, the values
 * are summed once more, around their mean: so the error is of order 2 eps M2 whatever the order of the values. Results of
 * work-items are merged in wide arithmetic by the rule of Chan, Golub & LeVeque (1979).
 *
 * Squares of great and small numbers leave an element's range. So the values of a channel are scaled by a power of two where that is
 * needed: sum is of scale * x, m2 of its square. Where wide numbers have more range than elements, moments have a scale of 1.
 */
typedef struct {
    wide count, sum, m2;
    reals scale;
} moments;

/*
 * The scales, beside 1, and which values need one. Sums of squares beyond the bounds have overflowed, or would where work-items'
 * results are merged, or have lost bits to underflow; so would sums around a pivot beyond its bound. Around one that is no SMALL_PIVOT,
 * sums of squares are too small only if all values are the pivot: the ulp's square is above SQUARES_TOO_SMALL.
 */
#if CLBN_TYPE == CLBN_FLOAT64
#define SCALE_UP          0x1p+600
#define SCALE_DOWN        0x1p-600
#define SQUARES_TOO_SMALL 0x1p-600
#define SQUARES_TOO_LARGE 0x1p+900
#define SMALL_PIVOT       0x1p-247
#define LARGE_PIVOT       0x1p+900
#else
#define SCALE_UP          0x1p+80f
#define SCALE_DOWN        0x1p-80f
#define SQUARES_TOO_SMALL 0x1p-80f
#define SQUARES_TOO_LARGE 0x1p+90f
#define SMALL_PIVOT       0x1p-16f
#define LARGE_PIVOT       0x1p+60f
#endif

/* y = (x - mean) * scale + shift */
typedef struct {
    reals mean, scale, shift;
} affine;

/* What a number has beyond its rounding to an element; nothing where that is not finite. */
SPAN_INLINE wide remainder_of(wide number, reals rounded)
{
    return wide_choose(isfinite(rounded), wide_subtract(number, wide_of(rounded)), wide_of(0));
}

HELPER moments no_moments(void)
{
    moments none;
    none.count = wide_of(0);
    none.sum = wide_of(0);
    none.m2 = wide_of(0);
    none.scale = 1;
    return none;
}

HELPER moments choose_moments(truths which, moments a, moments b)
{
    moments result;
    result.count = wide_choose(which, a.count, b.count);
    result.sum = wide_choose(which, a.sum, b.sum);
    result.m2 = wide_choose(which, a.m2, b.m2);
    result.scale = which ? a.scale : b.scale;
    return result;
}

/* 1/scale, exactly also where a device's quotients are not. */
HELPER reals unscale_for(reals scale)
{
    reals otherwise = scale == SCALE_DOWN ? (reals)SCALE_UP : (reals)1;
    return scale == SCALE_UP ? (reals)SCALE_DOWN : otherwise;
}

/* number * factor * factor, factor a power of two */
SPAN_INLINE wide times_square(wide number, reals factor)
{
    return wide_multiply(wide_multiply(number, wide_of(factor)), wide_of(factor));
}

/* The same moments with another scale, which is no greater. What that loses is little beside those that need it. */
SPAN_INLINE moments scaled_to(moments m, reals scale)
{
    const truths is_twice = (m.scale == SCALE_UP) & (scale == SCALE_DOWN);
    const reals once = m.scale == scale ? (reals)1 : (reals)SCALE_DOWN, twice = is_twice ? (reals)SCALE_DOWN : (reals)1;
    m.sum = wide_multiply(wide_multiply(m.sum, wide_of(once)), wide_of(twice));
    m.m2 = times_square(times_square(m.m2, once), twice);
    m.scale = scale;
    return m;
}

/* count > 0 */
SPAN_INLINE wide mean_of(moments m)
{
    return wide_multiply(wide_divide(m.sum, m.count), wide_of(unscale_for(m.scale)));
}

ROUTINE moments merge_moments(moments a, moments b)
{
    moments both;
    if (!wide_extends_range() && any_of(a.scale != b.scale)) {
        a.scale = is_zero(a.count) ? b.scale : a.scale;
        b.scale = is_zero(b.count) ? a.scale : b.scale;
        const reals scale = fmin(a.scale, b.scale);
        a = scaled_to(a, scale);
        b = scaled_to(b, scale);
    }
    both.scale = a.scale;
    both.count = wide_add(a.count, b.count);
    both.sum = wide_add(a.sum, b.sum);
    wide delta = wide_subtract(wide_divide(b.sum, b.count), wide_divide(a.sum, a.count));
    wide share = wide_divide(b.count, both.count);
    wide between = wide_multiply(wide_multiply(delta, delta), wide_multiply(a.count, share));
    both.m2 = wide_add(wide_add(a.m2, b.m2), between);
    return choose_moments(is_zero(a.count), b, choose_moments(is_zero(b.count), a, both));
}

/* Sums around a pivot: sum = scale * sum (x - pivot) and squares = scale^2 * sum (x - pivot)^2. */
typedef struct {
    wide sum, squares;
} deviations;

/* The moments of count values from their deviations. */
SPAN_INLINE moments moments_about(reals pivot, reals scale, deviations s, wide count)
{
    moments result;
    const reals unscale = wide_extends_range() ? unscale_for(scale) : (reals)1;
    wide m2 = wide_subtract(s.squares, wide_multiply(s.sum, wide_divide(s.sum, count)));
    truths is_below_0 = is_positive(wide_subtract(wide_of(0), m2));
    m2 = wide_choose(is_below_0, wide_of(0), m2);
    result.scale = wide_extends_range() ? (reals)1 : scale;
    result.count = count;
    result.sum = wide_add(wide_multiply(count, wide_of(pivot * result.scale)), wide_multiply(s.sum, wide_of(unscale)));
    result.m2 = times_square(m2, unscale);
    return choose_moments(is_zero(count), no_moments(), result);
}

/* The scale, a power of two, with which sums of squares must be taken again; 1 if they are good. */
HELPER reals scale_for(reals squares, reals pivot)
{
    const truths is_small = (squares < SQUARES_TOO_SMALL) & (fabs(pivot) < SMALL_PIVOT);
    const truths is_large = (squares > SQUARES_TOO_LARGE) | (fabs(pivot) > LARGE_PIVOT);
    const reals otherwise = is_large ? (reals)SCALE_DOWN : (reals)1;
    return is_small ? (reals)SCALE_UP : otherwise;
}

/*
 * A mean, rounded to a multiple of a power of two near 1/16 of the standard deviation. It serves as well, and has so few bits
 * that values on a grid, integers for example, have exact deviations from it: exact data give exact results. Where there is no
 * finite mean, because the values or their sum are not finite, any number serves.
 */
SPAN_INLINE reals pivot_near(reals mean, reals variance)
{
    reals grid = power_of_two_below(sqrt(variance)) / 16;
    reals multiple = rint(mean / grid);
    truths is_usable = (grid > 0) & !isinf(grid) & !isinf(multiple);
    reals pivot = is_usable ? multiple * grid : mean;
    return isfinite(pivot) ? pivot : (reals)0;
}

/*
 * What a pivot is sampled from, for each element of a vector: sums of count differences from a base, and of their squares, with the
 * least and the greatest, which are left out in the end. So a single outlier among the samples does not move the pivot away from all
 * other values, whose sums would then be of large numbers that are alike, and round alike.
 */
typedef struct {
    realv base, sum, squares, least, greatest;
    uint count;
} sampling;

/* The middle one of three serves as a base. */
INLINE realv middle_of(realv a, realv b, realv c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

INLINE void start_sampling(sampling *s, realv base)
{
    s->base = base;
    s->sum = 0;
    s->squares = 0;
    s->least = INFINITY;
    s->greatest = -INFINITY;
    s->count = 0;
}

INLINE void add_sample(sampling *s, realv x)
{
    const realv difference = x - s->base;
    s->sum += difference;
    s->squares += difference * difference;
    s->least = fmin(s->least, difference);
    s->greatest = fmax(s->greatest, difference);
    s->count++;
}

/* Leaves out the least and the greatest, if others remain. */
INLINE void trim_samples(sampling *s)
{
    if (s->count <= 2)
        return;
    s->sum -= s->least + s->greatest;
    s->squares -= s->least * s->least + s->greatest * s->greatest;
    s->count -= 2;
}

/* A pivot from count sampled values, by the sums of their differences from a base and of the squares. */
SPAN_INLINE reals sampled_pivot(reals base, reals sum, reals squares, real count)
{
    reals mean = sum / count;
    return pivot_near(base + mean, fmax(squares / count - mean * mean, (reals)0));
}

/* A pivot for the values whose moments these are; count > 0. */
ROUTINE reals pivot_of(moments m)
{
    const reals mean = real_of(wide_divide(m.sum, m.count)), variance = real_of(wide_divide(m.m2, m.count));
    return pivot_near(mean, variance) * unscale_for(m.scale);
}

/* What a work-item sums its values with. They are summed again, with what follow_sums makes of it, until that is satisfied. */
typedef struct {
    reals pivot, scale;
    truths is_final;
} summation;

HELPER summation first_summation(reals pivot)
{
    summation s;
    s.pivot = pivot;
    s.scale = 1;
    s.is_final = 0;
    return s;
}

/* Of which channels the sums are good; of the others, s becomes what they must be taken again with. */
SPAN_INLINE truths follow_sums(summation *s, deviations sums, wide count)
{
    reals scale = scale_for(real_of(sums.squares), s->pivot);
    wide between = wide_multiply(wide_of(2), wide_multiply(sums.sum, wide_divide(sums.sum, count)));
    truths is_far = is_positive(wide_subtract(between, sums.squares));
    truths takes_scale = (s->scale == 1) & (scale != 1);
    truths takes_pivot = is_far & !takes_scale & !s->is_final;
    if (any_of(takes_pivot))
        s->pivot = takes_pivot ? pivot_of(moments_about(s->pivot, s->scale, sums, count)) : s->pivot;
    s->scale = takes_scale ? scale : s->scale;
    s->is_final |= takes_pivot;
    return !(takes_scale | takes_pivot);
}

/* invstd = 1/sqrt(variance + epsilon); 0 where that would be 1/0. */
SPAN_INLINE void find_invstd(wide *invstd, wide variance, wide epsilon)
{
    wide sum = wide_add(variance, epsilon);
    *invstd = wide_choose(is_zero(sum), wide_of(0), wide_inverse_sqrt(sum));
}

/* The same of moments, in their scale, but where an epsilon is too large for that: then variances are nothing beside it. A variance of 0
 * needs no scale, in which epsilon might be too small. */
SPAN_INLINE void find_batch_invstd(wide *invstd, moments m, wide epsilon)
{
    const wide variance = wide_divide(m.m2, m.count), scaled_epsilon = times_square(epsilon, m.scale);
    const truths fits = isfinite(real_of(scaled_epsilon)) & !is_zero(variance);
    find_invstd(invstd, wide_choose(fits, variance, times_square(variance, unscale_for(m.scale))),
                wide_choose(fits, scaled_epsilon, epsilon));
    *invstd = wide_multiply(*invstd, wide_of(fits ? m.scale : (reals)1));
}

/* mean is taken to more bits than an element has: what is left of it goes into the shift. */
SPAN_INLINE void find_affine(affine *a, wide mean, wide invstd, reals gamma, reals beta)
{
    a->mean = short_nan(real_of(mean));
    wide scale = wide_multiply(invstd, wide_of(gamma));
    a->scale = short_nan(real_of(scale));
    wide remainder = remainder_of(mean, a->mean);
    a->shift = short_nan(real_of(wide_subtract(wide_of(beta), wide_multiply(remainder, scale))));
}

/* Statistics of the channels that have them; values may be NULL. */
SPAN_INLINE void store_statistics(__global real *values, span at, truths have, reals v)
{
    if (!values)
        return;
    if (any_of(!have))
        v = have ? v : load_span(values, at);
    store_span(values, at, v);
}

/* running <- (1 - factor) running + factor batch unscale^2, where batch alone may be beyond the range; the old value is not read when
 * factor is 1. running may be NULL. */
SPAN_INLINE void update_running(__global parameter *running, span at, truths have, wide batch, reals unscale, wide factor)
{
    if (!running)
        return;
    wide updated = times_square(wide_multiply(factor, batch), unscale);
    if (any_of(real_of(factor) < 1))
        updated = wide_add(wide_multiply(wide_subtract(wide_of(1), factor), wide_of(load_parameters(running, at))), updated);
    reals result = real_of(updated);
    if (any_of(!have))
        result = have ? result : load_parameters(running, at);
    store_parameters(running, at, result);
}

/* What follows from channels' moments: their gamma and beta, and the statistics to be stored, each of which may be NULL. */
typedef struct {
    __global const parameter *gamma, *beta;
    __global parameter *running_mean, *running_var;
    __global real *save_mean, *save_invstd, *save_var;
    wide epsilon, factor;
    uint flags;
} channel_statistics;

/*
 * The channels' normalisation from their moments. If writes, also stores their saved and running statistics, and none of no values;
 * the running variance is m2/(count - 1) unless the flags say biased.
 */
SPAN_INLINE void finalize_moments(affine *a, moments m, span at, bool writes, channel_statistics of)
{
    bool is_biased = (of.flags & FLAG_BIASED) != 0;
    truths have = !is_zero(m.count);
    const reals unscale = unscale_for(m.scale);
    wide invstd;
    find_batch_invstd(&invstd, m, of.epsilon);
    wide mean = mean_of(m), variance = wide_divide(m.m2, m.count);
    if (writes) {
        wide others = wide_subtract(m.count, wide_of(1));
        store_statistics(of.save_mean, at, have, real_of(mean));
        store_statistics(of.save_invstd, at, have, real_of(invstd));
        store_statistics(of.save_var, at, have, real_of(times_square(variance, unscale)));
        update_running(of.running_mean, at, have, mean, 1, of.factor);
        if (is_biased)
            update_running(of.running_var, at, have, variance, unscale, of.factor);
        else
            update_running(of.running_var, at, is_positive(others), wide_divide(m.m2, others), unscale, of.factor);
    }
    find_affine(a, mean, invstd, parameter_or(of.gamma, at, 1), parameter_or(of.beta, at, 0));
    a->mean = have ? a->mean : (reals)0;
    a->scale = have ? a->scale : (reals)0;
    a->shift = have ? a->shift : (reals)0;
}

/* The channels' normalisation from their running statistics; without a mean: 0. */
ROUTINE void running_affine(affine *a, span at, __global const parameter *gamma, __global const parameter *beta,
                            __global const parameter *running_mean, __global const parameter *running_var, wide epsilon)
{
    wide invstd;
    find_invstd(&invstd, wide_of(load_parameters(running_var, at)), epsilon);
    find_affine(a, wide_of(parameter_or(running_mean, at, 0)), invstd, parameter_or(gamma, at, 1), parameter_or(beta, at, 0));
}
