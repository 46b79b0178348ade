/* SPDX-License-Identifier: MIT */
/*
 * What the library and its kernels both know. Both include this file, the first of each program's sources: it is C99 and OpenCL C. The
 * numbers and counts that clbn.h has, too, are written as they are there, so that a C compiler complains if they differ.
 */
#ifndef CLBN_SHARED_H
#define CLBN_SHARED_H

/* Kernels have as many axes as their variant's tensors, so the library passes only so much of a struct that ends with an array. */
#ifdef __OPENCL_C_VERSION__
typedef ulong cl_ulong;
#define SHARED_AXES (CLBN_ROW_AXES + CLBN_CHANNEL_AXES)
#else
#include "clbn.h"
#define SHARED_AXES CLBN_MAX_RANK
#endif

#define CLBN_OPERATION_FORWARD   (1u << 0)
#define CLBN_OPERATION_BACKWARD  (1u << 1)
#define CLBN_OPERATION_INFERENCE (1u << 2)

#define CLBN_FLOAT32  1u
#define CLBN_FLOAT64  2u
#define CLBN_FLOAT16  3u
#define CLBN_BFLOAT16 4u

#define CLBN_ACTIVATION_NONE       0u
#define CLBN_ACTIVATION_RELU       1u
#define CLBN_ACTIVATION_LEAKY_RELU 2u
#define CLBN_ACTIVATION_RELU6      3u
#define CLBN_ACTIVATION_SILU       4u
#define CLBN_ACTIVATION_SIGMOID    5u
#define CLBN_ACTIVATION_TANH       6u
#define CLBN_ACTIVATION_ELU        7u

/* Bits of a kernel's flags. */
#define FLAG_NONTEMPORAL 1u  /* results go past the cache: nontemporal stores */
#define FLAG_BIASED      2u  /* the running variance is the biased one */
#define FLAG_FROZEN      4u  /* backward: the statistics are constants */
#define FLAG_FROM_OUTPUT 8u  /* backward: the activation's slope is had from y, in the place of z */
#define FLAG_ALONE       16u /* backward: y stands in the place of x, and xhat is had back from it */
#define FLAG_RECORDS     32u /* partial results are records of clbn.h's phases */

/* How tensors of (rows, channels, columns) are divided among single work-items (kernels/cpu). */
struct division {
    cl_ulong rows, channels, columns; /* as they are walked */
    cl_ulong folded;               /* channels last: rows of the tensors to a walked one, with a channel for each of theirs */
    cl_ulong remainder;            /* then: elements after the last walked row, fewer than it has */
    cl_ulong parts;                /* groups to a channel */
    cl_ulong chunk_rows;           /* of a chunk: what is summed before it is merged */
    cl_ulong chunk_columns;        /* likewise */
    cl_ulong band_rows;            /* channels last: rows that are walked together where sums are taken */
    cl_ulong result_rows;          /* likewise, where results are written */
    cl_ulong tile_vectors;         /* channels last: vectors of channels to a tile; a group takes some, side by side */
    cl_ulong run_channels;         /* channels first: channels to a group; more than one only in inference */
    cl_ulong tile_channels;        /* channels first, in images (images.cl): channels to a group; else 0 */
    cl_ulong row_units;            /* of a mask to a row of the tensors, of which these may be some channels */
    cl_ulong lengths[SHARED_AXES]; /* of the axes that are rows and channels (layout.cl) */
};

/* The same among work-groups: kernels/gpu/tiling.cl says how these walk them. */
struct tiling {
    cl_ulong rows;         /* walked, without the remainder */
    cl_ulong channels;     /* of the tensors */
    cl_ulong columns;      /* of a channel in a row */
    cl_ulong folded;       /* rows of the tensors to a walked one */
    cl_ulong remainder;    /* elements after the last walked row */
    cl_ulong joined;       /* 1: places follow each other without gaps; 0: each begins with a vector */
    cl_ulong pitch;        /* elements from a place to the next; where these do not follow, a whole number of vectors */
    cl_ulong vectors;      /* to a walked row */
    cl_ulong tile_vectors; /* to a tile */
    cl_ulong lines;        /* work-items that share a vector of a tile's row; with CLBN_SINGLE 1 */
    cl_ulong copies;       /* places of a tile that are the same channel: `folded` if a tile has whole rows, else 1 */
    cl_ulong slots;        /* sums of a tile, each of a place, or of all that are the same channel; at most TILE_SLOTS */
    cl_ulong spans;        /* tiles that a place reaches into, at most */
    cl_ulong parts;        /* of the rows; with CLBN_SINGLE of a channel's vectors: tiles, one behind the other */
    cl_ulong row_units;    /* of a mask to a row of the tensors, of which these may be some channels */
    cl_ulong lengths[SHARED_AXES]; /* of the axes that are rows and channels (layout.cl) */
};

/* Where a tensor's elements lie. */
struct layout {
    cl_ulong offset;    /* of the first element */
    cl_ulong alignment; /* a power of two that divides the strides of what does not lie side by side, or 0 if all are 0 */
    cl_ulong strides[SHARED_AXES];
};

/* A cache takes so many bytes from memory at a time, and processors prefetch within a page. */
#define CACHE_LINE 64
#define PAGE_SIZE  4096

/* CPUs, channels first: rows that a work-item walks together, streams of memory that are prefetched; of fewer rows, pieces of one. */
#define CPU_ROWS_TOGETHER 4

/* Sums that these rows share, each in its turn: so many that additions need not wait for one another, and so few that all sums of a walk
 * stay in a CPU's 16 registers of half a vector. */
#define CPU_SUMS_TOGETHER 2

/* Inference: channels of a run, at most. */
#define CPU_RUN_CHANNELS 32

/* Images: vectors to a piece, and channels to a tile, at most. */
#define PIECE_VECTORS  128
#define PIECE_CHANNELS 64

/* Numbers to a channel: coefficients of the forward and of the backward, partial results, sums of chunks. */
#define AFFINE_ROWS   3
#define BACKWARD_ROWS 7
#define PARTIAL_ROWS  3
#define ACCUMULATORS  3

/* Rows of a record (records.cl). */
#define CLBN_STATISTICS_ROWS 6
#define CLBN_SUMS_ROWS       8

#endif
