/* SPDX-License-Identifier: MIT */
/*
 * Channels last: kernels of results that merge the partial results themselves, where these are so few that a kernel for them would take
 * longer. Each group merges all channels into a table of its own; the first one also stores statistics and gradients of parameters.
 */

/* All channels. */
INLINE merging merge_all(void)
{
    const merging all = { 0, 1, get_group_id(0) == 0 };
    return all;
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* columns_normalize, with what finalize_statistics does. */
GROUP_KERNEL void columns_merge_normalize(FORWARD_TENSORS, ulong partial_count, MEMORY(const uchar, partials),
                                          STATISTICS_PARAMETERS, real alpha, uint flags, MEMORY(uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    const slot s = slot_of(d, 0, AFFINE_ROWS, coefficients + coefficients_offset, 0);
    merge_statistics(partials_of(d, partials + partials_offset, partial_count, 0), merge_all(), of, 0, s.table);
    normalize_columns(d, second_share_of(d, forward_takes_vectors(t)), t, s);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
/* columns_input, with what finalize_gradients does. */
GROUP_KERNEL void columns_merge_input(BACKWARD_TENSORS, ulong count, ulong partial_count, MEMORY(const uchar, partials),
                                      BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha, uint flags,
                                      MEMORY(uchar, coefficients))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters of = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const slot s = slot_of(d, 0, BACKWARD_ROWS, coefficients + coefficients_offset, 0);
    merge_gradients(partials_of(d, partials + partials_offset, partial_count, count), merge_all(), of, gradients, 0, s.table);
    input_columns(d, second_share_of(d, backward_reads_vectors(t)), t, s);
}
#endif
