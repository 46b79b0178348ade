/* SPDX-License-Identifier: MIT */
/*
 * Batch renormalization (Ioffe 2017): y = gamma * (xhat * r + d) + beta, where r and d take the batch's statistics to the running ones,
 * as far as they may. It is a normalisation with gamma * r and beta + gamma * d, which stand between its kernels; forward and backward make
 * them of the same r and d.
 */

/* At least least, at most most; NaN stays NaN. */
SPAN_INLINE reals within(reals v, real least, real most)
{
    const reals below = v > most ? (reals)most : v;
    return below < least ? (reals)least : below;
}

typedef struct {
    reals r, d;
} correction;

/* gamma * r and beta + gamma * d. */
ROUTINE void store_corrected(__global parameter *scale, __global parameter *shift, span at, reals gamma, reals beta,
                             correction c)
{
    store_parameters(scale, at, real_of(wide_multiply(wide_of(gamma), wide_of(c.r))));
    store_parameters(shift, at, real_of(wide_add(wide_of(beta), wide_multiply(wide_of(gamma), wide_of(c.d)))));
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* r = sigma of the batch / running sigma, which is 0 where either is, and d = (mean - running mean) / running sigma, within bounds. */
SPAN_INLINE void find_correction(correction *c, moments m, span at, channel_statistics of, real r_max, real d_max)
{
    wide batch, running;
    find_batch_invstd(&batch, m, of.epsilon);
    find_invstd(&running, wide_of(load_parameters(of.running_var, at)), of.epsilon);
    const truths is_constant = is_zero(batch);
    const wide ratio = wide_divide(running, wide_choose(is_constant, wide_of(1), batch));
    const wide difference = wide_subtract(mean_of(m), wide_of(load_parameters(of.running_mean, at)));
    c->r = within(real_of(wide_choose(is_constant, wide_of(0), ratio)), 1 / r_max, r_max);
    c->d = within(real_of(wide_multiply(difference, running)), -d_max, d_max);
}

/* From the channels' record, and the running statistics, which are then updated, unless the factor is 0. */
GROUP_KERNEL void renorm_statistics(ulong channels, ulong record_channels, MEMORY(const real, record), STATISTICS_PARAMETERS,
                                    real r_max, real d_max, MEMORY(real, save_r), MEMORY(real, save_d),
                                    MEMORY(parameter, scale), MEMORY(parameter, shift), uint flags)
{
    channel_statistics of = GIVEN_STATISTICS;
    const channel_statistics given = of;
    const bool updates = any_of(real_of(of.factor) > 0);
    if (!updates)
        of.running_mean = of.running_var = 0;
    for (ulong i = get_global_id(0) * CLBN_SPAN; i < channels; i += get_global_size(0) * CLBN_SPAN) {
        const span at = span_of((index_t)i, channels);
        moments m;
        correction c;
        affine unused;
        load_moments(&m, record + record_offset, record_channels, at);
        find_correction(&c, m, at, given, r_max, d_max);
        finalize_moments(&unused, m, at, true, of);
        if (save_r)
            store_span(save_r + save_r_offset, at, c.r);
        if (save_d)
            store_span(save_d + save_d_offset, at, c.d);
        store_corrected(scale + scale_offset, shift + shift_offset, at, parameter_or(of.gamma, at, 1),
                        parameter_or(of.beta, at, 0), c);
    }
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
HELPER void load_correction(correction *c, __global const real *r, __global const real *d, span at)
{
    c->r = load_span(r, at);
    c->d = load_span(d, at);
}

GROUP_KERNEL void renorm_parameters(ulong channels, AFFINE_PARAMETERS, MEMORY(const real, r), MEMORY(const real, d),
                                    MEMORY(parameter, scale), MEMORY(parameter, shift))
{
    for (ulong i = get_global_id(0) * CLBN_SPAN; i < channels; i += get_global_size(0) * CLBN_SPAN) {
        const span at = span_of((index_t)i, channels);
        correction c;
        load_correction(&c, r + r_offset, d + d_offset, at);
        store_corrected(scale + scale_offset, shift + shift_offset, at, parameter_or(gamma + gamma_offset, at, 1),
                        parameter_or(beta + beta_offset, at, 0), c);
    }
}

/* dgamma = r sum g xhat + d sum g, and dbeta = sum g. */
GROUP_KERNEL void renorm_gradients(ulong channels, MEMORY(const real, r), MEMORY(const real, d),
                                   MEMORY(const parameter, g_xhat), MEMORY(const parameter, g), PARAMETER_GRADIENTS)
{
    for (ulong i = get_global_id(0) * CLBN_SPAN; i < channels; i += get_global_size(0) * CLBN_SPAN) {
        const span at = span_of((index_t)i, channels);
        const wide sum = wide_of(load_parameters(g + g_offset, at));
        correction c;
        load_correction(&c, r + r_offset, d + d_offset, at);
        const wide of_xhat = wide_multiply(wide_of(c.r), wide_of(load_parameters(g_xhat + g_xhat_offset, at)));
        store_parameter_gradient(dgamma + dgamma_offset, dgamma_factor, at,
                                 wide_add(of_xhat, wide_multiply(wide_of(c.d), sum)));
        store_parameter_gradient(dbeta + dbeta_offset, dbeta_factor, at, sum);
    }
}
#endif
