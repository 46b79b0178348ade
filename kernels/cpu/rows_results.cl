/* Channels first, second walks: a kernel before them has merged what the first has left. */

/* y of a part of a channel to a group, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void rows_normalize(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at, __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset, real alpha, uint flags, __global const uchar *coefficients, ulong coefficients_offset)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    const channel_run one = { second_group(1), 1 };
    affine a;
    load_affine(&a, (__global const real *)(coefficients + coefficients_offset), d.channels,
                span_of(one.first, d.channels));
    normalize_part(d, position_in_group(d), t, one, second_group(0), &a);
}

/* dx and dz of a part of a channel to a group, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void rows_input(division d, __global const storage *x, layout x_at, __global const storage *dy, layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask, ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz, layout dz_at, real alpha, uint flags, __global const uchar *coefficients, ulong coefficients_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    index_t channel = second_group(1);
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    normalizer n;
    gradient g;
    load_normalizer(&n, table, d.channels, span_of(channel, d.channels));
    load_gradient(&g, table, d.channels, span_of(channel, d.channels));
    input_part(d, position_in_group(d), t, channel, second_group(0), n, g);
}
