/* SPDX-License-Identifier: MIT */
/*
 * Batch norm as a textbook has it, to compare with: statistics of a channel by one work-item, all else by one work-item to an
 * element, each formula a kernel of its own.
 */

/* A work-item to a channel. statistics, from offset on: (mean, variance, sum g, sum g xhat) of each channel. */
__kernel void textbook_statistics(__global const void *x, struct storage s, uint offset, __global float *statistics)
{
    uint c = (uint)get_global_id(0);
    float m = (float)(s.images * s.pixels);
    if (c >= s.channels)
        return;
    float sum = 0.0f;
    for (uint image = 0; image < s.images; image++)
        for (uint pixel = 0; pixel < s.pixels; pixel++)
            sum += load_stored(&s, x, place(&s, image, pixel, c));
    float mean = sum / m;
    float squares = 0.0f;
    for (uint image = 0; image < s.images; image++)
        for (uint pixel = 0; pixel < s.pixels; pixel++) {
            float deviation = load_stored(&s, x, place(&s, image, pixel, c)) - mean;
            squares += deviation * deviation;
        }
    statistics[offset + 4 * c] = mean;
    statistics[offset + 4 * c + 1] = squares / m;
}

/* y = gamma * xhat + beta. A work-item to a channel of an image. */
__kernel void textbook_normalize(__global const void *x, struct storage s, uint offset, __global const float *statistics,
                                 __global const float *parameters, uint gamma, uint beta, float epsilon, __global void *y)
{
    uint i = (uint)get_global_id(0);
    if (i >= s.images * s.pixels * s.channels)
        return;
    uint c = i / s.channel_step % s.channels;
    float xhat = (load_stored(&s, x, i) - statistics[offset + 4 * c]) / sqrt(statistics[offset + 4 * c + 1] + epsilon);
    store_stored(&s, parameters[gamma + c] * xhat + parameters[beta + c], y, i);
}

/* y = y + z, then the ReLU where asked for. */
__kernel void textbook_activate(__global const void *z, struct storage s, uint relu, __global void *y)
{
    uint i = (uint)get_global_id(0);
    if (i >= s.images * s.pixels * s.channels)
        return;
    float value = load_stored(&s, y, i) + (z ? load_stored(&s, z, i) : 0.0f);
    store_stored(&s, relu ? fmax(value, 0.0f) : value, y, i);
}

/* dy = 0 where y is; dz, or NULL, = dy. */
__kernel void textbook_activate_gradient(__global const void *y, struct storage s, uint relu, __global void *dy, __global void *dz)
{
    uint i = (uint)get_global_id(0);
    if (i >= s.images * s.pixels * s.channels)
        return;
    float g = relu && !(load_stored(&s, y, i) > 0.0f) ? 0.0f : load_stored(&s, dy, i);
    store_stored(&s, g, dy, i);
    if (dz)
        store_stored(&s, g, dz, i);
}

/* Sums of dy and dy * xhat, which are the gradients of beta and gamma. A work-item to a channel. */
__kernel void textbook_sums(__global const void *x, __global const void *dy, struct storage s, uint gamma, uint beta, float epsilon,
                            uint offset, __global float *statistics, __global float *gradients)
{
    uint c = (uint)get_global_id(0);
    if (c >= s.channels)
        return;
    float invstd = 1.0f / sqrt(statistics[offset + 4 * c + 1] + epsilon);
    float sum = 0.0f;
    float product = 0.0f;
    for (uint image = 0; image < s.images; image++)
        for (uint pixel = 0; pixel < s.pixels; pixel++) {
            uint i = place(&s, image, pixel, c);
            float g = load_stored(&s, dy, i);
            sum += g;
            product += g * (load_stored(&s, x, i) - statistics[offset + 4 * c]) * invstd;
        }
    statistics[offset + 4 * c + 2] = gradients[beta + c] = sum;
    statistics[offset + 4 * c + 3] = gradients[gamma + c] = product;
}

/* dx in place of dy. */
__kernel void textbook_input_gradient(__global const void *x, struct storage s, uint offset, __global const float *statistics,
                                      __global const float *parameters, uint gamma, float epsilon, __global void *dy)
{
    uint i = (uint)get_global_id(0);
    if (i >= s.images * s.pixels * s.channels)
        return;
    uint c = i / s.channel_step % s.channels;
    float m = (float)(s.images * s.pixels);
    float invstd = 1.0f / sqrt(statistics[offset + 4 * c + 1] + epsilon);
    float xhat = (load_stored(&s, x, i) - statistics[offset + 4 * c]) * invstd;
    float centred = m * load_stored(&s, dy, i) - statistics[offset + 4 * c + 2] - xhat * statistics[offset + 4 * c + 3];
    store_stored(&s, parameters[gamma + c] * invstd / m * centred, dy, i);
}
