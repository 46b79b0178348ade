/*
 * Count, sum and sum of squared deviations from the mean (M2) of sets of values, and what follows from them for channels. The
 * sum, not the mean, is kept, since sums of values on a grid are exact.
 *
 * A work-item sums its values of a channel around a pivot: sum (x - pivot) and sum (x - pivot)^2, of a chunk in elements, of all
 * chunks in wide arithmetic. The pivot is the mean of a few values that are spread over all. The sums of squares have a rounding
 * error of order eps (M2 + n D^2), n values whose mean is D away from the pivot. Where n D^2 turns out to be above M2, the values
 * are summed once more, around their mean: so the error is of order 2 eps M2 whatever the order of the values. Results of
 * work-items are merged in wide arithmetic by the rule of Chan, Golub & LeVeque (1979).
 */
typedef struct {
    wide count, sum, m2;
} moments;

/* y = (x - mean) * scale + shift */
typedef struct {
    reals mean, scale, shift;
} affine;

HELPER moments no_moments(void)
{
    moments none;
    none.count = wide_of(0);
    none.sum = wide_of(0);
    none.m2 = wide_of(0);
    return none;
}

HELPER moments choose_moments(truths which, moments a, moments b)
{
    moments result;
    result.count = wide_choose(which, a.count, b.count);
    result.sum = wide_choose(which, a.sum, b.sum);
    result.m2 = wide_choose(which, a.m2, b.m2);
    return result;
}

/* count > 0 */
SPAN_INLINE wide mean_of(moments m)
{
    return wide_divide(m.sum, m.count);
}

ROUTINE moments merge_moments(moments a, moments b)
{
    moments both;
    both.count = wide_add(a.count, b.count);
    both.sum = wide_add(a.sum, b.sum);
    wide delta = wide_subtract(mean_of(b), mean_of(a));
    wide share = wide_divide(b.count, both.count);
    wide between = wide_multiply(wide_multiply(delta, delta), wide_multiply(a.count, share));
    both.m2 = wide_add(wide_add(a.m2, b.m2), between);
    return choose_moments(is_zero(a.count), b, choose_moments(is_zero(b.count), a, both));
}

/* 1/scale, exactly also where a device's quotients are not: the scales are 1 and these two. */
#define SCALE_UP 0x1p+80f
#define SCALE_DOWN 0x1p-80f

HELPER reals unscale_for(reals scale)
{
    reals otherwise = scale == SCALE_DOWN ? (reals)SCALE_UP : (reals)1;
    return scale == SCALE_UP ? (reals)SCALE_DOWN : otherwise;
}

/* Sums around a pivot: sum = scale * sum (x - pivot) and squares = scale^2 * sum (x - pivot)^2. */
typedef struct {
    wide sum, squares;
} deviations;

/* The moments of count values from their deviations. */
SPAN_INLINE moments moments_about(reals pivot, reals scale, deviations s, wide count)
{
    moments result;
    wide unscale = wide_of(unscale_for(scale));
    wide m2 = wide_subtract(s.squares, wide_multiply(s.sum, wide_divide(s.sum, count)));
    truths is_below_0 = is_positive(wide_subtract(wide_of(0), m2));
    m2 = wide_choose(is_below_0, wide_of(0), m2);
    result.count = count;
    result.sum = wide_add(wide_multiply(count, wide_of(pivot)), wide_multiply(s.sum, unscale));
    result.m2 = wide_multiply(wide_multiply(m2, unscale), unscale);
    return choose_moments(is_zero(count), no_moments(), result);
}

/* Sums of squares beyond these bounds have overflowed or lost bits to underflow. */
#define SQUARES_TOO_SMALL 0x1p-80f
#define SQUARES_TOO_LARGE 0x1p+120f

/* Around a pivot from here on, sums of squares are too small only if all values are the pivot: their ulp is above 2^-40. */
#define PIVOT_TOO_LARGE 0x1p-16f

/* The scale, a power of two, with which sums of squares must be taken again; 1 if they are good. */
HELPER reals scale_for(reals squares, reals pivot)
{
    if (!wide_extends_range())
        return 1;
    reals if_small = fabs(pivot) < PIVOT_TOO_LARGE ? (reals)SCALE_UP : (reals)1;
    reals otherwise = squares > SQUARES_TOO_LARGE ? (reals)SCALE_DOWN : (reals)1;
    return squares < SQUARES_TOO_SMALL ? if_small : otherwise;
}

/*
 * A mean, rounded to a multiple of a power of two near 1/16 of the standard deviation. It serves as well, and has so few bits
 * that values on a grid, integers for example, have exact deviations from it: exact data give exact results.
 */
SPAN_INLINE reals pivot_near(reals mean, reals variance)
{
    reals grid = power_of_two_below(sqrt(variance)) / 16;
    reals multiple = rint(mean / grid);
    truths is_usable = (grid > 0) & !isinf(grid) & !isinf(multiple);
    return is_usable ? multiple * grid : mean;
}

/* A pivot from count sampled values, of which first is one, by the sums of their differences from it and of the squares. */
SPAN_INLINE reals sampled_pivot(reals first, reals sum, reals squares, real count)
{
    reals mean = sum / count;
    return pivot_near(first + mean, fmax(squares / count - mean * mean, (reals)0));
}

/* A pivot for the values whose moments these are; count > 0. */
ROUTINE reals pivot_of(moments m)
{
    return pivot_near(real_of(mean_of(m)), real_of(wide_divide(m.m2, m.count)));
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
    wide between = wide_multiply(wide_of(2), wide_multiply(sums.sum, sums.sum));
    truths is_far = is_positive(wide_subtract(between, wide_multiply(count, sums.squares)));
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

/* mean is taken to more bits than an element has: what is left of it goes into the shift. */
SPAN_INLINE void find_affine(affine *a, wide mean, wide invstd, reals gamma, reals beta)
{
    a->mean = short_nan(real_of(mean));
    wide scale = wide_multiply(invstd, wide_of(gamma));
    a->scale = short_nan(real_of(scale));
    wide rest = wide_subtract(mean, wide_of(a->mean));
    a->shift = short_nan(real_of(wide_subtract(wide_of(beta), wide_multiply(rest, scale))));
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

/* running <- (1 - factor) running + factor batch; the old value is not read when factor is 1. running may be NULL. */
SPAN_INLINE void update_running(__global real *running, span at, truths have, wide batch, wide factor)
{
    if (running && any_of(real_of(factor) < 1)) {
        wide old = wide_multiply(wide_subtract(wide_of(1), factor), wide_of(load_span(running, at)));
        batch = wide_add(old, wide_multiply(factor, batch));
    }
    store_statistics(running, at, have, real_of(batch));
}

/* What follows from channels' moments: their gamma and beta, and the statistics to be stored, each of which may be NULL. */
typedef struct {
    __global const real *gamma, *beta;
    __global real *running_mean, *running_var, *save_mean, *save_invstd;
    wide epsilon, factor;
    uint flags;
} channel_statistics;

/*
 * The channels' normalisation from their moments. If writes, also stores their saved and running statistics, and none of no values;
 * the running variance is m2/(count - 1) unless the flags say biased.
 */
SPAN_INLINE void finish_moments(affine *a, moments m, span at, bool writes, channel_statistics of)
{
    bool is_biased = (of.flags & FLAG_BIASED) != 0;
    truths have = !is_zero(m.count);
    wide variance = wide_divide(m.m2, m.count);
    wide invstd;
    find_invstd(&invstd, variance, of.epsilon);
    wide mean = mean_of(m);
    if (writes) {
        wide others = wide_subtract(m.count, wide_of(1));
        store_statistics(of.save_mean, at, have, real_of(mean));
        store_statistics(of.save_invstd, at, have, real_of(invstd));
        update_running(of.running_mean, at, have, mean, of.factor);
        if (is_biased)
            update_running(of.running_var, at, have, variance, of.factor);
        else
            update_running(of.running_var, at, is_positive(others), wide_divide(m.m2, others), of.factor);
    }
    find_affine(a, mean, invstd, parameter_or(of.gamma, at, 1), parameter_or(of.beta, at, 0));
    a->mean = have ? a->mean : (reals)0;
    a->scale = have ? a->scale : (reals)0;
    a->shift = have ? a->shift : (reals)0;
}

/* The channels' normalisation from their running statistics; without a mean: 0. */
ROUTINE void running_affine(affine *a, span at, __global const real *gamma, __global const real *beta, __global const real *running_mean,
                    __global const real *running_var, wide epsilon)
{
    wide invstd;
    find_invstd(&invstd, wide_of(load_span(running_var, at)), epsilon);
    find_affine(a, wide_of(parameter_or(running_mean, at, 0)), invstd, parameter_or(gamma, at, 1), parameter_or(beta, at, 0));
}

/* Merges the moments of a group's lines in a fixed order, each lane for itself, and gives them to all its work-items. lanes: a
 * power of two, as in division.cl. scratch: read by none any more. own meets no barrier before it is there, at which PoCL 1.8 would
 * lose a struct. */
ROUTINE moments merge_group_moments(moments own, uint lanes, __local moments *scratch)
{
    if (CLBN_GROUP == 1)
        return own;
    uint item = get_local_id(0);
    scratch[item] = own;
    for (uint half_size = CLBN_GROUP / 2; half_size >= lanes; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size)
            scratch[item] = merge_moments(scratch[item], scratch[item + half_size]);
    }
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    return scratch[item % lanes];
}
