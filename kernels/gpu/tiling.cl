/*
 * How work-groups walk tensors. A tensor is rows of vectors of 16 bytes; a tile is some rows of some vectors side by side, and a
 * work-group has one. Two kinds of program do that:
 *
 * CLBN_SINGLE 1: channels first, a channel's columns are whole vectors. A tile has one channel. Its vectors, row after row, are dealt
 * to the work-items in turn, so that all are busy whatever the number of columns.
 *
 * CLBN_SINGLE 0: all else. A work-item keeps its place in the rows: lane of tile_vectors side by side, line of lines one behind the
 * other. So each element of its vectors has one channel throughout, and sums and coefficients are vectors, whether channels lie side
 * by side (channels last) or a vector spans the end of one and the begin of the next (7x7 columns).
 *
 * Where tensors have no gaps, a row is walked as the memory that it is, and if it is no whole number of vectors, `folded` rows are
 * walked as one that is; what is left after the last of these is the rest. A place is a channel in a walked row; places p,
 * p + channels, p + 2 channels, ... are the same channel. Elsewhere each channel begins with a vector of its own, whose last one may
 * be wider than the channel.
 *
 * Vectors are accessed as such where all tensors of a call are aligned to them, and element by element elsewhere.
 *
 * The host's struct tiling (host/schedule/tiling.h) has the same members.
 */
typedef struct {
    ulong rows;         /* walked, without the rest */
    ulong channels;     /* of the tensors */
    ulong columns;      /* of a channel in a row */
    ulong folded;       /* rows of the tensors to a walked one */
    ulong rest;         /* elements after the last walked row */
    ulong joined;       /* 1: places follow each other without gaps; 0: each begins with a vector */
    ulong pitch;        /* elements from a place to the next; where these do not follow, a whole number of vectors */
    ulong vectors;      /* to a walked row */
    ulong tile_vectors; /* to a tile */
    ulong lines;        /* work-items that share a vector of a tile's row; with CLBN_SINGLE 1 */
    ulong copies;       /* places of a tile that are the same channel: `folded` if a tile has whole rows, else 1 */
    ulong slots;        /* sums of a tile, each of a place, or of all that are the same channel; at most TILE_SLOTS */
    ulong spans;        /* tiles that a place reaches into, at most */
    ulong parts;        /* of the rows; with CLBN_SINGLE of a channel's vectors: tiles, one behind the other */
    ulong lengths[CLBN_ROW_AXES + CLBN_CHANNEL_AXES]; /* of the axes that are rows and channels (layout.cl) */
} division;
