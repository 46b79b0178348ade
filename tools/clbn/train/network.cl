/* SPDX-License-Identifier: MIT */
/*
 * A fully connected classifier: its forward pass, its gradients and their steps. The batch-norm layers are not here.
 *
 * Matrices are row-major and packed. Every buffer has VECTOR elements more than its matrix, so that a vector that
 * starts in a matrix may reach past its end; what it finds there is computed with, and not stored where it matters.
 *
 * Constants that the host sets:
 *   VECTOR  floats to a vector: 16 on a CPU, 4 elsewhere
 *   ROWS    rows of a matrix product to a work-item
 */
/* Wide vectors are passed within this program only: what clang warns of others, on CPUs without as wide ones, would fill a screen. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi"
#endif

#if !defined(VECTOR) || !defined(ROWS)
#error "a constant is missing"
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef JOIN(float, VECTOR) floatv;

#define loadv(p) JOIN(vload, VECTOR)(0, p)
#define storev(v, p) JOIN(vstore, VECTOR)(v, 0, p)
#define load_bytes(p) JOIN(convert_float, VECTOR)(JOIN(vload, VECTOR)(0, p))

/* The index of sample i of a batch. order may be NULL: the samples as they come. */
size_t sample_index(__global const uint *order, uint first, uint i)
{
    return order ? order[first + i] : first + i;
}

/* x[i] = images[sample i] / 255 for images of width pixels. A work-item to a vector of an image. */
__kernel void gather(__global const uchar *images, __global const uint *order, uint first, uint rows, uint width,
                     __global float *x)
{
    uint vectors = (width + VECTOR - 1) / VECTOR;
    uint i = (uint)get_global_id(0) / vectors;
    uint j = (uint)get_global_id(0) % vectors * VECTOR;
    if (i >= rows)
        return;

    __global const uchar *image = images + sample_index(order, first, i) * width;
    if (width - j >= VECTOR) {
        storev(load_bytes(image + j) / 255.0f, x + i * width + j);
    } else {
        for (; j < width; j++)
            x[i * width + j] = (float)image[j] / 255.0f;
    }
}

/*
 * c = start + scale * a b for a (rows, inner), b (inner, columns) and c (rows, columns).
 *
 * a[i][k] lies at i * a_row + k * a_inner, so that a may be a transpose. start[i][j] lies at i * start_row + j: with 0
 * it is one row, a bias; with columns it may be c itself. start may be NULL. A work-item to a tile of ROWS x VECTOR.
 */
__kernel void multiply(__global const float *a, uint a_row, uint a_inner, __global const float *b,
                       __global const float *start, uint start_row, float scale, uint rows, uint inner, uint columns,
                       __global float *c)
{
    uint tiles = (columns + VECTOR - 1) / VECTOR;
    uint i = (uint)get_global_id(0) / tiles * ROWS;
    uint j = (uint)get_global_id(0) % tiles * VECTOR;
    if (i >= rows)
        return;

    floatv sums[ROWS];
    __global const float *a_rows[ROWS];
    for (uint r = 0; r < ROWS; r++) {
        sums[r] = (floatv)(0.0f);
        a_rows[r] = a + min(i + r, rows - 1) * a_row;
    }
    for (uint k = 0; k < inner; k++) {
        floatv b_row = loadv(b + k * columns + j);
        for (uint r = 0; r < ROWS; r++)
            sums[r] = mad((floatv)(a_rows[r][k * a_inner]), b_row, sums[r]);
    }

    for (uint r = 0; r < ROWS && i + r < rows; r++) {
        floatv product = scale * sums[r];
        __global const float *start_row_r = start ? start + (i + r) * start_row + j : 0;
        __global float *c_row = c + (i + r) * columns + j;
        if (columns - j >= VECTOR) {
            storev(start ? product + loadv(start_row_r) : product, c_row);
        } else {
            float values[VECTOR];
            storev(product, values);
            for (uint l = 0; l < columns - j; l++)
                c_row[l] = start ? start_row_r[l] + values[l] : values[l];
        }
    }
}

/* b = transpose of a (rows, columns). A work-item to a vector of a row of b. */
__kernel void transpose(__global const float *a, uint rows, uint columns, __global float *b)
{
    uint vectors = (rows + VECTOR - 1) / VECTOR;
    uint j = (uint)get_global_id(0) / vectors;
    uint i = (uint)get_global_id(0) % vectors * VECTOR;
    if (j >= columns)
        return;

    for (uint end = min(i + VECTOR, rows); i < end; i++)
        b[j * rows + i] = a[i * columns + j];
}

/* x = 1 / (1 + exp(-x)) in place. A work-item to a vector. */
__kernel void sigmoid(__global float *x, uint count)
{
    size_t i = get_global_id(0) * VECTOR;
    if (i < count)
        storev(1.0f / (1.0f + exp(-loadv(x + i))), x + i);
}

/* dy = dy * y (1 - y) in place, where y is the sigmoid's value. A work-item to a vector. */
__kernel void sigmoid_gradient(__global const float *y, __global float *dy, uint count)
{
    size_t i = get_global_id(0) * VECTOR;
    if (i < count) {
        floatv value = loadv(y + i);
        storev(loadv(dy + i) * value * (1.0f - value), dy + i);
    }
}

/* Bits of element i, which a key of 64 bits chooses: the last steps of MurmurHash3 (Appleby), once with each half of it. */
uint scatter(uint h)
{
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

uint random_bits(uint i, uint2 key)
{
    return scatter(scatter(i ^ key.x) + key.y);
}

/*
 * Dropout: y[i] = scale * x[i], or 0 for dropped ones of 2^32 elements, which ones the key and first + i decide. y may be
 * x. A work-item to a vector.
 */
__kernel void drop(__global const float *x, uint first, uint2 key, uint dropped, float scale, uint count, __global float *y)
{
    uint i = (uint)get_global_id(0) * VECTOR;
    if (i >= count)
        return;

    for (uint end = min(i + VECTOR, count); i < end; i++)
        y[i] = random_bits(first + i, key) >= dropped ? scale * x[i] : 0.0f;
}

/*
 * Softmax and cross entropy of each row of logits, and whether the greatest logit is the label's.
 *
 * Adds the loss to losses[i] and 1 or 0 to hits[i]. gradients, or NULL, becomes scale times the gradient of the mean
 * loss. A work-item to a row.
 */
__kernel void classify(__global const float *logits, __global const uchar *labels, __global const uint *order,
                       uint first, uint rows, uint classes, float scale, __global float *gradients, __global float *losses,
                       __global uint *hits)
{
    size_t i = get_global_id(0);
    if (i >= rows)
        return;

    __global const float *row = logits + i * classes;
    uint label = labels[sample_index(order, first, i)];
    float greatest = row[0];
    for (uint j = 1; j < classes; j++)
        greatest = fmax(greatest, row[j]);
    float sum = 0.0f;
    for (uint j = 0; j < classes; j++)
        sum += exp(row[j] - greatest);
    /* A NaN among the logits makes the sum NaN, and equals nothing: no hit. */
    bool hit = row[label] == greatest && !isnan(sum);
    for (uint j = 0; j < label; j++)
        hit = hit && row[j] != greatest;

    losses[i] += log(sum) + greatest - row[label];
    hits[i] += hit ? 1 : 0;
    if (gradients)
        for (uint j = 0; j < classes; j++)
            gradients[i * classes + j] = (exp(row[j] - greatest) / sum - (j == label ? 1.0f : 0.0f)) * scale / rows;
}

/* parameters = parameters - rate * gradient. A work-item to an element. */
__kernel void descend(__global float *parameters, __global const float *gradient, float rate, uint count)
{
    size_t i = get_global_id(0);
    if (i < count)
        parameters[i] -= rate * gradient[i];
}

/* bias = bias - rate * (sum of the rows of dy). A work-item to a column. */
__kernel void descend_bias(__global float *bias, __global const float *dy, float rate, uint rows, uint columns)
{
    size_t j = get_global_id(0);
    if (j >= columns)
        return;
    float sum = 0.0f;
    for (uint i = 0; i < rows; i++)
        sum += dy[i * columns + j];
    bias[j] -= rate * sum;
}
