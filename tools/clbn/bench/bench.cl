/* SPDX-License-Identifier: MIT */
/*
 * What bounds a batch normalization: kernels that only move its bytes, kernels that walk over its tensors with the least of arithmetic,
 * and one that does nothing.
 *
 * A work-group moves `chunk` vectors that lie side by side; the last one also moves the elements after the last whole
 * vector. Buffers are aligned to vectors, and hold `count` words of 32 bits. What is only moved is added as integers, which unlike
 * floats have no slow values.
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

/* What words hold: a float32, or two numbers of 16 bits. */
#define HOLDS_FLOAT32S  1
#define HOLDS_FLOAT16S  2
#define HOLDS_BFLOAT16S 3

#define INLINE static inline __attribute__((always_inline))

typedef JOIN(float, VECTOR) floatv;
typedef JOIN(ushort, VECTOR) ushortv;
#define as_uintv   JOIN(as_uint, VECTOR)
#define as_floatv  JOIN(as_float, VECTOR)
#define as_ushortv JOIN(as_ushort, VECTOR)
#define as_words   JOIN(as_uint, HALF_VECTOR)
#define UPPER_HALF 0xffff0000u
#define LOAD(p)     JOIN(vload, VECTOR)(0, p)
#define STORE(v, p) JOIN(vstore, VECTOR)(v, 0, p)

/* Numbers that are computed together: of two vectors of words, or, of 16 bits, one of each word and the other, in any order that
 * encode() knows. */
typedef struct {
    floatv lower, upper;
} numbers;

/* Words that have them. */
#define STEP(holds) ((holds) == HOLDS_FLOAT32S ? 2 * VECTOR : VECTOR)

INLINE floatv decode_half(uintv words, bool upper, uint holds)
{
    const ushortv halves = as_ushortv(upper ? words.hi : words.lo);
    if (holds == HOLDS_FLOAT16S)
        return JOIN(vload_half, VECTOR)(0, (const __private half *)&halves);
    return as_floatv(upper ? words & UPPER_HALF : words << 16);
}

INLINE numbers load_numbers(__global const uint *p, uint holds)
{
    const uintv words = LOAD(p);
    const bool is_short = holds != HOLDS_FLOAT32S;
    const numbers n = { is_short ? decode_half(words, false, holds) : as_floatv(words),
                        is_short ? decode_half(words, true, holds) : as_floatv(LOAD(p + VECTOR)) };
    return n;
}

/* In the upper half of a word, to the nearest; not of NaN, which clbn takes care of as well. */
INLINE uintv round_to_half(floatv v)
{
    return as_uintv(v) + 0x7fffu + (as_uintv(v) >> 16 & 1);
}

INLINE uintv encode(numbers n, uint holds)
{
    ushortv halves[2];
    uintv words;
    if (holds == HOLDS_BFLOAT16S)
        return round_to_half(n.lower) >> 16 | (round_to_half(n.upper) & UPPER_HALF);
    JOIN(JOIN(vstore_half, VECTOR), _rte)(n.lower, 0, (__private half *)&halves[0]);
    JOIN(JOIN(vstore_half, VECTOR), _rte)(n.upper, 0, (__private half *)&halves[1]);
    words.lo = as_words(halves[0]);
    words.hi = as_words(halves[1]);
    return words;
}

INLINE void store_words(__global uint *p, uintv words, bool past_cache)
{
    if (past_cache)
        store_past_cache(words, (__global uintv *)p);
    else
        STORE(words, p);
}

INLINE void store_numbers(__global uint *p, numbers n, bool past_cache, uint holds)
{
    const bool is_short = holds != HOLDS_FLOAT32S;
    store_words(p, is_short ? encode(n, holds) : as_uintv(n.lower), past_cache);
    if (!is_short)
        store_words(p + VECTOR, as_uintv(n.upper), past_cache);
}

/* A channel's sums, with the least of arithmetic that rounding allows, which wants x as a deviation from a number near its mean: of
 * deviations and their squares, or of dy and its products with them, and then of these, too, which say how near. */
typedef struct {
    floatv values, products;
} sums;

INLINE void add_terms(sums *s, floatv x, floatv dy, bool has_dy, float centre)
{
    const floatv deviation = x - centre;
    const floatv value = has_dy ? dy : deviation;
    s->values += value;
    s->products += value * deviation;
}

INLINE uint total_of(floatv sum)
{
    uint words[VECTOR];
    uint total = 0;
    STORE(as_uintv(sum), words);
    for (uint i = 0; i < VECTOR; i++)
        total += words[i];
    return total;
}

/* What follows from them: y = (x - centre) * factor + shift, and dx = dy * factor + y. */
typedef struct {
    float centre, factor, shift;
} coefficients;

INLINE floatv result_of(floatv x, floatv dy, bool has_dy, coefficients of)
{
    const floatv y = (x - of.centre) * of.factor + of.shift;
    return has_dy ? dy * of.factor + y : y;
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

/* A word that is not among whole vectors, as an integer. */
INLINE uint word_of(row_of_slab r, ulong i, bool has_dy)
{
    return has_dy ? r.x[i] + r.dy[i] : r.x[i];
}

/* Rows that are read together: streams of memory, which processors fetch ahead. */
#define STREAMS 4

/* Of so many rows from one on. */
INLINE uint sum_rows(row_of_slab r, ulong pitch, uint rows, bool has_dy, float centre, uint holds)
{
    sums lower = { 0, 0 }, upper = { 0, 0 };
    floatv deviations = 0;
    uint total = 0;
    ulong i = 0;
    for (; i + STEP(holds) <= r.count; i += STEP(holds))
#pragma unroll
        for (uint row = 0; row < rows; row++) {
            const numbers x = load_numbers(r.x + row * pitch + i, holds);
            const numbers dy = has_dy ? load_numbers(r.dy + row * pitch + i, holds) : x;
            add_terms(&lower, x.lower, dy.lower, has_dy, centre);
            add_terms(&upper, x.upper, dy.upper, has_dy, centre);
            if (has_dy)
                deviations += (x.lower - centre) + (x.upper - centre);
        }
    for (; i < r.count; i++)
        for (uint row = 0; row < rows; row++)
            total += word_of(r, row * pitch + i, has_dy);
    return total + total_of(lower.values + lower.products) + total_of(upper.values + upper.products) + total_of(deviations);
}

/* Words before the first that a store past the cache may begin at. */
ulong words_before(row_of_slab r)
{
    return min(r.count, (ulong)(VECTOR - (uintptr_t)r.out / sizeof(uint) % VECTOR) % VECTOR);
}

INLINE void write_row(row_of_slab r, bool has_dy, coefficients of, bool past_cache, uint holds)
{
    const ulong first = past_cache ? words_before(r) : 0;
    ulong i = 0;
    for (; i < first; i++)
        r.out[i] = word_of(r, i, has_dy);
    for (; i + STEP(holds) <= r.count; i += STEP(holds)) {
        const numbers x = load_numbers(r.x + i, holds);
        const numbers dy = has_dy ? load_numbers(r.dy + i, holds) : x;
        const numbers n = { result_of(x.lower, dy.lower, has_dy, of), result_of(x.upper, dy.upper, has_dy, of) };
        store_numbers(r.out + i, n, past_cache, holds);
    }
    for (; i < r.count; i++)
        r.out[i] = word_of(r, i, has_dy);
}

/* A slab to a group: `rows` runs of `run` words, which begin `pitch` words apart, in one pass or in two. has_dy, past_cache and
 * holds are constants. */
INLINE void pass_over(__global const uint *x, __global const uint *dy, bool has_dy, __global uint *out, ulong pitch, ulong run,
                      ulong rows, uint passes, bool past_cache, uint holds)
{
    const float centre = (float)(passes >> 3); /* 0, but the compiler does not know */
    uint sum = 0;
    ulong read = passes & PASS_READ ? 0 : rows;
    for (; read + STREAMS <= rows; read += STREAMS)
        sum += sum_rows(find_row(x, dy, out, read, pitch, run), pitch, STREAMS, has_dy, centre, holds);
    for (; read < rows; read++)
        sum += sum_rows(find_row(x, dy, out, read, pitch, run), pitch, 1, has_dy, centre, holds);
    if (!(passes & PASS_WRITE)) {
        if (sum == 1)
            *out = sum; /* hardly ever */
        return;
    }
    const coefficients of = { centre, 1 + centre, sum == 1 };
    for (ulong row = 0; row < rows; row++)
        write_row(find_row(x, dy, out, row, pitch, run), has_dy, of, past_cache, holds);
}

INLINE void pass_over_tensors(__global const uint *x, __global const uint *dy, __global uint *out, ulong pitch, ulong run,
                              ulong rows, uint passes, bool past_cache, uint holds)
{
    if (passes & PASS_TWO)
        pass_over(x, dy, true, out, pitch, run, rows, passes, past_cache, holds);
    else
        pass_over(x, x, false, out, pitch, run, rows, passes, past_cache, holds);
}

/* Kernels of two stores for what words hold. */
#define PASSES(name, holds)                                                                                            \
    LIMIT_KERNEL void JOIN(name, _plain)(__global const uint *x, __global const uint *dy, __global uint *out,          \
                                         ulong pitch, ulong run, ulong rows, uint passes)                              \
    {                                                                                                                  \
        pass_over_tensors(x, dy, out, pitch, run, rows, passes, false, holds);                                         \
    }                                                                                                                  \
    LIMIT_KERNEL void JOIN(name, _nontemporal)(__global const uint *x, __global const uint *dy, __global uint *out,    \
                                               ulong pitch, ulong run, ulong rows, uint passes)                        \
    {                                                                                                                  \
        pass_over_tensors(x, dy, out, pitch, run, rows, passes, true, holds);                                          \
    }

PASSES(passes_float32, HOLDS_FLOAT32S)
PASSES(passes_float16, HOLDS_FLOAT16S)
PASSES(passes_bfloat16, HOLDS_BFLOAT16S)

/* ---- Nothing -------------------------------------------------------------------------------------------------------------- */

/* What a launch costs. */
LIMIT_KERNEL void nothing(__global const uint *x, __global const uint *dy, __global uint *out, ulong count,
                          ulong chunk)
{
}

/* ---- Small operations, in one kernel --------------------------------------------------------------------------------------- */

/* With arguments like those of clbn's kernels: a division of work, of which three numbers are used here, tensors that may be NULL,
 * vectors, and numbers. */
typedef struct {
    ulong pitch, run, rows, others[14];
} small_division;

typedef struct {
    ulong members[4];
} small_layout;

#define TENSOR(t) __global uint *t, small_layout t##_at
#define VECTORS3(a, b, c)                                                                                              \
    __global uint *a, ulong a##_offset, __global uint *b, ulong b##_offset, __global uint *c, ulong c##_offset

LIMIT_KERNEL void small_forward(small_division d, TENSOR(x), TENSOR(z), TENSOR(y), VECTORS3(v0, v1, v2), VECTORS3(v3, v4, v5),
                                __global uint *v6, ulong v6_offset, uint passes, float n1, float n2, float n3, float n4, float n5,
                                VECTORS3(w0, w1, w2))
{
    pass_over(x, x, false, y, d.pitch, d.run, d.rows, passes, false, HOLDS_FLOAT32S);
}

LIMIT_KERNEL void small_backward(small_division d, TENSOR(dy), TENSOR(x), TENSOR(other), __global uint *mask, ulong mask_offset,
                                 TENSOR(dx), TENSOR(dz), VECTORS3(v0, v1, v2), VECTORS3(v3, v4, v5), uint passes, float n1,
                                 float n2, float n3, VECTORS3(w0, w1, w2))
{
    pass_over(x, dy, true, dx, d.pitch, d.run, d.rows, passes, false, HOLDS_FLOAT32S);
}

LIMIT_KERNEL void small_inference(small_division d, TENSOR(x), TENSOR(z), TENSOR(y), VECTORS3(v0, v1, v2), __global uint *v3,
                                  ulong v3_offset, __global uint *v4, ulong v4_offset, uint passes, float n1, float n2, float n3,
                                  __global uint *w0, ulong w0_offset)
{
    pass_over(x, x, false, y, d.pitch, d.run, d.rows, passes, false, HOLDS_FLOAT32S);
}
