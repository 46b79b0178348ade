/* SPDX-License-Identifier: MIT */
/* Between how the residual network stores images and how it convolves them, which is float and channels last. */

uint place(const struct storage *s, uint image, uint pixel, uint channel)
{
    return image * s->pixels * s->channels + pixel * s->pixel_step + channel * s->channel_step;
}

float load_stored(const struct storage *s, __global const void *x, uint i)
{
    return s->is_half ? vload_half(i, (__global const half *)x) : ((__global const float *)x)[i];
}

void store_stored(const struct storage *s, float value, __global void *x, uint i)
{
    if (s->is_half)
        vstore_half(value, i, (__global half *)x);
    else
        ((__global float *)x)[i] = value;
}

/* y, float and channels last, = the stored x. A work-item to a pixel. */
__kernel void unpack(__global const void *x, struct storage s, __global float *y)
{
    uint p = (uint)get_global_id(0);
    if (p >= s.images * s.pixels)
        return;
    for (uint c = 0; c < s.channels; c++)
        y[p * s.channels + c] = load_stored(&s, x, place(&s, p / s.pixels, p % s.pixels, c));
}

/* The stored y = x, float and channels last, + the stored addend, or NULL, which may be y. A work-item to a pixel. */
__kernel void pack(__global const float *x, __global const void *addend, struct storage s, uint relu, __global void *y)
{
    uint p = (uint)get_global_id(0);
    if (p >= s.images * s.pixels)
        return;
    for (uint c = 0; c < s.channels; c++) {
        uint i = place(&s, p / s.pixels, p % s.pixels, c);
        float value = x[p * s.channels + c] + (addend ? load_stored(&s, addend, i) : 0.0f);
        store_stored(&s, relu ? fmax(value, 0.0f) : value, y, i);
    }
}
