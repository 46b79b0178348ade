/* Pure: whether a work-group keeps its channels on chip, and how much of them a work-item. */
#ifndef CLBN_RESIDENT_H
#define CLBN_RESIDENT_H

#include "schedule/device_facts.h"
#include "schedule/shape.h"

/* A size in which programs come. Vectors are of 16 bytes. */
struct residence {
    unsigned group;   /* work-items */
    unsigned kept;    /* vectors of a work-item in registers; 0: nothing is kept */
    unsigned shelved; /* and in local memory */
    unsigned piece;   /* elements to the smallest pieces in which its kernels access tensors */
    bool unrolled;    /* loops over them: not where that costs time to compile and gives nothing */
};

/* What of a plan it depends on. */
struct kept_work {
    clbn_type type;
    clbn_activation activation;
    const struct shape *shape;
};

/* The size for a shape: the smallest that keeps x and dy of a channel, else the smallest that keeps x. Of none where no size
 * does, or where channels are too few for the device, or there is nothing to keep. */
struct residence bn_choose_residence(cl_uint engine_flags, const struct device_facts *facts, const struct kept_work *work);

/* Whether x of a channel fits, for the forward, or x and dy, for the backward. */
bool bn_keeps_forward(const struct residence *residence, const struct kept_work *work);
bool bn_keeps_backward(const struct residence *residence, const struct kept_work *work);

/* Channels last: vectors to a tile; 0 where nothing is kept. */
size_t bn_kept_lanes(const struct residence *residence, const struct kept_work *work);

/* Groups: channels, or tiles of channels. */
size_t bn_kept_tiles(const struct residence *residence, const struct kept_work *work);

#endif
