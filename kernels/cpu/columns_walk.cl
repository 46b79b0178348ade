/*
 * Channels last: a tensor is rows of contiguous channels. A work-item owns some vectors of channels and walks its part's rows
 * in bands of a few rows, within a band vector by vector, so that memory is read nearly in order while a vector's sums stay in
 * registers. Several bands are a chunk. What a work-item keeps of each channel between bands lies in its own slot of the
 * workspace; no two work-items share any. What the lines of a group have of a channel in the end is merged.
 *
 * Where rows are no whole number of vectors, or have few, and follow one another without gaps, several are walked as one
 * (division.cl's folded). What is left after the last of these is a row of fewer channels, the rest, which the last part's first
 * line takes.
 */
typedef struct {
    index_t row_begin, row_end;       /* of the part; whole bands but for the last */
    index_t vector_begin, vector_end; /* this work-item's vectors of channels, in steps of lanes */
    index_t full_end; /* below it, vectors have all their channels, and the tensors can be accessed in vectors */
    index_t slot;
    index_t rest;     /* elements of the rest, or 0 if it is not this work-item's to take */
    index_t rest_end; /* of the vectors that are in the rest */
} columns_share;

/* Of part number part and tile number tile. */
static columns_share share_of_group(division d, position at, bool in_vectors, ulong part, ulong tile)
{
    columns_share s;
    ulong bands = (d.rows + d.band_rows - 1) / d.band_rows;
    ulong vectors = (d.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    s.row_begin = part_begin(bands, part, d.parts) * (index_t)d.band_rows;
    s.row_end = (index_t)min((ulong)part_begin(bands, part + 1, d.parts) * d.band_rows, d.rows);
    s.vector_begin = (index_t)(tile * d.tile_vectors) + at.lane;
    s.vector_end = (index_t)min((tile + 1) * d.tile_vectors, vectors);
    s.slot = (index_t)part * at.lines + at.line;
    s.full_end = in_vectors ? (index_t)(d.channels / CLBN_VECTOR) : 0;
    s.rest = part + 1 == d.parts && at.line == 0 ? (index_t)d.rest : 0;
    s.rest_end = min((s.rest + CLBN_VECTOR - 1) / CLBN_VECTOR, s.vector_end);
    return s;
}

static columns_share share_of(division d, position at, bool in_vectors)
{
    return share_of_group(d, at, in_vectors, get_group_id(0), get_group_id(1));
}

/* The same channels in all rows. */
INLINE columns_share in_all_rows(division d, columns_share own)
{
    own.row_begin = 0;
    own.row_end = (index_t)d.rows;
    return own;
}

/* Of a kernel that walks the tensors a second time. */
columns_share second_share_of(division d, position at, bool in_vectors)
{
    return share_of_group(d, at, in_vectors, second_group(0), second_group(1));
}

/* Some rows of a vector of channels: a work-item's work between two looks at its slot. */
typedef struct {
    index_t channel;      /* the first */
    uint width;           /* channels */
    bool full;            /* all of a vector, and the tensors take vectors */
    index_t row, row_end; /* the first, and the end of them */
    index_t step;         /* from one row to the next */
    index_t channels;     /* of the tensor */
} column;

INLINE column column_of(division d, position at, columns_share own, index_t vector, index_t row_begin, index_t row_end)
{
    column c;
    c.channel = vector * CLBN_VECTOR;
    c.full = vector < own.full_end;
    c.width = c.full ? CLBN_VECTOR : (uint)min((index_t)CLBN_VECTOR, (index_t)d.channels - c.channel);
    c.row = row_begin + at.line;
    c.row_end = row_end;
    c.step = at.lines;
    c.channels = (index_t)d.channels;
    return c;
}

/* What of the rest belongs to a vector of channels. */
INLINE column rest_column(division d, columns_share own, index_t vector)
{
    column c;
    c.channel = vector * CLBN_VECTOR;
    c.full = false;
    c.width = (uint)min((index_t)CLBN_VECTOR, own.rest - c.channel);
    c.row = (index_t)d.rows;
    c.row_end = c.row + 1;
    c.step = 1;
    c.channels = (index_t)d.channels;
    return c;
}

/* The same column, in which the compiler sees that it is full. */
INLINE column full_column(column c)
{
    c.width = CLBN_VECTOR;
    c.full = true;
    return c;
}

/* Spans of a vector. */
#define SPANS (CLBN_VECTOR / CLBN_SPAN)

/* Span number i of a column's, and how many there are. */
INLINE span span_in(column c, uint i)
{
    span at;
    at.channel = c.channel + i * CLBN_SPAN;
    at.width = min((uint)CLBN_SPAN, c.width - i * CLBN_SPAN);
    at.period = 0;
    return at;
}

INLINE uint spans_in(column c)
{
    return (c.width + CLBN_SPAN - 1) / CLBN_SPAN;
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

/* Units of a mask to a row. */
INLINE index_t units_of_row(index_t channels)
{
    return (channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
}

/* Number of the column's unit of a row of a mask. */
INLINE ulong column_unit(column c, index_t row)
{
    return (ulong)row * units_of_row(c.channels) + c.channel / CLBN_VECTOR;
}

/* Row number of a table[coefficient][channel]. */
INLINE realv load_coefficients(column c, __global const real *table, ulong number)
{
    return load_reals(table + row_of_table(number, c.channels) + c.channel, c.width);
}

INLINE void store_coefficients(column c, __global real *table, ulong number, realv v)
{
    store_reals(table + row_of_table(number, c.channels) + c.channel, v, c.width);
}

/* The table of a work-item's slot, which has so many rows, in both orders. */
INLINE __global real *own_table(division d, ulong slot, ulong rows, __global uchar *coefficients, ulong offset)
{
    return (__global real *)(coefficients + offset) + row_of_table(slot * TABLES * rows, d.channels);
}

/*
 * The full vectors of some rows that lie at equal distances: nearly all there is in most calls. A block is walked in bands, with
 * few instructions to a vector, since a band may be one row. If nothing else is to be kept in order, a mask for example, vectors are
 * shuffled (common.cl), and so are their sums until the chunk's end.
 */
typedef struct {
    index_t channel, channel_end, channel_step;
    index_t row, rows, row_step; /* the first, how many, and from one to the next */
    index_t band, result_band;   /* rows, where sums are taken, and where results are written */
} block;

/* The end of a block's channels. */
INLINE index_t block_end(columns_share share)
{
    return CLBN_ROW_AXES == 1 ? min(share.full_end, share.vector_end) * CLBN_VECTOR : 0;
}

INLINE void find_block(block *b, division d, position at, columns_share share, index_t row_begin, index_t row_end)
{
    b->channel = share.vector_begin * CLBN_VECTOR;
    b->channel_end = block_end(share);
    b->channel_step = at.lanes * CLBN_VECTOR;
    b->row = row_begin + at.line;
    b->rows = steps_below(row_end, b->row, at.lines);
    b->row_step = at.lines;
    b->band = (index_t)d.band_rows / at.lines;
    b->result_band = (index_t)d.result_rows / at.lines;
}

/* The first of the work-item's vectors that is not in the block. */
INLINE index_t vector_after(block b, position at, columns_share share)
{
    return share.vector_begin + steps_below(b.channel_end, b.channel, b.channel_step) * at.lanes;
}

/* A vector of channels of a block, of no rows. */
INLINE column vector_of_block(index_t channel, index_t channels)
{
    const column c = { channel, CLBN_VECTOR, true, 0, 0, 1, channels };
    return c;
}

/* Bytes of a tensor that a core's own cache may have, from the call before. */
#define OWN_RESULTS (128 << 10)

/* Asks for the places of a tile's results while its sums are taken: its rows lie apart, so processors do not fetch them ahead. */
INLINE void fetch_results(division d, position at, columns_share own, output t, uint flags)
{
    if (!CLBN_FETCH || !t.data || (flags & FLAG_STREAM) || d.rows * d.channels <= OWN_RESULTS / sizeof(storage))
        return;
    for (index_t row = own.row_begin + at.line; row < own.row_end; row += at.lines)
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
            fetch_to_write(t.data + row_offset(d, t.at, row) + v * CLBN_VECTOR);
}

/* From a row of a block to the next, in elements. */
INLINE index_t pitch_of(block b, layout l)
{
    return b.row_step * (index_t)l.strides[0];
}

/*
 * Rows of a band are as many streams of memory. If they share a page, processors do not fetch them ahead, so that is asked for: in
 * the order of memory, a vector for each that is used. Whether that is so of a tensor:
 */
INLINE bool is_fetched(block b, index_t band, index_t pitch)
{
    return CLBN_FETCH && band > 1 && pitch == b.channel_end - b.channel && pitch < FETCH_DISTANCE;
}

/* How far ahead of a vector of a band is what will be read next: in the order of memory, or in the next band. */
INLINE index_t fetch_distance(index_t rows, index_t pitch)
{
    return rows > 1 ? max(rows * pitch, (index_t)FETCH_DISTANCE) : FETCH_DISTANCE;
}

/* Whether the results of a band of several rows are written vector by vector. Of those that go past the cache, only bands in a page
 * are; other rows are written one by one, in runs (RUN_VECTORS). */
INLINE bool is_written_together(block b, index_t pitch, bool past_cache)
{
    return !past_cache || b.result_band * pitch <= PAGE_SIZE / sizeof(storage);
}

/* A slot's sums of all chunks: [kind][vector], in wide arithmetic. They are accessed at any alignment. */
typedef struct __attribute__((packed)) {
    widev v;
} unaligned_widev;

typedef __global unaligned_widev *accumulators;

INLINE accumulators accumulators_of(__global uchar *all, division d, index_t slot)
{
    ulong vectors = (d.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    return (accumulators)all + slot * ACCUMULATORS * vectors;
}

INLINE accumulators accumulator_of(accumulators own, column c, uint kind)
{
    index_t vectors = (c.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    return own + (kind * vectors + c.channel / CLBN_VECTOR);
}

/* Adds kinds sums of a chunk, which are rows of a slot's table from one on, and sets them to 0. Below shuffled_end they are
 * shuffled. */
INLINE void accumulate_chunk(division d, position at, columns_share share, __global real *slot, uint row, uint kinds,
                             index_t shuffled_end, accumulators own)
{
    for (index_t v = share.vector_begin; v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, 0, 0);
        for (uint kind = 0; kind < kinds; kind++) {
            accumulators place = accumulator_of(own, c, kind);
            widev sum = place->v;
            const realv of_chunk = load_coefficients(c, slot, row + kind);
            add_to_widev(&sum, c.channel < shuffled_end ? unshuffle_vector(of_chunk) : of_chunk);
            store_coefficients(c, slot, row + kind, 0);
            place->v = sum;
        }
    }
}

/* Sets kinds sums to 0: of all chunks, and of the first. */
INLINE void clear_sums(division d, position at, columns_share share, __global real *slot, uint row, uint kinds, accumulators own)
{
    widev zero;
    clear_widev(&zero);
    for (index_t v = share.vector_begin; v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, 0, 0);
        for (uint kind = 0; kind < kinds; kind++) {
            accumulator_of(own, c, kind)->v = zero;
            store_coefficients(c, slot, row + kind, 0);
        }
    }
}
