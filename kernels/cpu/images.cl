/* SPDX-License-Identifier: MIT */
/*
 * Channels first, where a channel's columns are few and a work-item has a core to itself. A row of the tensor is an image: all
 * channels' columns, side by side. A work-item owns a tile of channels, whose columns are one piece of each image, and walks the
 * pieces in vectors, wherever channels begin in them. What it keeps of a channel, it keeps of each element of the piece, in
 * private memory. So memory is read and written in long pieces, and past the cache also where a channel's columns are unaligned.
 *
 * Tensors are packed: an element has the same offset in all of them.
 */

/* Images that are walked together: streams of memory, which processors fetch ahead. */
#define IMAGE_BAND 4

/* Images whose elements are added before the sums go to wide arithmetic. */
#define IMAGE_CHUNK 64

typedef struct {
    index_t channel, channels; /* the first, and how many */
    index_t columns;           /* of a channel */
    index_t begin;             /* of the piece in an image */
    index_t vectors;           /* whole ones */
    uint remainder;            /* elements after them */
    index_t pitch;             /* from image to image */
} piece;

INLINE void find_piece(piece *p, division d)
{
    p->channel = get_group_id(1) * (index_t)d.tile_channels;
    p->channels = min((index_t)d.tile_channels, (index_t)d.channels - p->channel);
    p->columns = (index_t)d.columns;
    p->begin = p->channel * p->columns;
    p->vectors = p->channels * p->columns / CLBN_VECTOR;
    p->remainder = (uint)(p->channels * p->columns % CLBN_VECTOR);
    p->pitch = (index_t)(d.channels * d.columns);
}

/* Whether whole vectors of every image's piece are aligned. */
INLINE bool is_piece_aligned(__global const storage *image, piece p)
{
    return (size_t)(image + p.begin) % sizeof(storagev) == 0 && p.pitch % CLBN_VECTOR == 0;
}

/* Vectors of a table of numbers of a piece's elements: one more, since spread_value() gives a channel whole vectors. */
#define TABLE_VECTORS (PIECE_VECTORS + 1)

/* Gives a channel's elements of a table a value, and some of the next ones: channels are given theirs in order. channel counts
 * within the tile. */
INLINE void spread_value(realv *table, piece p, index_t channel, real value)
{
    real *own = (real *)table + channel * p.columns;
    for (index_t i = 0; i < p.columns; i += CLBN_VECTOR)
        spread_vector((realv)value, own + i);
}

INLINE void clear_table(realv *table)
{
    for (uint i = 0; i < PIECE_VECTORS; i++)
        table[i] = 0;
}

/* Whole vectors of a table, to the order in which vectors are loaded where there is nothing but vectors (common.cl), and back. */
INLINE void shuffle_table(realv *table, piece p)
{
    for (index_t v = 0; IS_SHUFFLED && v < p.vectors; v++)
        table[v] = shuffle_vector(table[v]);
}

INLINE void unshuffle_table(realv *table, piece p)
{
    for (index_t v = 0; IS_SHUFFLED && v < p.vectors; v++)
        table[v] = unshuffle_vector(table[v]);
}

/* The sum of a channel's elements of a table. */
INLINE real sum_of_channel(const realv *table, piece p, index_t channel)
{
    const real *own = (const real *)table + channel * p.columns;
    const index_t whole = p.columns / CLBN_VECTOR * CLBN_VECTOR;
    realv sum_v = 0;
    real sum = 0;
    for (index_t i = 0; i < whole; i += CLBN_VECTOR)
        sum_v += CLBN_JOIN(vload, CLBN_VECTOR)(0, own + i);
    for (index_t i = whole; i < p.columns; i++)
        sum += own[i];
    return sum + sum_of_vector(sum_v);
}

/*
 * Bits of a mask, of the images of a band: [image][vector]. In memory each channel of an image begins with a unit of its own.
 */
typedef struct {
    uint of[IMAGE_BAND][PIECE_VECTORS + 1];
} band_bits;

#define UNIT_BITS(count) ((1u << (count)) - 1)

/* Where a channel's units are in a mask; channel counts within the tile. */
INLINE ulong first_unit(division d, piece p, index_t image, index_t channel)
{
    return mask_row_of(d, image, p.channel + channel);
}

/* Into the mask of images from the first on. */
NOINLINE void store_band_bits(division d, piece p, __global uchar *mask, index_t first, index_t images, const band_bits *bits)
{
    for (index_t i = 0; i < images; i++)
        for (index_t channel = 0; channel < p.channels; channel++) {
            ulong unit = first_unit(d, p, first + i, channel);
            for (index_t column = 0; column < p.columns; column += CLBN_VECTOR, unit++) {
                const index_t at = channel * p.columns + column;
                const uint *own = &bits->of[i][at / CLBN_VECTOR];
                const uint skipped = (uint)(at % CLBN_VECTOR);
                const uint both = own[0] >> skipped | own[1] << (CLBN_VECTOR - skipped);
                store_mask_unit(mask, unit, both & UNIT_BITS(min(p.columns - column, (index_t)CLBN_VECTOR)));
            }
        }
}

/* From the mask; nothing if it is NULL. */
NOINLINE void load_band_bits(band_bits *bits, division d, piece p, __global const uchar *mask, index_t first, index_t images)
{
    for (index_t i = 0; i < images && mask; i++) {
        for (index_t v = 0; v <= p.vectors + 1 && v <= PIECE_VECTORS; v++)
            bits->of[i][v] = 0;
        for (index_t channel = 0; channel < p.channels; channel++) {
            ulong unit = first_unit(d, p, first + i, channel);
            for (index_t column = 0; column < p.columns; column += CLBN_VECTOR, unit++) {
                const index_t at = channel * p.columns + column;
                uint *own = &bits->of[i][at / CLBN_VECTOR];
                const uint both = (load_mask_unit(mask, unit) & UNIT_BITS(min(p.columns - column, (index_t)CLBN_VECTOR)))
                                  << (uint)(at % CLBN_VECTOR);
                own[0] |= both & UNIT_BITS(CLBN_VECTOR);
                own[1] |= both >> CLBN_VECTOR;
            }
        }
    }
}
