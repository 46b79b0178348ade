/* SPDX-License-Identifier: MIT */
/* What the host and the kernels of the residual network both know: this file is C99 and OpenCL C. */
#ifndef CLBN_TOOL_GEOMETRY_H
#define CLBN_TOOL_GEOMETRY_H

#ifdef __OPENCL_VERSION__
typedef uint cl_uint;
#else
#include <clbn.h>
#endif

/* The shape of a convolution of a batch of square images, channels last. Zeros surround the input, taps / 2 on each side. */
struct geometry {
    cl_uint images;
    cl_uint in_side;
    cl_uint in_channels;
    cl_uint out_side;
    cl_uint out_channels;
    cl_uint taps;   /* to a side of the kernel */
    cl_uint stride; /* pixels of the input to a pixel of the output */
};

/* Images as the network stores them between its convolutions: float32 or float16, channels first or last. A channel's element of a
 * pixel lies at image * pixels * channels + pixel * pixel_step + channel * channel_step. */
struct storage {
    cl_uint is_half;
    cl_uint images;
    cl_uint pixels;
    cl_uint channels;
    cl_uint pixel_step;
    cl_uint channel_step;
};

#endif
