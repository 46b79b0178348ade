/* Channels first, second walks of single work-items that merge what the first has left of their channel, so that no kernel does between
 * them. One of a channel's groups stores what is wanted besides. */

/* rows_normalize, with what finish_statistics does. */
GROUP_KERNEL void rows_merge_normalize(division d, __global const storage *x, layout x_at, __global const storage *z,
                                       layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                       ulong mask_offset, ulong partial_count, __global const uchar *partials,
                                       ulong partials_offset, __global const real *gamma, ulong gamma_offset,
                                       __global const real *beta, ulong beta_offset, __global real *running_mean,
                                       ulong running_mean_offset, __global real *running_var, ulong running_var_offset,
                                       __global real *save_mean, ulong save_mean_offset, __global real *save_invstd,
                                       ulong save_invstd_offset, real epsilon_high, real epsilon_low, real factor_high,
                                       real factor_low, real alpha, uint flags)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    const channel_statistics of = { gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset,
                                    running_var + running_var_offset, save_mean + save_mean_offset,
                                    save_invstd + save_invstd_offset, wide_of_parts(epsilon_high, epsilon_low),
                                    wide_of_parts(factor_high, factor_low), flags };
    const partial_results p = partials_at(partials, partials_offset, d.channels, 1, partial_count, 0, flags);
    const position at = position_in_group(d);
    const channel_run one = { second_group(1), 1 };
    const span to = span_of(one.first, d.channels);
    affine a;
    finish_moments(&a, merge_parts(p, at, to), to, get_group_id(0) == 0, of);
    normalize_part(d, at, t, one, second_group(0), &a, false);
}

/* rows_input, with what finish_gradients does. */
GROUP_KERNEL void rows_merge_input(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                   layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask,
                                   ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz,
                                   layout dz_at, ulong count, ulong partial_count, __global const uchar *partials,
                                   ulong partials_offset, __global const real *gamma, ulong gamma_offset,
                                   __global const real *beta, ulong beta_offset, __global const real *mean,
                                   ulong mean_offset, __global const real *deviation, ulong deviation_offset,
                                   __global real *dgamma, ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset,
                                   real epsilon_high, real epsilon_low, real alpha, uint flags)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters of = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                    deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    const partial_results p = partials_at(partials, partials_offset, d.channels, 1, partial_count, count, flags);
    const position at = position_in_group(d);
    const index_t channel = second_group(1);
    const span to = span_of(channel, d.channels);
    sums s = add_parts(p, at, to);
    normalizer n;
    gradient g;
    finish_added(&n, &g, &s, values_of(p, to), p, to, get_group_id(0) == 0, of, dgamma + dgamma_offset, dbeta + dbeta_offset);
    input_part(d, at, t, channel, second_group(0), n, g, false);
}
