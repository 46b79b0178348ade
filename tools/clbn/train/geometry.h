/* What the host and the kernels of the residual network both know: this file is C99 and OpenCL C. */
#ifndef CLBN_TOOL_GEOMETRY_H
#define CLBN_TOOL_GEOMETRY_H

#ifndef __OPENCL_VERSION__
#include <CL/cl.h>
#define uint cl_uint
#endif

/* The shape of a convolution of a batch of square images, channels last. Zeros surround the input, taps / 2 on each side. */
struct geometry {
    uint images;
    uint in_side;
    uint in_channels;
    uint out_side;
    uint out_channels;
    uint taps;   /* to a side of the kernel */
    uint stride; /* pixels of the input to a pixel of the output */
};

/* Images as the network stores them between its convolutions: float32 or float16, channels first or last. A channel's element of a
 * pixel lies at image * pixels * channels + pixel * pixel_step + channel * channel_step. */
struct storage {
    uint is_half;
    uint images;
    uint pixels;
    uint channels;
    uint pixel_step;
    uint channel_step;
};

#ifndef __OPENCL_VERSION__
#undef uint
#endif

#endif
