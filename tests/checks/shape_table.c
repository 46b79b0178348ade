/* SPDX-License-Identifier: MIT */
#include "shape_table.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const size_t batches[] = { 1, 2, 3, 60, 256 };
static const size_t features[] = { 1, 10, 100, 784 };

static const struct shape shapes[] = {
    /* channels first: fewer columns than a vector, a vector, one more, several and a tail */
    { 4, 1, { 2, 5, 1, 1 } },
    { 4, 1, { 2, 5, 1, 2 } },
    { 4, 1, { 3, 1, 5, 3 } },
    { 4, 1, { 2, 5, 4, 4 } },
    { 4, 1, { 2, 5, 1, 17 } },
    { 4, 1, { 1, 35, 7, 7 } },
    { 4, 1, { 1, 7, 13, 11 } },
    { 4, 1, { 3, 17, 31, 1 } },
    { 3, 1, { 4, 6, 64 } },
    { 3, 1, { 4, 6, 65 } },
    { 3, 1, { 3, 2, 1021 } },
    { 3, 1, { 5, 2, 4096 } },
    { 3, 1, { 1009, 3, 5 } },
    { 5, 1, { 2, 3, 4, 5, 6 } },
    { 4, 1, { 32, 3, 17, 19 } },
    /* few columns in many rows: images, with and without elements after the last vector, in one chunk and several */
    { 4, 1, { 9, 35, 7, 7 } },
    { 3, 1, { 70, 33, 17 } },
    { 3, 1, { 130, 40, 2 } },
    { 4, 1, { 8, 6, 15, 17 } },
    { 4, 1, { 16, 64, 4, 4 } },
    /* one value, one channel, one long channel */
    { 2, 0, { 5, 77 } },
    { 2, 0, { 1, 9001 } },
    { 3, 1, { 1, 2, 65537 } },
    { 3, 1, { 1, 3, 16384 } }, /* cut into rows */
    { 3, 1, { 7, 3, 8009 } },
    /* on chip in half vectors, of 4 bytes and of 2, and on the shelf, backward and forward */
    { 4, 1, { 130, 3, 2, 7 } },
    { 4, 1, { 200, 3, 2, 6 } },
    { 3, 1, { 32, 2, 784 } },
    { 3, 1, { 6, 3, 8009 } },
    { 4, 1, { 2, 64, 56, 56 } },
    /* channels last */
    { 4, 3, { 2, 7, 7, 35 } },
    { 4, 3, { 1, 13, 11, 7 } },
    { 4, 3, { 2, 4, 4, 16 } },
    { 4, 3, { 2, 3, 5, 17 } },
    { 3, 2, { 3, 97, 64 } },
    { 3, 2, { 3, 97, 65 } },
    { 5, 4, { 2, 3, 4, 5, 6 } },
    { 4, 3, { 32, 17, 19, 3 } },
    /* several rows walked as one, with elements left after the last */
    { 2, 1, { 70001, 3 } },
    { 2, 1, { 1007, 24 } },
    { 2, 1, { 3001, 1 } },
    { 4, 3, { 2, 56, 56, 64 } },
    /* so many channels that, divided, a kernel merges them between the walks */
    { 2, 1, { 9, 1600 } },
    /* each position a channel */
    { 4, EACH_POSITION, { 5, 3, 4, 7 } },
    { 2, EACH_POSITION, { 60, 17 } },
    { 3, EACH_POSITION, { 300, 1, 5 } },
    { 1, EACH_POSITION, { 9 } },
};

size_t shape_table_length(void)
{
    return COUNT_OF(batches) * COUNT_OF(features) + COUNT_OF(shapes);
}

struct shape shape_table_row(size_t row)
{
    size_t matrices = COUNT_OF(batches) * COUNT_OF(features);
    if (row >= matrices)
        return shapes[row - matrices];
    struct shape matrix = { 2, 1, { batches[row / COUNT_OF(features)], features[row % COUNT_OF(features)] } };
    return matrix;
}

/* 1 + 2 + ... + SHAPE_MAX_RANK */
size_t rank_table_length(void)
{
    return SHAPE_MAX_RANK * (SHAPE_MAX_RANK + 1) / 2;
}

struct shape rank_table_row(size_t row)
{
    struct shape shape = { 1, 0, { 3, 2, 5, 2, 1, 3, 2, 2 } };
    while (row >= shape.rank)
        row -= shape.rank++;
    shape.channel_axis = (unsigned)row;
    return shape;
}

const struct shape subset_shapes[SUBSET_SHAPES] = { { 3, 1, { 5, 3, 35 } }, { 2, 1, { 175, 19 } }, { 3, 1, { 9, 20, 7 } } };
