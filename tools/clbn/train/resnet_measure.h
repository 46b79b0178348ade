/* SPDX-License-Identifier: MIT */
/* What folding changes in a trained network, and the time that batch norm takes in one. */
#ifndef CLBN_TOOL_RESNET_MEASURE_H
#define CLBN_TOOL_RESNET_MEASURE_H

#include "io/failure.h"
#include "train/resnet.h"
#include "train/samples.h"

#include <stdbool.h>
#include <stddef.h>

struct resnet_measures {
    size_t samples;          /* of the test set */
    size_t agreeing;         /* of them, with the same greatest logit before and after folding */
    double logit_difference; /* greatest, */
    double greatest_logit;   /* and of what size they are */
    struct score folded;     /* on the test set */

    /* Seconds of a batch's inference: median of several in turns. */
    double inference;
    double folded_inference;

    /* Seconds of a training step, and of the batch norms in it, by clbn and by textbook.cl: likewise. */
    double step;
    double step_norms;
    double textbook_step;
    double textbook_step_norms;
};

/* Measures on a network that has done all else: its velocities and running statistics are not what they were. x: (rows, pixels). */
bool resnet_measure(struct resnet *resnet, const struct samples *test_samples, cl_mem x, struct resnet_measures *measures,
                    struct failure *failure);

#endif
