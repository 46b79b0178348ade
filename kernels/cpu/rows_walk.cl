/* SPDX-License-Identifier: MIT */
/*
 * Channels first: a channel is rows of contiguous columns. Its chunks are rectangles of chunk_rows x chunk_columns, numbered in
 * the order of memory; a part of a channel is a range of chunks. A row is walked in vectors. What is left of it is one vector
 * more, which overlaps the last, where they are long enough; else single elements.
 *
 * In inference a work-item may have all of several channels, a run, row by row, and in a row channel by channel, since memory is faster the
 * longer the pieces are that it is walked in.
 */
typedef struct {
    index_t row, row_end; /* the first, and the end of them */
    index_t column;       /* the first */
    index_t columns;      /* in a row */
    index_t vectors;      /* whole ones, in a row */
    bool overlaps;        /* whether an overlapping vector takes the columns after them */
    index_t singles;      /* where single elements begin */
} chunk;

static index_t chunks_across(division d)
{
    return (index_t)((d.columns + d.chunk_columns - 1) / d.chunk_columns);
}

static index_t chunk_count(division d)
{
    return (index_t)((d.rows + d.chunk_rows - 1) / d.chunk_rows) * chunks_across(d);
}

NOINLINE void set_columns(chunk *c, index_t columns, bool in_vectors)
{
    c->columns = columns;
    c->vectors = in_vectors ? columns / CLBN_VECTOR : 0;
    c->overlaps = c->vectors > 0 && c->vectors * CLBN_VECTOR < columns;
    c->singles = c->overlaps ? columns : c->vectors * CLBN_VECTOR;
}

static chunk chunk_of(division d, index_t number, bool in_vectors)
{
    chunk c;
    index_t row = number / chunks_across(d) * (index_t)d.chunk_rows;
    c.row = row;
    c.row_end = min(row + (index_t)d.chunk_rows, (index_t)d.rows);
    c.column = number % chunks_across(d) * (index_t)d.chunk_columns;
    set_columns(&c, min((index_t)d.chunk_columns, (index_t)d.columns - c.column), in_vectors);
    return c;
}

/* All of a channel as one chunk. */
static chunk whole_chunk(division d, bool in_vectors)
{
    chunk c;
    c.row = 0;
    c.row_end = (index_t)d.rows;
    c.column = 0;
    set_columns(&c, (index_t)d.columns, in_vectors);
    return c;
}

typedef struct {
    index_t first, count;
} channel_run;

INLINE void find_run(channel_run *run, division d, index_t number)
{
    run->first = number * (index_t)d.run_channels;
    run->count = min((index_t)d.run_channels, (index_t)d.channels - run->first);
}

INLINE ulong count_of_chunk(chunk c)
{
    return (ulong)(c.row_end - c.row) * c.columns;
}

/* Of an overlapping vector: where it begins in the chunk's columns, and how many of its elements the vector before has. */
static index_t overlap_begin(chunk c)
{
    return c.columns - CLBN_VECTOR;
}

static uint overlap_width(chunk c)
{
    return (uint)(c.vectors * CLBN_VECTOR - overlap_begin(c));
}

/* Offset of a channel's row of a tensor, and its number in a mask. */
INLINE index_t start_of(division d, layout l, index_t row, index_t channel)
{
    return row_offset(d, l, row) + channel_offset(d, l, channel);
}

INLINE ulong mask_row_of(division d, index_t row, index_t channel)
{
    return row * d.row_units + channel * ((d.columns + CLBN_VECTOR - 1) / CLBN_VECTOR);
}

/* Where the rows from one on begin that are walked together; returns how many there are. */
INLINE uint find_rows(index_t starts[CPU_ROWS_TOGETHER], division d, chunk c, layout l, index_t row, index_t channel)
{
    const uint rows = (uint)min(c.row_end - row, (index_t)CPU_ROWS_TOGETHER);
    for (uint r = 0; r < rows; r++)
        starts[r] = start_of(d, l, row + r, channel) + c.column;
    return rows;
}
