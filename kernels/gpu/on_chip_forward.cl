/* SPDX-License-Identifier: MIT */
/* Forward training of a tile that has all rows of its channels, and keeps x in registers: memory is read and written once. */

/* From the last vector to the first, so that compilers do not keep where each lies from when it was loaded. */
INLINE void normalize_kept(division d, share s, forward_tensors t, normalization n, kept_vectors kept)
{
    cursor c;
    start_cursor(&c, d, s, CLBN_KEPT - 1, true);
    UNROLL
    for (uint i = CLBN_KEPT; i-- > 0;) {
        packed z = 0;
        if (t.z.data && i < s.steps)
            z = load_packed(t.z.data + offset_at(d, t.z.at, base_of(d, s, t.z.at), c), true, CLBN_VECTOR);
        if (i < s.steps)
            normalize_vector(d, s, t, n, base_of(d, s, t.y.at), c, unpack_kept(kept, i), z, true, CLBN_VECTOR);
        advance(&c);
    }
    if (!CLBN_SINGLE && s.remainder > 0)
        normalize_remainder(d, s, t, n);
}

GROUP_KERNEL void tile_forward(FORWARD_TENSORS, STATISTICS_PARAMETERS, real alpha, uint flags)
{
    __local realv space[CELLS / CLBN_VECTOR + 1];
    __local wide scratch[CLBN_GROUP];
    __local int shared;
    __local real *cells = (__local real *)space;
    packed vectors[CLBN_KEPT];
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    const uint item = get_local_id(0);
    const index_t tile = get_group_id(0);
    share s;
    moments m;
    find_share(&s, d, tile, 0);
    kept_vectors kept = { vectors, true, has_whole_vectors(d) && are_aligned(t), 0 };
    if (kept.are_kept)
        keep_vectors(vectors, CLBN_KEPT, d, s, t.x);
    find_moments(&m, d, s, t.x, tile, kept, cells, scratch, &shared);
    if (item < s.slots) {
        affine a;
        finalize_moments(&a, m, span_of(channel_of(d, s.tile_place + item), d.channels), true, of);
        store_slot(cells, s, item, a);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (!y)
        return;
    normalization n;
    load_slots(&n, cells, d, s);
    kept.nil = (uint)shared;
    if (kept.are_kept)
        normalize_kept(d, s, t, n, kept);
    else
        normalize_tile_singly(d, s, t, n);
}
