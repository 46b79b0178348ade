/* SPDX-License-Identifier: MIT */
/*
 * The convolutions of the residual network, and what else it takes besides batch norm. Plain kernels, for a demonstration.
 *
 * Images are float, channels last, (image, row, column, channel); weights are (tap, input channel, output channel). As in
 * network.cl, which comes before, every buffer has a vector more than its elements.
 */

/* Where a row or column of the output meets the input, under a tap; and whether it does. */
bool input_place(const struct geometry *g, uint out, uint tap, uint *in)
{
    *in = out * g->stride + tap - g->taps / 2; /* below 0: a huge number */
    return *in < g->in_side;
}

/* The same from the input to the output, which meets only some places of the input where the stride is above 1. */
bool output_place(const struct geometry *g, uint in, uint tap, uint *out)
{
    uint strided = in + g->taps / 2 - tap;

    *out = strided / g->stride;
    return in + g->taps / 2 >= tap && strided % g->stride == 0 && *out < g->out_side;
}

/*
 * y = x convolved with the weights; backward: dx = dy convolved with the weights' transpose, (tap, output channel, input channel).
 *
 * bias, of a channel, and addend, of y's shape, may be NULL; addend may be y. relu: negative results become 0. zeros has as many
 * as an image has channels: what lies outside the image. A work-item to ROWS pixels and VECTOR channels of y.
 */
__kernel void convolve(__global const float *x, __global const float *weights, uint weights_offset, __global const float *bias,
                       uint bias_offset, __global const float *addend, __global const float *zeros, struct geometry g, uint backward,
                       uint relu, __global float *y)
{
    uint x_side = backward ? g.out_side : g.in_side;
    uint y_side = backward ? g.in_side : g.out_side;
    uint x_channels = backward ? g.out_channels : g.in_channels;
    uint y_channels = backward ? g.in_channels : g.out_channels;
    uint pixels = g.images * y_side * y_side;
    uint tiles = (y_channels + VECTOR - 1) / VECTOR;
    uint first = (uint)get_global_id(0) / tiles * ROWS;
    uint k = (uint)get_global_id(0) % tiles * VECTOR;
    if (first >= pixels)
        return;

    floatv sums[ROWS];
    for (uint r = 0; r < ROWS; r++)
        sums[r] = (floatv)(0.0f);
    for (uint tap = 0; tap < g.taps * g.taps; tap++) {
        __global const float *pixel[ROWS];
        bool any = false;
        for (uint r = 0; r < ROWS; r++) {
            uint p = min(first + r, pixels - 1);
            uint row = p / y_side % y_side;
            uint column = p % y_side;
            bool inside = backward ? output_place(&g, row, tap / g.taps, &row) & output_place(&g, column, tap % g.taps, &column)
                                   : input_place(&g, row, tap / g.taps, &row) & input_place(&g, column, tap % g.taps, &column);
            uint image = p / (y_side * y_side);
            pixel[r] = inside ? x + ((image * x_side + row) * x_side + column) * x_channels : zeros;
            any = any || inside;
        }
        __global const float *w = weights + weights_offset + tap * x_channels * y_channels + k;
        for (uint c = 0; any && c < x_channels; c++) {
            floatv w_row = loadv(w + c * y_channels);
            for (uint r = 0; r < ROWS; r++)
                sums[r] = mad((floatv)(pixel[r][c]), w_row, sums[r]);
        }
    }

    for (uint r = 0; r < ROWS && first + r < pixels; r++) {
        uint at = (first + r) * y_channels + k;
        floatv value = sums[r];
        if (bias)
            value += loadv(bias + bias_offset + k);
        if (addend)
            value += loadv(addend + at);
        if (relu)
            value = fmax(value, (floatv)(0.0f));
        if (y_channels - k >= VECTOR) {
            storev(value, y + at);
        } else {
            float values[VECTOR];
            storev(value, values);
            for (uint l = 0; l < y_channels - k; l++)
                y[at + l] = values[l];
        }
    }
}

/*
 * The gradient of the weights over chunks of images: partial sums (chunk, tap, input channel, output channel). A work-item to a
 * tile of ROWS x VECTOR channels, of one tap and one chunk; a chunk is small enough for a core's cache.
 */
__kernel void weight_gradient(__global const float *x, __global const float *dy, struct geometry g, uint chunk_images,
                              __global float *partials)
{
    uint k_tiles = (g.out_channels + VECTOR - 1) / VECTOR;
    uint c_tiles = (g.in_channels + ROWS - 1) / ROWS;
    uint taps = g.taps * g.taps;
    uint id = (uint)get_global_id(0);
    uint k = id % k_tiles * VECTOR;
    uint c = id / k_tiles % c_tiles * ROWS;
    uint tap = id / (k_tiles * c_tiles) % taps;
    uint chunk = id / (k_tiles * c_tiles * taps);
    uint end = min((chunk + 1) * chunk_images, g.images);
    if (chunk * chunk_images >= g.images)
        return;

    floatv sums[ROWS];
    uint channel[ROWS];
    for (uint r = 0; r < ROWS; r++) {
        sums[r] = (floatv)(0.0f);
        channel[r] = min(c + r, g.in_channels - 1);
    }
    for (uint image = chunk * chunk_images; image < end; image++) {
        for (uint row = 0; row < g.out_side; row++) {
            uint x_row;
            if (!input_place(&g, row, tap / g.taps, &x_row))
                continue;
            for (uint column = 0; column < g.out_side; column++) {
                uint x_column;
                if (!input_place(&g, column, tap % g.taps, &x_column))
                    continue;
                floatv dy_row = loadv(dy + ((image * g.out_side + row) * g.out_side + column) * g.out_channels + k);
                __global const float *pixel = x + ((image * g.in_side + x_row) * g.in_side + x_column) * g.in_channels;
                for (uint r = 0; r < ROWS; r++)
                    sums[r] = mad((floatv)(pixel[channel[r]]), dy_row, sums[r]);
            }
        }
    }

    for (uint r = 0; r < ROWS && c + r < g.in_channels; r++) {
        __global float *to = partials + ((chunk * taps + tap) * g.in_channels + c + r) * g.out_channels + k;
        float values[VECTOR];
        storev(sums[r], values);
        for (uint l = 0; l < min((uint)VECTOR, g.out_channels - k); l++)
            to[l] = values[l];
    }
}

/* y[offset + i] = the sum of the rows of x (rows, columns), in order. A work-item to a column. */
__kernel void sum_rows(__global const float *x, uint rows, uint columns, uint offset, __global float *y)
{
    uint i = (uint)get_global_id(0);
    if (i >= columns)
        return;
    float sum = 0.0f;
    for (uint row = 0; row < rows; row++)
        sum += x[row * columns + i];
    y[offset + i] = sum;
}

/* transposed (tap, output channel, input channel) = weights (tap, input channel, output channel). A work-item to an element. */
__kernel void transpose_taps(__global const float *weights, uint offset, uint taps, uint in_channels, uint out_channels,
                             __global float *transposed)
{
    uint i = (uint)get_global_id(0);
    if (i >= taps * in_channels * out_channels)
        return;
    uint c = i % in_channels;
    uint k = i / in_channels % out_channels;
    uint tap = i / (in_channels * out_channels);
    transposed[i] = weights[offset + (tap * in_channels + c) * out_channels + k];
}

/* y (image, channel) = the mean of an image's pixels. A work-item to an element. */
__kernel void pool(__global const float *x, uint images, uint pixels, uint channels, __global float *y)
{
    uint i = (uint)get_global_id(0);
    if (i >= images * channels)
        return;
    float sum = 0.0f;
    for (uint p = 0; p < pixels; p++)
        sum += x[(i / channels * pixels + p) * channels + i % channels];
    y[i] = sum / pixels;
}

/* dx = the gradient of pool(). A work-item to an element of dx. */
__kernel void pool_gradient(__global const float *dy, uint images, uint pixels, uint channels, __global float *dx)
{
    uint i = (uint)get_global_id(0);
    if (i < images * pixels * channels)
        dx[i] = dy[i / (pixels * channels) * channels + i % channels] / pixels;
}

/* velocity = momentum * velocity + gradient / scale + decay * parameter; parameter -= rate * velocity. A work-item to an element. */
__kernel void descend_with_momentum(__global float *parameters, __global const float *gradients, __global float *velocities, float rate,
                                    float momentum, float decay, float scale, uint count)
{
    uint i = (uint)get_global_id(0);
    if (i >= count)
        return;
    velocities[i] = momentum * velocities[i] + gradients[i] / scale + decay * parameters[i];
    parameters[i] -= rate * velocities[i];
}
