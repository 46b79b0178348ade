/* SPDX-License-Identifier: MIT */
/* oneDNN's batch normalization on the CPU, as a contestant of bench_measure(); a stub where the tool was built without
 * it. */
#ifndef CLBN_TOOL_BENCH_PEER_H
#define CLBN_TOOL_BENCH_PEER_H

#include "bench/case.h"
#include "bench/tensors.h"
#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>

struct bench_peer;

/* The version, as in "2.6.3"; NULL where the tool was built without oneDNN. */
const char *bench_peer_version(void);

/* Whether oneDNN has the operation, in that type and with that activation, on this machine. */
bool bench_peer_supports(const struct bench_case *the_case);

/* Makes a primitive on the tensors, which must be shared and outlive it; for a backward, it computes the statistics with
 * a forward. oneDNN uses its default number of threads. NULL on failure. */
struct bench_peer *bench_peer_open(const struct bench_case *the_case, const struct bench_tensors *tensors,
                                   struct failure *failure);
void bench_peer_close(struct bench_peer *peer); /* Takes NULL. */

/* Runs the primitive and waits: for struct bench_contestant. */
bool bench_peer_call(void *peer, struct failure *failure);

/* What oneDNN calls the code that it chose. The string lives as long as the peer. */
const char *bench_peer_implementation(const struct bench_peer *peer);

#endif
