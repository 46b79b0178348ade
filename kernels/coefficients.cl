/*
 * What the normalisation and dx need of each channel, in tables in the workspace: table[coefficient][channel], so that channels
 * last loads vectors of channels. What is loaded goes to a pointer: inlining small functions that return a struct makes LLVM emit
 * an intrinsic that Oclgrind does not know.
 */

void load_affine(affine *a, __global const real *table, ulong channels, index_t channel)
{
    a->mean = table[channel];
    a->scale = table[channels + channel];
    a->shift = table[2 * channels + channel];
}

void store_affine(__global real *table, ulong channels, index_t channel, affine a)
{
    table[channel] = a.mean;
    table[channels + channel] = a.scale;
    table[2 * channels + channel] = a.shift;
}

void load_normalizer(normalizer *n, __global const real *table, ulong channels, index_t channel)
{
    n->mean = table[channel];
    n->invstd = table[channels + channel];
}

void store_normalizer(__global real *table, ulong channels, index_t channel, normalizer n)
{
    table[channel] = n.mean;
    table[channels + channel] = n.invstd;
}

void load_gradient(gradient *g, __global const real *table, ulong channels, index_t channel)
{
    g->gain = table[2 * channels + channel];
    g->slope = table[3 * channels + channel];
    g->shift = table[4 * channels + channel];
}

void store_gradient(__global real *table, ulong channels, index_t channel, gradient g)
{
    table[2 * channels + channel] = g.gain;
    table[3 * channels + channel] = g.slope;
    table[4 * channels + channel] = g.shift;
}

/* Merges partials[part][channel], and gives the channels' coefficients and statistics. coefficients may be absent (NULL). */
GROUP_KERNEL void finish_statistics(ulong channels, ulong partial_count, __global const uchar *partials,
                                    ulong partials_offset, __global const real *gamma, ulong gamma_offset,
                                    __global const real *beta, ulong beta_offset, __global real *running_mean,
                                    ulong running_mean_offset, __global real *running_var, ulong running_var_offset,
                                    __global real *save_mean, ulong save_mean_offset, __global real *save_invstd,
                                    ulong save_invstd_offset, real epsilon_high, real epsilon_low, real factor_high,
                                    real factor_low, uint biased, __global uchar *coefficients,
                                    ulong coefficients_offset)
{
    __global const moments *parts = (__global const moments *)(partials + partials_offset);
    for (ulong c = get_global_id(0); c < channels; c += get_global_size(0)) {
        moments m = no_moments();
        for (ulong i = 0; i < partial_count; i++)
            m = merge_moments(m, parts[i * channels + c]);
        affine a = finish_moments(m, (index_t)c, true, gamma + gamma_offset, beta + beta_offset,
                                  running_mean + running_mean_offset, running_var + running_var_offset,
                                  save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                                  wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low),
                                  biased);
        store_affine((__global real *)(coefficients + coefficients_offset), channels, (index_t)c, a);
    }
}

/* Adds partials[part][channel], and gives the channels' coefficients, dgamma and dbeta. partial_count may be 0. */
GROUP_KERNEL void finish_gradients(ulong channels, ulong count, ulong partial_count, __global const uchar *partials,
                                   ulong partials_offset, __global const real *gamma, ulong gamma_offset,
                                   __global const real *mean, ulong mean_offset, __global const real *deviation,
                                   ulong deviation_offset, __global real *dgamma, ulong dgamma_offset,
                                   __global real *dbeta, ulong dbeta_offset, real epsilon_high, real epsilon_low,
                                   uint frozen, __global uchar *coefficients, ulong coefficients_offset)
{
    __global const sums *parts = (__global const sums *)(partials + partials_offset);
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    for (ulong c = get_global_id(0); c < channels; c += get_global_size(0)) {
        sums s = no_sums();
        for (ulong i = 0; i < partial_count; i++)
            s = add_sums(s, parts[i * channels + c]);
        normalizer n = normalizer_of((index_t)c, mean + mean_offset, deviation + deviation_offset, frozen,
                                     wide_of_parts(epsilon_high, epsilon_low));
        store_normalizer(table, channels, (index_t)c, n);
        store_gradient(table, channels, (index_t)c,
                       finish_sums(s, count, (index_t)c, n.invstd, frozen, true, gamma + gamma_offset,
                                   dgamma + dgamma_offset, dbeta + dbeta_offset));
    }
}
