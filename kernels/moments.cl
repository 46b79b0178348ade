/*
 * Count, sum and sum of squared deviations from the mean (M2) of a set of values, and what follows from them for a channel. The
 * sum, not the mean, is kept, since sums of values on a grid are exact.
 *
 * A work-item sums its values of a channel around a pivot: sum (x - pivot) and sum (x - pivot)^2, of a chunk in elements, of all
 * chunks in wide arithmetic. The pivot is the mean of a few values that are spread over all. The sums of squares have a rounding
 * error of order eps (M2 + n D^2), n values whose mean is D away from the pivot. Where n D^2 turns out to be above M2, the values
 * are summed once more, around their mean: so the error is of order 2 eps M2 whatever the order of the values. Results of
 * work-items are merged in wide arithmetic by the rule of Chan, Golub & LeVeque (1979).
 */
typedef struct {
    wide sum, m2;
    ulong count;
} moments;

/* y = (x - mean) * scale + shift */
typedef struct {
    real mean, scale, shift;
} affine;

moments no_moments(void)
{
    moments none = { wide_of(0), wide_of(0), 0 };
    return none;
}

/* count > 0 */
wide mean_of(moments m)
{
    return wide_divide(m.sum, wide_of_count(m.count));
}

moments merge_moments(moments a, moments b)
{
    if (a.count == 0)
        return b;
    if (b.count == 0)
        return a;
    moments both;
    both.count = a.count + b.count;
    both.sum = wide_add(a.sum, b.sum);
    wide delta = wide_subtract(mean_of(b), mean_of(a));
    wide share = wide_divide(wide_of_count(b.count), wide_of_count(both.count));
    wide between = wide_multiply(wide_multiply(delta, delta), wide_multiply(wide_of_count(a.count), share));
    both.m2 = wide_add(wide_add(a.m2, b.m2), between);
    return both;
}

/* 1/scale, exactly also where a device's quotients are not: the scales are 1 and these two. */
#define SCALE_UP 0x1p+80f
#define SCALE_DOWN 0x1p-80f

real unscale_for(real scale)
{
    if (scale == SCALE_UP)
        return SCALE_DOWN;
    return scale == SCALE_DOWN ? SCALE_UP : 1;
}

/* Sums around a pivot: sum = scale * sum (x - pivot) and squares = scale^2 * sum (x - pivot)^2. */
typedef struct {
    wide sum, squares;
} deviations;

/* The moments of count values from their deviations. */
moments moments_about(real pivot, real scale, deviations s, ulong count)
{
    moments result = no_moments();
    if (count == 0)
        return result;
    wide n = wide_of_count(count);
    wide unscale = wide_of(unscale_for(scale));
    wide m2 = wide_subtract(s.squares, wide_multiply(s.sum, wide_divide(s.sum, n)));
    if (wide_sign(m2) < 0)
        m2 = wide_of(0);
    result.count = count;
    result.sum = wide_add(wide_multiply(n, wide_of(pivot)), wide_multiply(s.sum, unscale));
    result.m2 = wide_multiply(wide_multiply(m2, unscale), unscale);
    return result;
}

/* Sums of squares beyond these bounds have overflowed or lost bits to underflow. */
#define SQUARES_TOO_SMALL 0x1p-80f
#define SQUARES_TOO_LARGE 0x1p+120f

/* Around a pivot from here on, sums of squares are too small only if all values are the pivot: their ulp is above 2^-40. */
#define PIVOT_TOO_LARGE 0x1p-16f

/* The scale, a power of two, with which sums of squares must be taken again; 1 if they are good. */
real scale_for(real squares, real pivot)
{
    if (!wide_extends_range())
        return 1;
    if (squares < SQUARES_TOO_SMALL)
        return fabs(pivot) < PIVOT_TOO_LARGE ? SCALE_UP : 1;
    return squares > SQUARES_TOO_LARGE ? SCALE_DOWN : 1;
}

/*
 * A mean, rounded to a multiple of a power of two near 1/16 of the standard deviation. It serves as well, and has so few bits
 * that values on a grid, integers for example, have exact deviations from it: exact data give exact results.
 */
real pivot_near(real mean, real variance)
{
    real grid = power_of_two_below(sqrt(variance)) / 16;
    if (!(grid > 0) || isinf(grid))
        return mean;
    real multiple = rint(mean / grid);
    return isinf(multiple) ? mean : multiple * grid;
}

/* A pivot from count sampled values, of which first is one, by the sums of their differences from it and of the squares. */
real sampled_pivot(real first, real sum, real squares, real count)
{
    real mean = sum / count;
    return pivot_near(first + mean, fmax(squares / count - mean * mean, (real)0));
}

/* A pivot for the values whose moments these are; count > 0. */
real pivot_of(moments m)
{
    return pivot_near(real_of(mean_of(m)), real_of(wide_divide(m.m2, wide_of_count(m.count))));
}

/* What a work-item sums its values with. They are summed again, with what follow_sums makes of it, until that is satisfied. */
typedef struct {
    real pivot, scale;
    bool is_final;
} summation;

summation first_summation(real pivot)
{
    summation s = { pivot, 1, false };
    return s;
}

/* Whether the sums are good; if not, what they must be taken again with. */
bool follow_sums(summation *s, deviations sums, ulong count)
{
    real scale = scale_for(real_of(sums.squares), s->pivot);
    if (s->scale == 1 && scale != 1) {
        s->scale = scale;
        return false;
    }
    wide between = wide_multiply(wide_of(2), wide_multiply(sums.sum, sums.sum));
    bool is_far = wide_sign(wide_subtract(between, wide_multiply(wide_of_count(count), sums.squares))) > 0;
    if (s->is_final || !is_far)
        return true;
    s->pivot = pivot_of(moments_about(s->pivot, s->scale, sums, count));
    s->is_final = true;
    return false;
}

/* 1/sqrt(variance + epsilon); 0 where that would be 1/0. NaN has sign 0, too. */
wide inverse_deviation(wide variance, wide epsilon)
{
    wide sum = wide_add(variance, epsilon);
    bool is_zero = wide_sign(sum) == 0 && real_of(sum) == 0;
    return is_zero ? wide_of(0) : wide_inverse_sqrt(sum);
}

/* mean is taken to more bits than an element has: what is left of it goes into the shift. */
affine affine_of(wide mean, wide invstd, real gamma, real beta)
{
    affine result;
    result.mean = real_of(mean);
    wide scale = wide_multiply(invstd, wide_of(gamma));
    result.scale = real_of(scale);
    wide rest = wide_subtract(mean, wide_of(result.mean));
    result.shift = real_of(wide_subtract(wide_of(beta), wide_multiply(rest, scale)));
    return result;
}

/* running <- (1 - factor) running + factor batch; the old value is not read when factor is 1. */
void update_running(__global real *running, index_t channel, wide batch, wide factor)
{
    if (real_of(factor) < 1) {
        wide old = wide_multiply(wide_subtract(wide_of(1), factor), wide_of(running[channel]));
        batch = wide_add(old, wide_multiply(factor, batch));
    }
    running[channel] = real_of(batch);
}

/*
 * A channel's normalisation from its moments. If writes, also stores its saved and running statistics, each where it is not
 * NULL, and none of no values; the running variance is m2/(count - 1) unless the flags say biased.
 */
affine finish_moments(moments m, index_t channel, bool writes, __global const real *gamma, __global const real *beta,
                      __global real *running_mean, __global real *running_var, __global real *save_mean,
                      __global real *save_invstd, wide epsilon, wide factor, uint flags)
{
    if (m.count == 0)
        return affine_of(wide_of(0), wide_of(0), 0, 0);
    bool is_biased = (flags & FLAG_BIASED) != 0;
    wide variance = wide_divide(m.m2, wide_of_count(m.count));
    wide invstd = inverse_deviation(variance, epsilon);
    wide mean = mean_of(m);
    if (writes && save_mean)
        save_mean[channel] = real_of(mean);
    if (writes && save_invstd)
        save_invstd[channel] = real_of(invstd);
    if (writes && running_mean)
        update_running(running_mean, channel, mean, factor);
    if (writes && running_var && (is_biased || m.count > 1))
        update_running(running_var, channel, is_biased ? variance : wide_divide(m.m2, wide_of_count(m.count - 1)), factor);
    return affine_of(mean, invstd, parameter_or(gamma, channel, 1), parameter_or(beta, channel, 0));
}

/* A channel's normalisation from its running statistics. */
affine running_affine(index_t channel, __global const real *gamma, __global const real *beta,
                      __global const real *running_mean, __global const real *running_var, wide epsilon)
{
    wide invstd = inverse_deviation(wide_of(running_var[channel]), epsilon);
    return affine_of(wide_of(running_mean[channel]), invstd, parameter_or(gamma, channel, 1),
                     parameter_or(beta, channel, 0));
}

/* Merges the moments of a group's lines in a fixed order, each lane for itself, and gives them to all its work-items. lanes: a
 * power of two, as in division.cl. */
moments merge_group_moments(moments own, uint lanes, __local moments *scratch)
{
    if (CLBN_GROUP == 1)
        return own;
    uint item = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE); /* what was merged there before is read */
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
