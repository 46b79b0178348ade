/*
 * What bounds a batch normalization: kernels that only move its bytes, and one that does nothing.
 *
 * A work-group moves `chunk` vectors that lie side by side; the last one also moves the elements after the last whole
 * vector. Buffers are aligned to vectors, and hold `count` words of 32 bits. What they hold is moved and added as integers,
 * which unlike floats have no slow values.
 *
 * Constants that the host sets:
 *   VECTOR       words to a vector: 16 on a CPU, 4 elsewhere
 *   HALF_VECTOR  half of them
 *   GROUP        work-items to a group
 */
/* Wide vectors are passed within this program only: what clang warns of others, on CPUs without as wide ones, would fill a screen. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi"
#endif

#if !defined(VECTOR) || !defined(HALF_VECTOR) || !defined(GROUP)
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

/* ---- The floor, for groups of one work-item ------------------------------------------------------------------------------- */

/* What passes over tensors do. */
#define PASS_READ  1 /* x, and dy if there are two: what statistics and sums cannot do without */
#define PASS_WRITE 2 /* the same again, and out: what follows from these */
#define PASS_TWO   4 /* tensors to read: x and dy, not x alone */

/* What words hold. What is no number of 32 bits is computed with as such, two to a word, as clbn must. */
#define HOLDS_WORDS     0
#define HOLDS_FLOAT16S  1
#define HOLDS_BFLOAT16S 2

#define INLINE static inline __attribute__((always_inline))

typedef JOIN(float, VECTOR) floatv;
typedef JOIN(ushort, VECTOR) ushortv;
#define as_uintv   JOIN(as_uint, VECTOR)
#define as_floatv  JOIN(as_float, VECTOR)
#define as_ushortv JOIN(as_ushort, VECTOR)
#define as_words   JOIN(as_uint, HALF_VECTOR)
#define UPPER_HALF 0xffff0000u

/* One element of each word, in any order that encode() knows. */
INLINE floatv decode(uintv words, bool upper, uint holds)
{
    const ushortv halves = as_ushortv(upper ? words.hi : words.lo);
    if (holds == HOLDS_FLOAT16S)
        return JOIN(vload_half, VECTOR)(0, (const __private half *)&halves);
    return as_floatv(upper ? words & UPPER_HALF : words << 16);
}

/* In the upper half of a word, to the nearest; not of NaN, which clbn takes care of as well. */
INLINE uintv round_to_half(floatv v)
{
    return as_uintv(v) + 0x7fffu + (as_uintv(v) >> 16 & 1);
}

INLINE uintv encode(floatv lower, floatv upper, uint holds)
{
    ushortv halves[2];
    uintv words;
    if (holds == HOLDS_BFLOAT16S)
        return round_to_half(lower) >> 16 | (round_to_half(upper) & UPPER_HALF);
    JOIN(JOIN(vstore_half, VECTOR), _rte)(lower, 0, (__private half *)&halves[0]);
    JOIN(JOIN(vstore_half, VECTOR), _rte)(upper, 0, (__private half *)&halves[1]);
    words.lo = as_words(halves[0]);
    words.hi = as_words(halves[1]);
    return words;
}

/* Two vectors of words, element by element. */
INLINE uintv add(uintv a, uintv b, uint holds)
{
    if (holds == HOLDS_WORDS)
        return a + b;
    return encode(decode(a, false, holds) + decode(b, false, holds), decode(a, true, holds) + decode(b, true, holds), holds);
}

/* Sums of all that is read, so that none of the loads can be left out. */
INLINE void add_to_sums(uintv *sum, uintv *other, uintv words, uint holds)
{
    if (holds == HOLDS_WORDS) {
        *sum += words;
        return;
    }
    *sum = as_uintv(as_floatv(*sum) + decode(words, false, holds));
    *other = as_uintv(as_floatv(*other) + decode(words, true, holds));
}

/* Some words of a row: `run` of them from the group's first on, fewer in the last group. */
typedef struct {
    __global const uint *x, *dy;
    __global uint *out;
    ulong count;
} row_of_slab;

row_of_slab find_row(__global const uint *x, __global const uint *dy, __global uint *out, ulong row, ulong pitch, ulong run)
{
    const ulong begin = get_group_id(0) * run;
    const ulong offset = row * pitch + begin;
    const row_of_slab r = { x + offset, dy + offset, out + offset, min(run, pitch - begin) };
    return r;
}

#define LOAD(p)     JOIN(vload, VECTOR)(0, p)
#define STORE(v, p) JOIN(vstore, VECTOR)(v, 0, p)

INLINE uint sum_row(row_of_slab r, uint passes, uint holds)
{
    uint words[VECTOR];
    uint total = 0;
    uintv sum = 0, other = 0;
    ulong i = 0;
    for (; i + VECTOR <= r.count; i += VECTOR) {
        add_to_sums(&sum, &other, LOAD(r.x + i), holds);
        if (passes & PASS_TWO)
            add_to_sums(&sum, &other, LOAD(r.dy + i), holds);
    }
    for (; i < r.count; i++)
        total += r.x[i];
    STORE(sum + other, words);
    for (uint j = 0; j < VECTOR; j++)
        total += words[j];
    return total;
}

/* Words before the first that a store past the cache may begin at. */
ulong words_before(row_of_slab r)
{
    return min(r.count, (ulong)(VECTOR - (uintptr_t)r.out / sizeof(uint) % VECTOR) % VECTOR);
}

INLINE void write_row(row_of_slab r, uint passes, uint bias, bool past_cache, uint holds)
{
    const ulong first = past_cache ? words_before(r) : 0;
    ulong i = 0;
    for (; i < first; i++)
        r.out[i] = r.x[i] + bias;
    for (; i + VECTOR <= r.count; i += VECTOR) {
        const uintv v = add(LOAD(r.x + i), passes & PASS_TWO ? LOAD(r.dy + i) : (uintv)bias, holds);
        if (past_cache)
            store_past_cache(v, (__global uintv *)(r.out + i));
        else
            STORE(v, r.out + i);
    }
    for (; i < r.count; i++)
        r.out[i] = r.x[i] + bias;
}

/* A slab to a group: `rows` runs of `run` words, which begin `pitch` words apart, in one pass or in two. */
INLINE void pass_over(__global const uint *x, __global const uint *dy, __global uint *out, ulong pitch, ulong run, ulong rows,
                      uint passes, bool past_cache, uint holds)
{
    uint sum = 0;
    for (ulong row = 0; (passes & PASS_READ) && row < rows; row++)
        sum += sum_row(find_row(x, dy, out, row, pitch, run), passes, holds);
    if (!(passes & PASS_WRITE)) {
        if (sum == 1)
            *out = sum; /* hardly ever, but the compiler does not know */
        return;
    }
    for (ulong row = 0; row < rows; row++)
        write_row(find_row(x, dy, out, row, pitch, run), passes, sum == 1, past_cache, holds);
}

/* Kernels of two stores for what words hold. */
#define PASSES(name, holds)                                                                                            \
    LIMIT_KERNEL void JOIN(name, _plain)(__global const uint *x, __global const uint *dy, __global uint *out,          \
                                         ulong pitch, ulong run, ulong rows, uint passes)                              \
    {                                                                                                                  \
        pass_over(x, dy, out, pitch, run, rows, passes, false, holds);                                                 \
    }                                                                                                                  \
    LIMIT_KERNEL void JOIN(name, _nontemporal)(__global const uint *x, __global const uint *dy, __global uint *out,    \
                                               ulong pitch, ulong run, ulong rows, uint passes)                        \
    {                                                                                                                  \
        pass_over(x, dy, out, pitch, run, rows, passes, true, holds);                                                  \
    }

PASSES(passes, HOLDS_WORDS)
PASSES(passes_float16, HOLDS_FLOAT16S)
PASSES(passes_bfloat16, HOLDS_BFLOAT16S)

/* ---- Nothing -------------------------------------------------------------------------------------------------------------- */

/* What a launch costs. */
LIMIT_KERNEL void nothing(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                          ulong chunk)
{
}

/* The same with arguments like those of forward training in one kernel: structs, buffers that may be NULL, and numbers. */
typedef struct {
    ulong members[17];
} large_struct;

typedef struct {
    ulong members[3];
} small_struct;

LIMIT_KERNEL void nothing_of_many(large_struct d, __global const uint *x, small_struct x_at, __global const uint *z,
                                  small_struct z_at, __global uint *y, small_struct y_at, __global uint *b0, ulong o0,
                                  __global uint *b1, ulong o1, __global uint *b2, ulong o2, __global uint *b3, ulong o3,
                                  __global uint *b4, ulong o4, __global uint *b5, ulong o5, __global uint *b6, ulong o6,
                                  float f0, float f1, float f2, float f3, float f4, uint flags, __global uint *b7, ulong o7,
                                  __global uint *b8, ulong o8, __global uint *b9, ulong o9)
{
}
