/*
 * The backward's sums of a channel, and what follows from them. With xhat = (x - mean) * invstd from the saved, rounded mean:
 * sum xhat is 0 in exact arithmetic; what it is instead tells how far the saved mean is off, and repairs the other sums.
 */
typedef struct {
    wide dy, dy_xhat, xhat;
} sums;

/* dx = dy * gain + xhat * slope + shift */
typedef struct {
    real gain, slope, shift;
} gradient;

/* xhat = (x - mean) * invstd */
typedef struct {
    real mean, invstd;
} normalizer;

sums no_sums(void)
{
    sums none = { wide_of(0), wide_of(0), wide_of(0) };
    return none;
}

sums add_sums(sums a, sums b)
{
    sums both = { wide_add(a.dy, b.dy), wide_add(a.dy_xhat, b.dy_xhat), wide_add(a.xhat, b.xhat) };
    return both;
}

sums sums_of(real dy, real dy_xhat, real xhat)
{
    sums result = { wide_of(dy), wide_of(dy_xhat), wide_of(xhat) };
    return result;
}

/* frozen: mean and deviation are running statistics, deviation the variance; else the saved mean and invstd. */
normalizer normalizer_of(index_t channel, __global const real *mean, __global const real *deviation, uint frozen,
                         wide epsilon)
{
    normalizer result;
    result.mean = parameter_or(mean, channel, 0);
    result.invstd = parameter_or(deviation, channel, 0);
    if (frozen)
        result.invstd = real_of(inverse_deviation(wide_of(result.invstd), epsilon));
    return result;
}

/* A channel's dx from its sums over count values. If writes, also stores dgamma and dbeta, each where it is not NULL. */
gradient finish_sums(sums s, ulong count, index_t channel, real invstd, uint frozen, bool writes,
                     __global const real *gamma, __global real *dgamma, __global real *dbeta)
{
    gradient result = { parameter_or(gamma, channel, 1) * invstd, 0, 0 };
    if (!frozen && count > 0) {
        wide n = wide_of_count(count);
        wide dy_mean = wide_divide(s.dy, n);
        wide xhat_mean = wide_divide(s.xhat, n);
        s.dy_xhat = wide_subtract(s.dy_xhat, wide_multiply(xhat_mean, s.dy));
        wide dy_xhat_mean = wide_divide(s.dy_xhat, n);
        wide rest = wide_subtract(wide_multiply(xhat_mean, dy_xhat_mean), dy_mean);
        result.slope = -real_of(wide_multiply(wide_of(result.gain), dy_xhat_mean));
        result.shift = real_of(wide_multiply(wide_of(result.gain), rest));
    }
    if (writes && dgamma)
        dgamma[channel] = real_of(s.dy_xhat);
    if (writes && dbeta)
        dbeta[channel] = real_of(s.dy);
    return result;
}

/* Adds a group's sums in a fixed order and gives them to all its work-items. */
sums add_group_sums(sums own, __local sums *scratch)
{
    if (CLBN_GROUP == 1)
        return own;
    uint item = get_local_id(0);
    scratch[item] = own;
    for (uint half_size = CLBN_GROUP / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size)
            scratch[item] = add_sums(scratch[item], scratch[item + half_size]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scratch[0];
}
