/* SPDX-License-Identifier: MIT */
/*
 * What all kernels share: the element type, vectors of it, and how they are loaded and stored. The only file with macros.
 *
 * Constants that the host sets for a variant:
 *   CLBN_TYPE         type of a tensor's elements: CLBN_FLOAT32, ... by their numbers in clbn.h
 *   CLBN_PARAMETER_TYPE
 *                     type of gamma, beta, their gradients, a layer's bias and the running statistics: that which is computed in,
 *                     or one of 16 bits
 *   CLBN_VECTOR       elements to a vector
 *   CLBN_GROUP        work-items to a group
 *   CLBN_ALIGNED      1: vectors are accessed as such where a tensor is aligned to them, and element by element elsewhere;
 *                     0: vectors are accessed at any element
 *   CLBN_FETCH        1: kernels may prefetch what they read soon; 0: the compiler does not know how
 *   CLBN_SHORT_NAN    1: NaN that arithmetic makes of other numbers have no lower bits
 *   CLBN_SPAN         channels to a span (spans.cl): CLBN_VECTOR or 1
 *   CLBN_WIDE_DOUBLE  1: merges compute in double; 0: in pairs of elements
 *   CLBN_INDEX        32 or 64: bits of an index into a tensor
 *   CLBN_ROW_AXES, CLBN_CHANNEL_AXES
 *                     in how many pieces strides leave the rows and the channels (layout.cl)
 *   CLBN_ACTIVATION   what forms y: CLBN_ACTIVATION_NONE, ... by their numbers in clbn.h
 *   CLBN_OPERATIONS   CLBN_OPERATION_FORWARD, ...: whose kernels there are, since a compiler works on each, used or not
 *   CLBN_INLINE       1: functions are inlined as said below; 0: none is
 */
#if !defined(CLBN_TYPE) || !defined(CLBN_PARAMETER_TYPE) || !defined(CLBN_VECTOR) || !defined(CLBN_GROUP) || !defined(CLBN_ALIGNED) ||                  \
    !defined(CLBN_FETCH) || !defined(CLBN_SHORT_NAN) || !defined(CLBN_SPAN) || !defined(CLBN_WIDE_DOUBLE) ||           \
    !defined(CLBN_INDEX) || !defined(CLBN_ROW_AXES) || !defined(CLBN_CHANNEL_AXES) || !defined(CLBN_ACTIVATION) ||     \
    !defined(CLBN_OPERATIONS) || !defined(CLBN_INLINE)
#error "a constant of the variant is missing"
#endif

/* Vectors that are wider than a processor's are passed to functions of the same program only: clang's warnings that others might
 * expect them elsewhere would fill a screen. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi"
#endif

/* Each rounding is counted in the bounds: none may be left out or added. */
#pragma OPENCL FP_CONTRACT OFF

#if CLBN_TYPE == CLBN_FLOAT64 || CLBN_WIDE_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define CLBN_JOIN_(a, b) a##b
#define CLBN_JOIN(a, b) CLBN_JOIN_(a, b)

/* real is what is computed in, and the type of the batch's statistics; storage is the type of a tensor's elements. */
#if CLBN_TYPE == CLBN_FLOAT64
typedef double real;
#define REAL_NAME double
typedef CLBN_JOIN(double, CLBN_VECTOR) realv;
#define BITS_OF_REAL as_ulong
#define REAL_OF_BITS as_double
#define EXPONENT_BITS 0x7ff0000000000000ul
#else
typedef float real;
#define REAL_NAME float
typedef CLBN_JOIN(float, CLBN_VECTOR) realv;
#define BITS_OF_REAL as_uint
#define REAL_OF_BITS as_float
#define EXPONENT_BITS 0x7f800000u
#endif

/* Numbers of a span of channels (spans.cl), and truths of each: 0 for false; for true 1 in a scalar, -1 in a vector. */
#if CLBN_SPAN == 1
#define OF_SPAN(name) name
#define any_of(a) (a)
#else
#define OF_SPAN(name) CLBN_JOIN(name, CLBN_SPAN)
#define any_of(a) any(a)
#endif
typedef OF_SPAN(REAL_NAME) reals;
#define convert_reals OF_SPAN(CLBN_JOIN(convert_, REAL_NAME))
#if CLBN_TYPE == CLBN_FLOAT64
typedef OF_SPAN(long) truths;
#define truths_of(a) (a)
#else
typedef OF_SPAN(int) truths;
#define truths_of OF_SPAN(convert_int)
#endif
#define longs_of OF_SPAN(convert_long)

/* Integers of a vector's elements: as wide as these, which comparisons give, and of 32 bits. */
#if CLBN_TYPE == CLBN_FLOAT64
typedef CLBN_JOIN(long, CLBN_VECTOR) truthv;
#define convert_truthv CLBN_JOIN(convert_long, CLBN_VECTOR)
#else
typedef CLBN_JOIN(int, CLBN_VECTOR) truthv;
#define convert_truthv CLBN_JOIN(convert_int, CLBN_VECTOR)
#endif
typedef CLBN_JOIN(int, CLBN_VECTOR) intv;
#define convert_intv CLBN_JOIN(convert_int, CLBN_VECTOR)

/* The number of a tensor's type next to -1, above it. */
#if CLBN_TYPE == CLBN_FLOAT64
#define ABOVE_MINUS_1 (-1 + 0x1p-53)
#elif CLBN_TYPE == CLBN_FLOAT32
#define ABOVE_MINUS_1 (-1 + 0x1p-24f)
#elif CLBN_TYPE == CLBN_FLOAT16
#define ABOVE_MINUS_1 (-1 + 0x1p-11f)
#else
#define ABOVE_MINUS_1 (-1 + 0x1p-8f)
#endif

#if CLBN_TYPE == CLBN_FLOAT32 || CLBN_TYPE == CLBN_FLOAT64
typedef real storage;
typedef realv storagev;
#define STORAGE_NAME REAL_NAME
#define as_storagev CLBN_JOIN(CLBN_JOIN(as_, REAL_NAME), CLBN_VECTOR)
#elif CLBN_TYPE == CLBN_FLOAT16 || CLBN_TYPE == CLBN_BFLOAT16
typedef ushort storage;
typedef CLBN_JOIN(ushort, CLBN_VECTOR) storagev;
#define STORAGE_NAME ushort
#define as_storagev CLBN_JOIN(as_ushort, CLBN_VECTOR)
#else
#error "CLBN_TYPE is none of clbn's types"
#endif

#if CLBN_PARAMETER_TYPE == CLBN_FLOAT16 || CLBN_PARAMETER_TYPE == CLBN_BFLOAT16
typedef ushort parameter;
#else
typedef real parameter;
#endif

#if CLBN_INDEX == 32
typedef uint index_t;
#elif CLBN_INDEX == 64
typedef ulong index_t;
#else
#error "CLBN_INDEX is 32 or 64"
#endif

/*
 * INLINE: what loops call, and functions that callers specialise with constants. SPAN_INLINE: functions of a span's channels. HELPER:
 * other short ones. ROUTINE: long ones that are called in several places.
 *
 * On a GPU all are inlined: what its compilers leave as calls takes registers and a stack. A CPU runs groups for tests alone, and
 * inlines nothing there: that would lay each work-item's structs, of all functions, on one stack. Nor does a program that is compiled
 * without optimization. Where a CPU's work-item is alone, functions of a span are inlined if that is a single number, which spares
 * copies of structs; others are not, so that programs compile in less time. NOINLINE: long functions of kernels for CPUs, which would
 * be compiled for each kernel that calls them. All are static: what no kernel of the program calls is not compiled.
 */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if !CLBN_INLINE
#define INLINE static
#define SPAN_INLINE static
#define HELPER static
#define ROUTINE static
#define NOINLINE static
#elif CLBN_GROUP > 1
#define INLINE ALWAYS_INLINE
#define SPAN_INLINE ALWAYS_INLINE
#define HELPER ALWAYS_INLINE
#define ROUTINE ALWAYS_INLINE
#else
#define INLINE ALWAYS_INLINE
#if CLBN_SPAN == 1
#define SPAN_INLINE ALWAYS_INLINE
#else
#define SPAN_INLINE static
#endif
#define HELPER static
#define ROUTINE static
#define NOINLINE static __attribute__((noinline))
#endif

#define GROUP_KERNEL __kernel __attribute__((reqd_work_group_size(CLBN_GROUP, 1, 1)))

/* Vectors in private memory. */
#define vector_of(a) CLBN_JOIN(vload, CLBN_VECTOR)(0, a)
#define spread_vector(v, a) CLBN_JOIN(vstore, CLBN_VECTOR)(v, 0, a)

/* Vectors in global memory, at any element. Through a packed struct they are one access where a device can do that, and what
 * was stored in one can be loaded at once; vstore may take several. */
typedef struct __attribute__((packed)) {
    storagev v;
} unaligned_storagev;

typedef struct __attribute__((packed)) {
    realv v;
} unaligned_realv;

typedef struct __attribute__((packed)) {
    reals v;
} unaligned_reals;

#if defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define store_past_cache(v, p) __builtin_nontemporal_store(v, p)
#endif
#endif
#ifndef store_past_cache
#define store_past_cache(v, p) (*(p) = (v))
#endif

/* Nontemporal stores are written in runs of so many vectors of a row. A processor gathers them in a few buffers of a cache line each. If
 * stores alternate between rows that lie whole pages apart, it may empty a buffer before its line is full. */
#define RUN_VECTORS 8

/* Asks for what will be read soon, or written; an address beyond a buffer is allowed. */
#if CLBN_FETCH && defined(__has_builtin)
#if __has_builtin(__builtin_prefetch)
#define fetch(p) __builtin_prefetch((const void *)(size_t)(p))
#define fetch_to_write(p) __builtin_prefetch((const void *)(size_t)(p), 1)
#endif
#endif
#ifndef fetch
#define fetch(p)
#define fetch_to_write(p)
#endif
#define FETCH_DISTANCE (PAGE_SIZE / sizeof(storage))

#if CLBN_TYPE == CLBN_FLOAT16
/* vload_half and vstore_half need no extension. They are given private memory, which is aligned: not every OpenCL takes
 * less. */
INLINE realv decode(storagev v)
{
    return CLBN_JOIN(vload_half, CLBN_VECTOR)(0, (const __private half *)&v);
}

INLINE storagev encode(realv v)
{
    storagev result;
    CLBN_JOIN(CLBN_JOIN(vstore_half, CLBN_VECTOR), _rte)(v, 0, (__private half *)&result);
    return result;
}
#elif CLBN_TYPE == CLBN_BFLOAT16
typedef CLBN_JOIN(uint, CLBN_VECTOR) uintv;
#define convert_uintv CLBN_JOIN(convert_uint, CLBN_VECTOR)
#define convert_storagev CLBN_JOIN(convert_ushort, CLBN_VECTOR)
#define as_realv CLBN_JOIN(as_float, CLBN_VECTOR)
#define as_uintv CLBN_JOIN(as_uint, CLBN_VECTOR)

INLINE realv decode(storagev v)
{
    return as_realv(convert_uintv(v) << 16);
}

/* Rounding carries a NaN's lower bits into its sign. It has none if it is a bfloat16's, a coefficient's (short_nan), or made by
 * arithmetic on devices that say so; what functions like exp make of it is not known. */
#define NAN_IS_SHORT (CLBN_SHORT_NAN && CLBN_ACTIVATION <= CLBN_ACTIVATION_RELU6)

/* To the nearest, ties to even, in the upper half of each word. NaN stays NaN: where it may have lower bits, its quiet bit is set,
 * and they are cut off. */
INLINE uintv round_to_halves(realv v)
{
    const uintv bits = as_uintv(v);
    const uintv rounded = select(bits + 0x7fffu, bits + 0x8000u, (bits & 0x10000u) != 0);
    return NAN_IS_SHORT ? rounded : select(rounded, bits | 0x400000u, v != v);
}

INLINE storagev encode(realv v)
{
    return convert_storagev(round_to_halves(v) >> 16);
}
#else
INLINE realv decode(storagev v)
{
    return v;
}

INLINE storagev encode(realv v)
{
    return v;
}
#endif

/* Coefficients of channels, which may be a caller's numbers: of a NaN, one without lower bits. By integers, since compilers take
 * the choice between a NaN and another for none. */
#if CLBN_TYPE == CLBN_BFLOAT16
INLINE reals short_nan(reals a)
{
    const OF_SPAN(uint) bits = OF_SPAN(as_uint)(a);
    return OF_SPAN(as_float)((bits << 1) > 0xff000000u ? (OF_SPAN(uint))0x7fc00000u : bits);
}
#else
#define short_nan(a) (a)
#endif

/*
 * Shuffled vectors. Two bfloat16s share a word of memory, and the upper one is a float32 where it is, once the lower one is cleared. So it
 * takes few instructions to load first all lower halves, then all upper ones. A loop may work in this order if all of its tensors do, and
 * if its coefficients are the same for all elements of a vector or lie in this order, too (coefficients.cl).
 */
#if CLBN_TYPE == CLBN_BFLOAT16 && CLBN_GROUP == 1
#if CLBN_VECTOR == 16
#define HALF_VECTOR 8
#elif CLBN_VECTOR == 8
#define HALF_VECTOR 4
#else
#define HALF_VECTOR 2
#endif
#define UPPER_HALF 0xffff0000u
#define as_half_realv CLBN_JOIN(as_float, HALF_VECTOR)
#define as_half_uintv CLBN_JOIN(as_uint, HALF_VECTOR)

INLINE realv decode_shuffled(storagev v)
{
    realv result;
    result.lo = as_half_realv(as_half_uintv(v) << 16);
    result.hi = as_half_realv(as_half_uintv(v) & UPPER_HALF);
    return result;
}

INLINE storagev encode_shuffled(realv v)
{
    const uintv words = round_to_halves(v);
    return as_storagev(words.lo >> 16 | (words.hi & UPPER_HALF));
}

/* A vector to that order and back, and the place in it of an element. */
INLINE realv shuffle_vector(realv v)
{
    realv result;
    result.lo = v.even;
    result.hi = v.odd;
    return result;
}

INLINE realv unshuffle_vector(realv v)
{
    realv result;
    result.even = v.lo;
    result.odd = v.hi;
    return result;
}

INLINE index_t shuffled_place(index_t place)
{
    return place / 2 + place % 2 * HALF_VECTOR;
}
#define IS_SHUFFLED 1
#else
#define decode_shuffled decode
#define encode_shuffled encode
#define shuffle_vector(v) (v)
#define unshuffle_vector(v) (v)
#define shuffled_place(place) (place)
#define IS_SHUFFLED 0
#endif

/* A parameter; one of 16 bits is rounded to the nearest, ties to even, and NaN stays NaN. */
INLINE real load_parameter(__global const parameter *p)
{
#if CLBN_PARAMETER_TYPE == CLBN_FLOAT16
    const parameter v = *p;
    return vload_half(0, (const __private half *)&v);
#elif CLBN_PARAMETER_TYPE == CLBN_BFLOAT16
    return as_float((uint)*p << 16);
#else
    return *p;
#endif
}

INLINE void store_parameter(__global parameter *p, real v)
{
#if CLBN_PARAMETER_TYPE == CLBN_FLOAT16
    parameter result;
    vstore_half_rte(v, 0, (__private half *)&result);
    *p = result;
#elif CLBN_PARAMETER_TYPE == CLBN_BFLOAT16
    const uint bits = as_uint(v), rounded = bits + 0x7fffu + (bits >> 16 & 1);
    *p = (parameter)(((bits << 1) > 0xff000000u ? bits | 0x400000u : rounded) >> 16);
#else
    *p = v;
#endif
}

INLINE real load_element(__global const storage *p)
{
    return decode((storagev)*p).s0;
}

INLINE storagev load_words(__global const storage *p)
{
    return CLBN_ALIGNED ? *(__global const storagev *)p : ((__global const unaligned_storagev *)p)->v;
}

/* past_cache: then p must be aligned to vectors. */
INLINE void store_words(__global storage *p, storagev v, bool past_cache)
{
    if (past_cache)
        store_past_cache(v, (__global storagev *)p);
    else if (CLBN_ALIGNED)
        *(__global storagev *)p = v;
    else
        ((__global unaligned_storagev *)p)->v = v;
}

INLINE realv load_vector(__global const storage *p)
{
    return decode(load_words(p));
}

INLINE void store_vector(__global storage *p, realv v, bool past_cache)
{
    store_words(p, encode(v), past_cache);
}

/* Either in their order, or shuffled. */
INLINE realv load_in_order(__global const storage *p, bool in_order)
{
    return in_order ? load_vector(p) : decode_shuffled(load_words(p));
}

INLINE void store_in_order(__global storage *p, realv v, bool in_order, bool past_cache)
{
    /* In one place: of two alike, LLVM makes one that goes through the cache. */
    store_words(p, in_order ? encode(v) : encode_shuffled(v), past_cache);
}

/* Vectors of a vector's first elements. */
typedef CLBN_JOIN(STORAGE_NAME, 2) storage2;
typedef CLBN_JOIN(STORAGE_NAME, 4) storage4;
typedef CLBN_JOIN(STORAGE_NAME, 8) storage8;
typedef CLBN_JOIN(STORAGE_NAME, 16) storage16;

/* The sum of a vector's elements, in pairs. */
INLINE real sum_of_2(CLBN_JOIN(REAL_NAME, 2) a)
{
    return a.lo + a.hi;
}

INLINE real sum_of_4(CLBN_JOIN(REAL_NAME, 4) a)
{
    return sum_of_2(a.lo + a.hi);
}

INLINE real sum_of_8(CLBN_JOIN(REAL_NAME, 8) a)
{
    return sum_of_4(a.lo + a.hi);
}

INLINE real sum_of_16(CLBN_JOIN(REAL_NAME, 16) a)
{
    return sum_of_8(a.lo + a.hi);
}

#define sum_of_vector CLBN_JOIN(sum_of_, CLBN_VECTOR)

/* All bits of a vector's elements together. */
INLINE int or_of_2(int2 a)
{
    return a.lo | a.hi;
}

INLINE int or_of_4(int4 a)
{
    return or_of_2(a.lo | a.hi);
}

INLINE int or_of_8(int8 a)
{
    return or_of_4(a.lo | a.hi);
}

INLINE int or_of_16(int16 a)
{
    return or_of_8(a.lo | a.hi);
}

#define or_of_vector CLBN_JOIN(or_of_, CLBN_VECTOR)

/* Bit number i for element number i. */
INLINE intv bits_of_elements(void)
{
    int a[CLBN_VECTOR];
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = 1 << i;
    return vector_of(a);
}

/* The greatest power of two that is not above a > 0; 0 for 0 and subnormals, Inf for Inf and NaN. */
HELPER reals power_of_two_below(reals a)
{
    return OF_SPAN(REAL_OF_BITS)(OF_SPAN(BITS_OF_REAL)(a) & EXPONENT_BITS);
}

/* a over the power of two below its size, in [1, 2) with its sign; a is neither 0 nor subnormal. */
HELPER reals mantissa_of(reals a)
{
    return OF_SPAN(REAL_OF_BITS)((OF_SPAN(BITS_OF_REAL)(a) & ~EXPONENT_BITS) | BITS_OF_REAL((real)1));
}
