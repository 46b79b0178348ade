/* SPDX-License-Identifier: MIT */
/* The first elements of a vector, where there are not all: at the ends of rows, and of a tensor. */

/* The first count elements at p, count > 0, in as few loads as powers of two take; the remainder repeats the last of them. */
INLINE storage2 load_first_of_2(__global const storage *p, uint count)
{
    return (storage2)(p[0], p[count > 1]);
}

INLINE storage4 load_first_of_4(__global const storage *p, uint count)
{
    if (count >= 4)
        return vload4(0, p);
    storage4 v;
    v.lo = load_first_of_2(p, count);
    v.hi = count > 2 ? load_first_of_2(p + 2, count - 2) : (storage2)v.lo.hi;
    return v;
}

INLINE storage8 load_first_of_8(__global const storage *p, uint count)
{
    if (count >= 8)
        return vload8(0, p);
    storage8 v;
    v.lo = load_first_of_4(p, count);
    v.hi = count > 4 ? load_first_of_4(p + 4, count - 4) : (storage4)v.s3;
    return v;
}

INLINE storage16 load_first_of_16(__global const storage *p, uint count)
{
    if (count >= 16)
        return vload16(0, p);
    storage16 v;
    v.lo = load_first_of_8(p, count);
    v.hi = count > 8 ? load_first_of_8(p + 8, count - 8) : (storage8)v.s7;
    return v;
}

/* Stores the first count elements of v, fewer than all. */
INLINE void store_first_of_2(__global storage *p, storage2 v, uint count)
{
    if (count & 1)
        *p = v.lo;
}

INLINE void store_first_of_4(__global storage *p, storage4 v, uint count)
{
    const uint half_size = count & 2;
    if (half_size)
        vstore2(v.lo, 0, p);
    store_first_of_2(p + half_size, half_size ? v.hi : v.lo, count);
}

INLINE void store_first_of_8(__global storage *p, storage8 v, uint count)
{
    const uint half_size = count & 4;
    if (half_size)
        vstore4(v.lo, 0, p);
    store_first_of_4(p + half_size, half_size ? v.hi : v.lo, count);
}

INLINE void store_first_of_16(__global storage *p, storage16 v, uint count)
{
    const uint half_size = count & 8;
    if (half_size)
        vstore8(v.lo, 0, p);
    store_first_of_8(p + half_size, half_size ? v.hi : v.lo, count);
}

/* The first count elements at p; the remainder of the vector repeats the last of them. count: 1 to CLBN_VECTOR. */
INLINE realv load_some(__global const storage *p, uint count)
{
    return decode(CLBN_JOIN(load_first_of_, CLBN_VECTOR)(p, count));
}

/* Stores the first count elements of v. */
INLINE void store_some(__global storage *p, realv v, uint count)
{
    const storagev all = encode(v);
    if (count == CLBN_VECTOR)
        CLBN_JOIN(vstore, CLBN_VECTOR)(all, 0, p);
    else
        CLBN_JOIN(store_first_of_, CLBN_VECTOR)(p, all, count);
}

/* Either: a vector, in their order or shuffled, or the first width elements. */
INLINE realv load_either(__global const storage *p, bool in_order, bool in_vector, uint width)
{
    return in_vector ? load_in_order(p, in_order) : load_some(p, width);
}

INLINE void store_either(__global storage *p, realv v, bool in_order, bool in_vector, uint width, bool past_cache)
{
    if (in_vector)
        store_in_order(p, v, in_order, past_cache);
    else
        store_some(p, v, width);
}

/* As load_some and store_some, of parameters and the like. */
INLINE realv load_reals(__global const real *p, uint count)
{
    if (count == CLBN_VECTOR)
        return ((__global const unaligned_realv *)p)->v;
    real a[CLBN_VECTOR];
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = p[i < count ? i : count - 1];
    return vector_of(a);
}

INLINE void store_reals(__global real *p, realv v, uint count)
{
    real a[CLBN_VECTOR];
    if (count == CLBN_VECTOR) {
        ((__global unaligned_realv *)p)->v = v;
        return;
    }
    spread_vector(v, a);
    for (uint i = 0; i < count; i++)
        p[i] = a[i];
}

/* v, but 0 in its first count elements, whatever they are. */
INLINE realv without_first(realv v, uint count)
{
    int a[CLBN_VECTOR];
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = i < count ? 0 : -1;
    return convert_truthv(vector_of(a)) ? v : (realv)0;
}
