/* Between the steps of an operation that splits channels: partial results are merged, and give what the next step needs.
 * They lie at an offset in bytes, but records, which are a caller's, at one in elements. A group has lanes channels, whose partial
 * results its lines share. Where rows are folded (division.cl), each of the rows in one gives partial results of its own, and the
 * coefficients are those of a walked row: a channel's stand folded times. */

/*
 * Merges partials, which are moments[part][channel] or records [part][rows][channel]. Gives the channels' coefficients, record
 * and statistics, each where it is not NULL.
 */
GROUP_KERNEL void finish_statistics(ulong channels, uint lanes, ulong folded, ulong partial_count,
                                    __global const uchar *partials, ulong partials_offset, __global const real *gamma,
                                    ulong gamma_offset, __global const real *beta, ulong beta_offset,
                                    __global real *running_mean, ulong running_mean_offset, __global real *running_var,
                                    ulong running_var_offset, __global real *save_mean, ulong save_mean_offset,
                                    __global real *save_invstd, ulong save_invstd_offset, real epsilon_high,
                                    real epsilon_low, real factor_high, real factor_low, __global real *record,
                                    ulong record_offset, __global uchar *coefficients, ulong coefficients_offset, uint flags)
{
    __local moments scratch[CLBN_GROUP];
    const position at = position_among(lanes);
    const bool is_record = (flags & FLAG_RECORDS) != 0;
    __global const moments *parts = (__global const moments *)(partials + partials_offset);
    __global const real *records = (__global const real *)partials + partials_offset;
    for (ulong first = get_group_id(0) * at.lanes; first < channels; first += get_num_groups(0) * at.lanes) {
        const ulong c = first + at.lane;
        moments m = no_moments();
        for (ulong i = at.line; c < channels && i < partial_count; i += at.lines)
            m = merge_moments(m, is_record ? load_moments(records + i * STATISTICS_ROWS * channels, channels, c)
                                           : parts[i * channels + c]);
        m = merge_group_moments(m, lanes, scratch);
        if (c >= channels || at.line > 0)
            continue;
        affine a = finish_moments(m, (index_t)c, true, gamma + gamma_offset, beta + beta_offset,
                                  running_mean + running_mean_offset, running_var + running_var_offset,
                                  save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                                  wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low),
                                  flags);
        if (record)
            store_moments(record + record_offset, channels, c, m);
        for (ulong i = 0; coefficients && i < folded; i++)
            store_affine((__global real *)(coefficients + coefficients_offset), folded * channels,
                         (index_t)(i * channels + c), a);
    }
}

/*
 * Adds partials, which are sums[part][channel] over count values in all, or records [part][rows][channel]. Gives the channels'
 * coefficients, record, dgamma and dbeta, each where it is not NULL. partial_count may be 0.
 */
GROUP_KERNEL void finish_gradients(ulong channels, uint lanes, ulong folded, ulong count, ulong partial_count,
                                   __global const uchar *partials, ulong partials_offset, __global const real *gamma,
                                   ulong gamma_offset, __global const real *beta, ulong beta_offset,
                                   __global const real *mean, ulong mean_offset, __global const real *deviation,
                                   ulong deviation_offset, __global real *dgamma, ulong dgamma_offset,
                                   __global real *dbeta, ulong dbeta_offset, real epsilon_high, real epsilon_low,
                                   __global real *record, ulong record_offset, __global uchar *coefficients,
                                   ulong coefficients_offset, uint flags)
{
    __local sums scratch[CLBN_GROUP];
    const position at = position_among(lanes);
    const bool is_record = (flags & FLAG_RECORDS) != 0;
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    __global const sums *parts = (__global const sums *)(partials + partials_offset);
    __global const real *records = (__global const real *)partials + partials_offset;
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    for (ulong first = get_group_id(0) * at.lanes; first < channels; first += get_num_groups(0) * at.lanes) {
        const ulong c = first + at.lane;
        sums s = no_sums();
        for (ulong i = at.line; c < channels && i < partial_count; i += at.lines)
            s = add_sums(s, is_record ? load_sums(records + i * SUMS_ROWS * channels, channels, c) : parts[i * channels + c]);
        s = add_group_sums(s, lanes, scratch);
        if (c >= channels || at.line > 0)
            continue;
        ulong values = count;
        for (ulong i = 0; is_record && i < partial_count; i++)
            values += load_count(records + i * SUMS_ROWS * channels, channels, c);
        gradient g = finish_sums(s, values, (index_t)c, p, true, dgamma + dgamma_offset, dbeta + dbeta_offset);
        if (record)
            store_sums(record + record_offset, channels, c, s, values);
        if (!coefficients)
            continue;
        normalizer n;
        find_normalizer(&n, p, (index_t)c);
        for (ulong i = 0; i < folded; i++) {
            store_normalizer(table, folded * channels, (index_t)(i * channels + c), n);
            store_gradient(table, folded * channels, (index_t)(i * channels + c), g);
        }
    }
}
