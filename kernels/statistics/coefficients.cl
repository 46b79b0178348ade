/* SPDX-License-Identifier: MIT */
/*
 * What the normalisation and dx need of each channel, in tables in the workspace: table[coefficient][channel], so that channels
 * last loads vectors of channels. What is loaded goes to a pointer: inlining small functions that return a struct makes LLVM
 * emit an intrinsic that Oclgrind does not know.
 */

/* Rows of the forward's table. */
#define AFFINE_MEAN  0
#define AFFINE_SCALE 1
#define AFFINE_SHIFT 2

/* Rows of the backward's table. */
#define XHAT_SCALE   0
#define XHAT_SHIFT   1
#define INPUT_GAIN   2
#define INPUT_SLOPE  3
#define INPUT_SHIFT  4
#define OUTPUT_GAMMA 5
#define OUTPUT_BETA  6

/* Channels last, a table is followed by another one if vectors may be shuffled (common.cl): the same numbers, but for what is left
 * after whole vectors, in that order. */
#define HAS_SHUFFLED (IS_SHUFFLED && CLBN_SPAN > 1)
#define TABLES       (HAS_SHUFFLED ? 2 : 1)

/* Where a table's row begins. Rows are whole vectors apart, so that none of the tiles of a row shares a vector with the next row's. */
INLINE ulong row_of_table(ulong number, ulong channels)
{
    return number * ((channels + CLBN_VECTOR - 1) / CLBN_VECTOR * CLBN_VECTOR);
}

/* Where the table in an order begins that has so many rows. */
INLINE __global const real *table_in_order(__global const real *table, ulong rows, ulong channels, bool in_order)
{
    return HAS_SHUFFLED && !in_order ? table + row_of_table(rows, channels) : table;
}

/* Row number of a table, in both orders. */
HELPER void store_row(__global real *table, ulong rows, ulong number, ulong channels, span at, reals v)
{
    const real *a = (const real *)&v;
    store_span(table + row_of_table(number, channels), at, v);
#pragma unroll 1
    for (uint i = 0; HAS_SHUFFLED && i < at.width; i++) {
        const index_t place = (at.channel + i) % CLBN_VECTOR, first = at.channel + i - place;
        if (first + CLBN_VECTOR <= channels)
            table[row_of_table(rows + number, channels) + first + shuffled_place(place)] = a[i];
    }
}

HELPER void load_affine(affine *a, __global const real *table, ulong channels, span at)
{
    a->mean = load_span(table + row_of_table(AFFINE_MEAN, channels), at);
    a->scale = load_span(table + row_of_table(AFFINE_SCALE, channels), at);
    a->shift = load_span(table + row_of_table(AFFINE_SHIFT, channels), at);
}

ROUTINE void store_affine(__global real *table, ulong channels, span at, affine a)
{
    store_row(table, AFFINE_ROWS, AFFINE_MEAN, channels, at, a.mean);
    store_row(table, AFFINE_ROWS, AFFINE_SCALE, channels, at, a.scale);
    store_row(table, AFFINE_ROWS, AFFINE_SHIFT, channels, at, a.shift);
}

HELPER void load_normalizer(normalizer *n, __global const real *table, ulong channels, span at)
{
    n->scale = load_span(table + row_of_table(XHAT_SCALE, channels), at);
    n->shift = load_span(table + row_of_table(XHAT_SHIFT, channels), at);
    n->gamma = load_span(table + row_of_table(OUTPUT_GAMMA, channels), at);
    n->beta = load_span(table + row_of_table(OUTPUT_BETA, channels), at);
}

ROUTINE void store_normalizer(__global real *table, ulong channels, span at, normalizer n)
{
    store_row(table, BACKWARD_ROWS, XHAT_SCALE, channels, at, n.scale);
    store_row(table, BACKWARD_ROWS, XHAT_SHIFT, channels, at, n.shift);
    store_row(table, BACKWARD_ROWS, OUTPUT_GAMMA, channels, at, n.gamma);
    store_row(table, BACKWARD_ROWS, OUTPUT_BETA, channels, at, n.beta);
}

HELPER void load_gradient(gradient *g, __global const real *table, ulong channels, span at)
{
    g->gain = load_span(table + row_of_table(INPUT_GAIN, channels), at);
    g->slope = load_span(table + row_of_table(INPUT_SLOPE, channels), at);
    g->shift = load_span(table + row_of_table(INPUT_SHIFT, channels), at);
}

ROUTINE void store_gradient(__global real *table, ulong channels, span at, gradient g)
{
    store_row(table, BACKWARD_ROWS, INPUT_GAIN, channels, at, g.gain);
    store_row(table, BACKWARD_ROWS, INPUT_SLOPE, channels, at, g.slope);
    store_row(table, BACKWARD_ROWS, INPUT_SHIFT, channels, at, g.shift);
}
