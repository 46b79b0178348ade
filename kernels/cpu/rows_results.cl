/* SPDX-License-Identifier: MIT */
/* Channels first, second walks: a kernel before them has merged what the first has left. */

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* y of a part of a channel to a group, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void rows_normalize(FORWARD_TENSORS, real alpha, uint flags, MEMORY(const uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_run one = { second_group(1), 1 };
    affine a;
    load_affine(&a, (__global const real *)(coefficients + coefficients_offset), d.channels, span_of(one.first, d.channels));
    normalize_part(d, t, one, second_group(0), &a);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
/* dx and dz of a part of a channel to a group, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void rows_input(BACKWARD_TENSORS, real alpha, uint flags, MEMORY(const uchar, coefficients))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    index_t channel = second_group(1);
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    normalizer n;
    gradient g;
    load_normalizer(&n, table, d.channels, span_of(channel, d.channels));
    load_gradient(&g, table, d.channels, span_of(channel, d.channels));
    input_part(d, t, channel, second_group(0), n, g);
}
#endif
