/* Pure: whether a work-group keeps its channels on chip, and how much of them a work-item. */
#ifndef CLBN_RESIDENT_H
#define CLBN_RESIDENT_H

#include "device.h"
#include "shape.h"

/* A size in which programs come. Vectors are of 16 bytes. */
struct residence {
    unsigned group;   /* work-items */
    unsigned kept;    /* vectors of a work-item in registers; 0: nothing is kept */
    unsigned shelved; /* and in local memory */
};

/* The size for a shape that is not empty: the smallest that keeps x and dy of a channel, else the smallest that keeps x. Of
 * none where no size does, or where channels are too few for the device. */
struct residence bn_choose_residence(cl_uint engine_flags, const struct device_facts *facts, clbn_type type,
                                     const struct shape *shape);

/* Whether so many tensors of a channel fit: 1 for the forward, 2 for the backward. */
bool bn_fits_residence(const struct residence *residence, clbn_type type, const struct shape *shape, unsigned tensors);

#endif
