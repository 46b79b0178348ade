/* SPDX-License-Identifier: MIT */
/* What a network made of the samples that it has seen since the last reading. */
#ifndef CLBN_TOOL_TALLY_H
#define CLBN_TOOL_TALLY_H

#include "io/failure.h"
#include "train/arithmetic.h"
#include "train/peers.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* All zero: closed. */
struct tally {
    cl_mem losses; /* float, the sum of each row of the batches */
    cl_mem hits;   /* uint, likewise */
    size_t rows;
    size_t samples;
    const struct peers *peers; /* who have shares of the same batches, each in a tally of its own; NULL: there are none */
};

struct score {
    double loss;     /* mean cross entropy, in nats */
    double accuracy; /* part of the samples whose greatest output is the label's, 0 to 1 */
};

/* Of batches of up to that many rows. On failure the tally is closed. */
bool tally_open(struct tally *tally, const struct arithmetic *arithmetic, size_t rows, struct failure *failure);
void tally_close(struct tally *tally);

/* Waits for the device, reads the tally and starts it afresh. No samples give NaN. The score is of all peers' tallies. */
bool tally_read(struct tally *tally, const struct arithmetic *arithmetic, struct score *score, struct failure *failure);

#endif
