/*
 * What bounds a batch normalization: kernels that only move its bytes, and one that does nothing.
 *
 * A work-group moves `chunk` vectors that lie side by side; the last one also moves the elements after the last whole
 * vector. Buffers are aligned to vectors, and hold `count` words of 32 bits. What they hold is moved and added as integers,
 * which unlike floats have no slow values.
 *
 * Constants that the host sets:
 *   VECTOR  words to a vector: 16 on a CPU, 4 elsewhere
 *   GROUP   work-items to a group
 */
#if !defined(VECTOR) || !defined(GROUP)
#error "a constant is missing"
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef JOIN(uint, VECTOR) uintv;

#define LIMIT_KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

/* A store that does not fetch the line that it overwrites, where the compiler has one. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define store_past_cache(v, p) __builtin_nontemporal_store(v, p)
#endif
#endif
#ifndef store_past_cache
#define store_past_cache(v, p) (*(p) = (v))
#endif

/* The vectors [first, end) of this group. */
#define FOR_VECTORS_OF_GROUP(i)                                                                                        \
    for (ulong i = get_group_id(0) * chunk + get_local_id(0),                                                          \
               end = min((get_group_id(0) + 1) * chunk, count / VECTOR);                                               \
         i < end; i += GROUP)

/* The elements after the last whole vector, for the last group. */
#define FOR_REMAINDER(i)                                                                                               \
    for (ulong i = get_group_id(0) + 1 < get_num_groups(0) ? count : count / VECTOR * VECTOR + get_local_id(0);        \
         i < count; i += GROUP)

/* out = x */
LIMIT_KERNEL void copy_plain(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                             ulong chunk)
{
    FOR_VECTORS_OF_GROUP(i)
        ((__global uintv *)out)[i] = ((__global const uintv *)x)[i];
    FOR_REMAINDER(i)
        out[i] = x[i];
}

/* out = x, with non-temporal stores */
LIMIT_KERNEL void copy_nontemporal(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                                   ulong chunk)
{
    FOR_VECTORS_OF_GROUP(i)
        store_past_cache(((__global const uintv *)x)[i], (__global uintv *)out + i);
    FOR_REMAINDER(i)
        out[i] = x[i];
}

/* out = x + dy */
LIMIT_KERNEL void triad_plain(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                              ulong chunk)
{
    FOR_VECTORS_OF_GROUP(i)
        ((__global uintv *)out)[i] = ((__global const uintv *)x)[i] + ((__global const uintv *)dy)[i];
    FOR_REMAINDER(i)
        out[i] = x[i] + dy[i];
}

/* out = x + dy, with non-temporal stores */
LIMIT_KERNEL void triad_nontemporal(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                                    ulong chunk)
{
    FOR_VECTORS_OF_GROUP(i)
        store_past_cache(((__global const uintv *)x)[i] + ((__global const uintv *)dy)[i],
                         (__global uintv *)out + i);
    FOR_REMAINDER(i)
        out[i] = x[i] + dy[i];
}

/* Nothing: what a launch costs. */
LIMIT_KERNEL void nothing(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                          ulong chunk)
{
}
