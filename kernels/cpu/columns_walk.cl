/* SPDX-License-Identifier: MIT */
/*
 * Channels last: a tensor is rows of contiguous channels. A work-item has a tile, some vectors of channels, and walks its part's rows
 * in bands of a few rows, within a band vector by vector, so that memory is read nearly in order while a vector's sums stay in
 * registers. Several bands are a chunk. What a work-item keeps of each channel between bands lies in its own slot of the
 * workspace.
 *
 * Where rows are no whole number of vectors, or have few, and follow one another without gaps, several are walked as one
 * (folded, in shared.h). What is left after the last of these is a row of fewer channels, the remainder, which the last part takes.
 */
typedef struct {
    index_t row_begin, row_end; /* of the part; whole bands but for the last */
    index_t begin, end;         /* of the tile: vectors of channels */
    index_t full_end;           /* below it, vectors have all their channels, and the tensors can be accessed in vectors */
    index_t remainder;          /* elements of the remainder, or 0 if it is not this part's to take */
    index_t remainder_end;      /* of the vectors that are in the remainder */
} columns_share;

INLINE index_t vectors_of_row(division d)
{
    return (index_t)((d.channels + CLBN_VECTOR - 1) / CLBN_VECTOR);
}

/* Of those that a group takes one after another, side by side so that it walks on through memory. */
INLINE index_t first_tile(division d, size_t group)
{
    return part_begin((vectors_of_row(d) + d.tile_vectors - 1) / d.tile_vectors, group, get_num_groups(1));
}

static columns_share share_of(division d, bool in_vectors, index_t part, index_t tile)
{
    columns_share s;
    const ulong bands = (d.rows + d.band_rows - 1) / d.band_rows;
    s.row_begin = part_begin(bands, part, d.parts) * (index_t)d.band_rows;
    s.row_end = (index_t)min((ulong)part_begin(bands, part + 1, d.parts) * d.band_rows, d.rows);
    s.begin = tile * (index_t)d.tile_vectors;
    s.end = min(s.begin + (index_t)d.tile_vectors, vectors_of_row(d));
    s.full_end = in_vectors ? (index_t)(d.channels / CLBN_VECTOR) : 0;
    s.remainder = part + 1 == d.parts ? (index_t)d.remainder : 0;
    s.remainder_end = min((s.remainder + CLBN_VECTOR - 1) / CLBN_VECTOR, s.end);
    return s;
}

/* The same channels in all rows. */
INLINE columns_share in_all_rows(division d, columns_share own)
{
    own.row_begin = 0;
    own.row_end = (index_t)d.rows;
    return own;
}

/* Of a kernel that walks the tensors a second time. */
INLINE columns_share second_share_of(division d, bool in_vectors)
{
    return share_of(d, in_vectors, second_group(0), second_group(1));
}

/* Some rows of a vector of channels: a work-item's work between two looks at its slot. */
typedef struct {
    index_t channel;      /* the first */
    uint width;           /* channels */
    bool full;            /* all of a vector, and the tensors take vectors */
    index_t row, row_end; /* the first, and the end of them */
} column;

INLINE column column_of(division d, columns_share own, index_t vector, index_t row_begin, index_t row_end)
{
    column c;
    c.channel = vector * CLBN_VECTOR;
    c.full = vector < own.full_end;
    c.width = c.full ? CLBN_VECTOR : (uint)min((index_t)CLBN_VECTOR, (index_t)d.channels - c.channel);
    c.row = row_begin;
    c.row_end = row_end;
    return c;
}

/* What of the remainder belongs to a vector of channels, which may be nothing. */
INLINE column remainder_column(division d, columns_share own, index_t vector)
{
    column c;
    c.channel = vector * CLBN_VECTOR;
    c.full = false;
    c.width = (uint)(min(c.channel + CLBN_VECTOR, max(own.remainder, c.channel)) - c.channel);
    c.row = (index_t)d.rows;
    c.row_end = c.row + 1;
    return c;
}

/* The same column, in which the compiler sees that it is full. */
INLINE column full_column(column c)
{
    c.width = CLBN_VECTOR;
    c.full = true;
    return c;
}

/* All of a vector of channels, of no rows. */
INLINE column full_vector(index_t channel)
{
    const column c = { channel, CLBN_VECTOR, true, 0, 0 };
    return c;
}

/* A column's channels. */
INLINE span span_of_column(column c)
{
    const span at = { c.channel, c.width, 0 };
    return at;
}

/* Where the tensors' channels are that these channels of a walked row are. */
INLINE span unfolded_span(division d, span at)
{
    if (d.folded > 1) {
        at.period = (index_t)(d.channels / d.folded);
        at.channel %= at.period;
        if (at.channel + at.width <= at.period)
            at.period = 0;
    }
    return at;
}

/* A row's element of the column's first channel. */
INLINE index_t column_offset(division d, column c, layout l, index_t row)
{
    return row_offset(d, l, row) + c.channel;
}

INLINE realv load_column(division d, column c, input t, index_t row)
{
    return load_either(t.data + column_offset(d, c, t.at, row), true, c.full, c.width);
}

INLINE void store_column(division d, column c, output t, index_t row, realv v, bool past_cache)
{
    store_either(t.data + column_offset(d, c, t.at, row), v, true, c.full, c.width, past_cache);
}

/* Number of the column's unit of a row of a mask. */
INLINE ulong column_unit(division d, column c, index_t row)
{
    return row * d.row_units + c.channel / CLBN_VECTOR;
}

/* ---- What a work-item keeps --------------------------------------------------------------------------------------------------- */

/* A number that merges compute with, of each channel of a vector; accessed at any alignment. */
typedef struct __attribute__((packed)) {
    wide v;
} accumulator;

/* Of the channels of a tile: a table of coefficients (coefficients.cl), and sums of all chunks, [kind][vector]. */
typedef struct {
    __global real *table;
    __global accumulator *sums;
    index_t first;    /* channel */
    index_t channels; /* whole vectors */
} slot;

/* The work-item's own, for one tile after another; accumulated may be NULL. rows: of the table. */
INLINE slot slot_of(division d, index_t tile, ulong rows, __global uchar *coefficients, __global uchar *accumulated)
{
    const ulong number = get_group_id(0) * get_num_groups(1) + get_group_id(1);
    slot s;
    s.channels = (index_t)d.tile_vectors * CLBN_VECTOR;
    s.first = tile * s.channels;
    s.table = (__global real *)coefficients + number * TABLES * rows * s.channels;
    s.sums = (__global accumulator *)accumulated + number * ACCUMULATORS * d.tile_vectors;
    return s;
}

/* A table of all channels, which a kernel before this one has filled. */
INLINE slot slot_of_all(division d, __global uchar *coefficients)
{
    const slot s = { (__global real *)coefficients, 0, 0, vectors_of_row(d) * CLBN_VECTOR };
    return s;
}

/* The same slot, whose table is the one in an order (coefficients.cl). */
INLINE slot slot_in_order(slot s, ulong rows, bool in_order)
{
    s.table += HAS_SHUFFLED && !in_order ? rows * s.channels : 0;
    return s;
}

/* A column's channels in the slot's table. */
INLINE span place_in_slot(slot s, column c)
{
    const span at = { c.channel - s.first, c.width, 0 };
    return at;
}

/* Row number of the table. */
INLINE realv load_coefficients(slot s, column c, uint number)
{
    return load_reals(s.table + number * s.channels + c.channel - s.first, c.width);
}

INLINE void store_coefficients(slot s, column c, uint number, realv v)
{
    store_reals(s.table + number * s.channels + c.channel - s.first, v, c.width);
}

INLINE __global accumulator *accumulator_of(slot s, column c, uint kind)
{
    return s.sums + (kind * s.channels + c.channel - s.first) / CLBN_VECTOR;
}

/* Sets kinds sums to 0: of all chunks, and, rows of the table from one on, of the first chunk. */
INLINE void clear_sums(division d, columns_share share, slot s, uint row, uint kinds)
{
    for (index_t v = share.begin; v < share.end; v++) {
        const column c = column_of(d, share, v, 0, 0);
        for (uint kind = 0; kind < kinds; kind++) {
            accumulator_of(s, c, kind)->v = wide_of((reals)0);
            store_coefficients(s, c, row + kind, 0);
        }
    }
}

/* Adds kinds sums of a chunk, which are rows of the table from one on, and sets them to 0. Those of channels below shuffled_end are
 * shuffled. */
INLINE void accumulate_chunk(division d, columns_share share, slot s, uint row, uint kinds, index_t shuffled_end)
{
    for (index_t v = share.begin; v < share.end; v++) {
        const column c = column_of(d, share, v, 0, 0);
        for (uint kind = 0; kind < kinds; kind++) {
            const realv of_chunk = load_coefficients(s, c, row + kind);
            __global accumulator *sum = accumulator_of(s, c, kind);
            sum->v = wide_add_element(sum->v, c.channel < shuffled_end ? unshuffle_vector(of_chunk) : of_chunk);
            store_coefficients(s, c, row + kind, 0);
        }
    }
}

/* ---- Blocks ------------------------------------------------------------------------------------------------------------------- */

/*
 * The full vectors of some rows that lie at equal distances: nearly all there is in most calls. A block is walked in bands, with
 * few instructions to a vector, since a band may be one row. If nothing else is to be kept in order, a mask for example, vectors are
 * shuffled (common.cl), and so are their sums until the chunk's end.
 */
typedef struct {
    index_t channel, channel_end;
    index_t row, rows;
    index_t band, result_band; /* rows, where sums are taken, and where results are written */
} block;

/* The end of a block's channels. */
INLINE index_t block_end(columns_share share)
{
    return CLBN_ROW_AXES == 1 ? min(share.full_end, share.end) * CLBN_VECTOR : 0;
}

INLINE void find_block(block *b, division d, columns_share share, index_t row_begin, index_t row_end)
{
    b->channel = share.begin * CLBN_VECTOR;
    b->channel_end = block_end(share);
    b->row = row_begin;
    b->rows = row_end - row_begin;
    b->band = (index_t)d.band_rows;
    b->result_band = (index_t)d.result_rows;
}

/* The first of the tile's vectors that is not in the block. */
INLINE index_t vector_after(block b)
{
    return max(b.channel, b.channel_end) / CLBN_VECTOR;
}

/* Bytes of a tensor that a core's own cache may have, from the call before. */
#define OWN_RESULTS (128 << 10)

/* Asks for the places of a tile's results while its sums are taken: its rows lie apart, so processors do not fetch them ahead. */
INLINE void fetch_results(division d, columns_share own, output t, uint flags)
{
    if (!CLBN_FETCH || !t.data || (flags & FLAG_NONTEMPORAL) || d.rows * d.channels <= OWN_RESULTS / sizeof(storage))
        return;
    for (index_t row = own.row_begin; row < own.row_end; row++)
        for (index_t v = own.begin; v < own.end; v++)
            fetch_to_write(t.data + row_offset(d, t.at, row) + v * CLBN_VECTOR);
}

/* A tensor of a block: the first of some rows, and from one to the next, in elements. is_there is a constant where a loop is compiled for
 * few tensors. */
typedef struct {
    __global storage *row;
    index_t pitch;
    bool is_there;
} rows_of_tensor;

INLINE rows_of_tensor find_rows_of(division d, block b, __global const storage *data, layout l, bool is_there)
{
    const rows_of_tensor r = { is_there ? (__global storage *)data + row_offset(d, l, b.row) : 0, (index_t)l.strides[0],
                               is_there };
    return r;
}

/* What a forward or a backward reads and writes: other is z, or y in its place; out is y, or dx. */
typedef struct {
    rows_of_tensor x, dy, other, out, dz;
    __global uchar *mask;
    index_t mask_pitch; /* bytes */
    bool has_mask;
} block_rows;

INLINE void skip_rows_of(rows_of_tensor *r, index_t rows)
{
    if (r->is_there)
        r->row += rows * r->pitch;
}

INLINE void skip_rows(block_rows *own, index_t rows)
{
    skip_rows_of(&own->x, rows);
    skip_rows_of(&own->dy, rows);
    skip_rows_of(&own->other, rows);
    skip_rows_of(&own->out, rows);
    skip_rows_of(&own->dz, rows);
    if (own->has_mask)
        own->mask += rows * own->mask_pitch;
}

/* How far ahead of a vector of a band is what will be read next: in the order of memory, or in the next band. */
INLINE index_t fetch_distance(index_t rows, index_t pitch)
{
    return rows > 1 ? max(rows * pitch, (index_t)FETCH_DISTANCE) : FETCH_DISTANCE;
}

/* Asks for what will be read of a tensor in the next band, or soon. */
INLINE void fetch_rows(rows_of_tensor at, index_t channel, index_t band)
{
    if (at.is_there)
        fetch(at.row + channel + fetch_distance(band, at.pitch));
}

/*
 * Rows of a band are as many streams of memory. If they share a page, processors do not fetch them ahead, so that is asked for: in
 * the order of memory, a vector for each that is used. Whether that is so of a tensor:
 */
INLINE bool is_fetched(block b, index_t band, index_t pitch)
{
    return CLBN_FETCH && band > 1 && pitch == b.channel_end - b.channel && pitch < FETCH_DISTANCE;
}

/*
 * How results are written: bands of rows, in runs of channels, and of a run some rows at once, vector by vector. Results that go past the
 * cache are written row by row, in runs (RUN_VECTORS), unless a band is within a page.
 */
typedef struct {
    index_t run;     /* channels */
    index_t at_once; /* rows: 1, or all of a band */
} writing;

INLINE writing choose_writing(block b, index_t pitch, bool past_cache)
{
    const bool in_runs = past_cache && b.result_band > 1 && b.result_band * pitch > PAGE_SIZE / sizeof(storage);
    const writing w = { in_runs ? RUN_VECTORS * CLBN_VECTOR : b.channel_end - b.channel, in_runs ? 1 : b.result_band };
    return w;
}
