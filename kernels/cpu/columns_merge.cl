/*
 * Channels last, second walks of single work-items that merge what the first has left, so that no kernel does between them: where that
 * is little, a launch takes longer, and the core that ends the first walk goes on with what its own cache still has. Each group merges
 * all, into a table of its own; one of them stores what is wanted besides.
 */

/* All channels. */
INLINE merging merge_all(void)
{
    const merging all = { { 0, 1, 0, 1 }, 0, 1, get_group_id(0) == 0 };
    return all;
}

/* columns_normalize, with what finish_statistics does. coefficients: [slot][AFFINE_ROWS][channel], for its use. */
GROUP_KERNEL void columns_merge_normalize(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at, __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset, ulong partial_count, __global const uchar *partials, ulong partials_offset, __global const real *gamma, ulong gamma_offset, __global const real *beta, ulong beta_offset, __global real *running_mean, ulong running_mean_offset, __global real *running_var, ulong running_var_offset, __global real *save_mean, ulong save_mean_offset, __global real *save_invstd, ulong save_invstd_offset, real epsilon_high, real epsilon_low, real factor_high, real factor_low, real alpha, uint flags, __global uchar *coefficients, ulong coefficients_offset)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    const channel_statistics of = { gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset,
                                    running_var + running_var_offset, save_mean + save_mean_offset,
                                    save_invstd + save_invstd_offset, wide_of_parts(epsilon_high, epsilon_low),
                                    wide_of_parts(factor_high, factor_low), flags };
    const position at = position_in_group(d);
    __global real *table = own_table(d, get_group_id(0), AFFINE_ROWS, coefficients, coefficients_offset);
    merge_statistics(partials_at(partials, partials_offset, d.channels / d.folded, d.folded, partial_count, 0, flags),
                     merge_all(), of, 0, table, 0);
    normalize_columns(d, at, second_share_of(d, at, forward_takes_vectors(t)), t, table);
}

/* columns_input, with what finish_gradients does. coefficients: likewise. */
GROUP_KERNEL void columns_merge_input(division d, __global const storage *x, layout x_at, __global const storage *dy, layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask, ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz, layout dz_at, ulong count, ulong partial_count, __global const uchar *partials, ulong partials_offset, __global const real *gamma, ulong gamma_offset, __global const real *beta, ulong beta_offset, __global const real *mean, ulong mean_offset, __global const real *deviation, ulong deviation_offset, __global real *dgamma, ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high, real epsilon_low, real alpha, uint flags, __global uchar *coefficients, ulong coefficients_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters of = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                    deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    const position at = position_in_group(d);
    __global real *table = own_table(d, get_group_id(0), BACKWARD_ROWS, coefficients, coefficients_offset);
    merge_gradients(partials_at(partials, partials_offset, d.channels / d.folded, d.folded, partial_count, count, flags),
                    merge_all(), of, dgamma + dgamma_offset, dbeta + dbeta_offset, 0, table, 0);
    input_columns(d, at, second_share_of(d, at, backward_reads_vectors(t)), t, table);
}
