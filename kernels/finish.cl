/* Between the steps of an operation that splits channels: partial results are merged, and give what the next step needs. They lie
 * at an offset in bytes, but records, which are a caller's, at one in elements. A group's lanes have spans side by side, whose
 * partial results its lines share. Where rows are folded (division.cl), each of the rows in one gives partial results of its own, in
 * a part's row of as many channels, and the coefficients are those of a walked row: a channel's stand folded times. */

/* Where one of the rows in a walked row has the channels of at. */
INLINE span folded_span(span at, ulong row, ulong channels)
{
    at.channel += (index_t)(row * channels);
    return at;
}

/*
 * Merges partials, which are moments of parts or records [part][rows][channel]. Gives the channels' coefficients, record
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
    __global const real *records = (__global const real *)partials + partials_offset;
    const ulong step = at.lanes * CLBN_SPAN;
    for (ulong first = get_group_id(0) * step; first < channels; first += get_num_groups(0) * step) {
        const ulong c = first + at.lane * CLBN_SPAN;
        const span to = span_of((index_t)c, channels);
        reuse_scratch();
        moments m = no_moments();
        for (ulong i = at.line; c < channels && i < partial_count; i += at.lines) {
            moments other;
            if (is_record)
                load_moments(&other, records + i * STATISTICS_ROWS * channels, channels, to);
            else
                load_partial_moments(&other, partials + partials_offset, i / folded, folded * channels,
                                     folded_span(to, i % folded, channels));
            m = i == at.line ? other : merge_moments(m, other);
        }
        m = merge_group_moments(m, lanes, scratch);
        if (c >= channels || at.line > 0)
            continue;
        affine a;
        finish_moments(&a, m, to, true, gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset,
                       running_var + running_var_offset, save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                       wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low), flags);
        if (record)
            store_moments(record + record_offset, channels, to, m);
        for (ulong i = 0; coefficients && i < folded; i++)
            store_affine((__global real *)(coefficients + coefficients_offset), folded * channels,
                         folded_span(to, i, channels), a);
    }
}

/*
 * Adds partials, which are sums of parts over count values in all, or records [part][rows][channel]. Gives the channels'
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
    __global const real *records = (__global const real *)partials + partials_offset;
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    const ulong step = at.lanes * CLBN_SPAN;
    for (ulong first = get_group_id(0) * step; first < channels; first += get_num_groups(0) * step) {
        const ulong c = first + at.lane * CLBN_SPAN;
        const span to = span_of((index_t)c, channels);
        reuse_scratch();
        sums s = no_sums();
        for (ulong i = at.line; c < channels && i < partial_count; i += at.lines) {
            sums other;
            if (is_record)
                load_sums(&other, records + i * SUMS_ROWS * channels, channels, to);
            else
                load_partial_sums(&other, partials + partials_offset, i / folded, folded * channels,
                                  folded_span(to, i % folded, channels));
            s = add_sums(s, other);
        }
        s = add_group_sums(s, lanes, scratch);
        if (c >= channels || at.line > 0)
            continue;
        normalizer n;
        find_normalizer(&n, p, to);
        if (!is_record)
            s = sums_of_units(s, n.unit);
        wide values = wide_of_count(count);
        for (ulong i = 0; is_record && i < partial_count; i++) {
            wide other;
            load_number(&other, records + i * SUMS_ROWS * channels, channels, to, RECORD_COUNT);
            values = wide_add(values, other);
        }
        gradient g;
        finish_sums(&g, s, values, to, p, n.unit, true, dgamma + dgamma_offset, dbeta + dbeta_offset);
        if (record)
            store_sums(record + record_offset, channels, to, s, values);
        if (!coefficients)
            continue;
        for (ulong i = 0; i < folded; i++) {
            store_normalizer(table, folded * channels, folded_span(to, i, channels), n);
            store_gradient(table, folded * channels, folded_span(to, i, channels), g);
        }
    }
}
