/* SPDX-License-Identifier: MIT */
/*
 * Where a tensor's elements lie. All tensors of a plan are rows x channels x columns. Columns lie side by side, or there is
 * one; in channels-last programs channels do, and there is one column. Rows, and channels, may be several axes, where strides
 * leave them in pieces; the last axis of each runs fastest.
 */
typedef struct layout layout;

/* A tensor: data is its first element, or NULL if it is absent. */
typedef struct {
    __global const storage *data;
    layout at;
} input;

typedef struct {
    __global storage *data;
    layout at;
} output;

/* Offset of an index into the axes begin to end. */
INLINE index_t axes_offset(division d, layout l, index_t index, uint begin, uint end)
{
    index_t offset = 0;
    for (uint axis = end - 1; axis > begin; axis--) {
        index_t length = (index_t)d.lengths[axis];
        offset += index % length * (index_t)l.strides[axis];
        index /= length;
    }
    return offset + index * (index_t)l.strides[begin];
}

INLINE index_t row_offset(division d, layout l, index_t row)
{
    return axes_offset(d, l, row, 0, CLBN_ROW_AXES);
}

INLINE index_t channel_offset(division d, layout l, index_t channel)
{
    return axes_offset(d, l, channel, CLBN_ROW_AXES, CLBN_ROW_AXES + CLBN_CHANNEL_AXES);
}

/* Whether vectors from the start of any row are aligned; true of an absent tensor. */
HELPER bool is_aligned(__global const storage *data, layout l)
{
    return (size_t)data % sizeof(storagev) == 0 && l.alignment % CLBN_VECTOR == 0;
}

/* Whether load_vector and store_vector may be used there. */
HELPER bool takes_vectors(__global const storage *data, layout l)
{
    return !CLBN_ALIGNED || is_aligned(data, l);
}

/* What the normalisation reads and writes. z and mask may be absent. */
typedef struct {
    input x, z;
    output y;
    __global uchar *mask;
    real alpha; /* of the activation */
    uint flags;
} forward_tensors;

/* Whether two tensors' rows and channels lie alike. */
HELPER bool is_alike(layout a, layout b)
{
    for (uint axis = 0; axis < CLBN_ROW_AXES + CLBN_CHANNEL_AXES; axis++)
        if (a.strides[axis] != b.strides[axis])
            return false;
    return true;
}

/*
 * What most calls have is plain: x to y and no more, or x and dy to dx. Loops over it are compiled apart, from the same text:
 * they are called with tensors that make_plain has set to constants where they are those already.
 */
HELPER bool is_plain_forward(forward_tensors t)
{
    return !t.z.data && !t.mask && is_alike(t.x.at, t.y.at);
}

INLINE void make_plain_forward(forward_tensors *t)
{
    t->z.data = 0;
    t->mask = 0;
    t->y.at = t->x.at;
}

HELPER bool forward_takes_vectors(forward_tensors t)
{
    return takes_vectors(t.x.data, t.x.at) && takes_vectors(t.z.data, t.z.at) && takes_vectors(t.y.data, t.y.at);
}
