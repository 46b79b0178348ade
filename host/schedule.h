/* Pure: how a plan's work is divided, and the workspace that this takes. */
#ifndef CLBN_SCHEDULE_H
#define CLBN_SCHEDULE_H

#include "variant.h"

/* As in kernels/division.cl, which says what the members are. */
struct division {
    cl_ulong rows, channels, columns;
    cl_ulong parts;
    cl_ulong lanes;
    cl_ulong chunk_rows, chunk_columns;
    cl_ulong band_rows;
    cl_ulong tile_vectors;
    cl_ulong kept_lanes;
    cl_ulong lengths[CLBN_MAX_RANK]; /* in kernels only those that there are */
};

struct schedule {
    struct division division;
    bool whole;               /* one group has all of a channel: one kernel does a whole operation */
    bool stream;              /* results go past the cache */
    bool keeps_forward;       /* a group has all of a channel and keeps x on chip */
    bool keeps_backward;      /* likewise, x and dy */
    size_t kept_tiles;        /* then: groups */
    size_t tiles;             /* groups side by side: channels, or tiles of channels */
    size_t partials;          /* partial results to a channel */
    size_t channel_items;     /* work-items for the kernels that take a channel at a time */
    size_t partials_size;     /* bytes, at the start of the workspace */
    size_t statistics_size;   /* bytes, then: mean and invstd of each channel, when the caller gives none */
    size_t coefficients_size; /* bytes, then */
    size_t workspace_size;    /* bytes in all */
    size_t mask_size;         /* bytes of a mask (kernels/activation.cl); 0 where the activation has none */
};

/* Whether a bit for each element says enough of an activation's slope. */
bool bn_has_mask(clbn_activation activation);

/* shape has channels, but may be empty: then only the workspace is filled in. False if its size overflows. */
bool bn_make_schedule(const struct variant *variant, const struct device_facts *facts, cl_uint engine_flags,
                      const struct shape *shape, struct schedule *schedule);

#endif
