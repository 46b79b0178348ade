/* SPDX-License-Identifier: MIT */
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
 * walked as one that is; what is left after the last of these is the remainder. A place is a channel in a walked row; places p,
 * p + channels, p + 2 channels, ... are the same channel. Elsewhere each channel begins with a vector of its own, whose last one may
 * be wider than the channel.
 *
 * Vectors are accessed as such where all tensors of a call are aligned to them, and element by element elsewhere.
 */
typedef struct tiling division;
