/* SPDX-License-Identifier: MIT */
/* The peer where the tool was built without oneDNN. */
#include "bench/peer.h"

const char *bench_peer_version(void)
{
    return NULL;
}

bool bench_peer_supports(const struct bench_case *the_case)
{
    (void)the_case;
    return false;
}

struct bench_peer *bench_peer_open(const struct bench_case *the_case, const struct bench_tensors *tensors,
                                   struct failure *failure)
{
    (void)the_case;
    (void)tensors;
    fail(failure, "this clbn was built without oneDNN");
    return NULL;
}

void bench_peer_close(struct bench_peer *peer)
{
    (void)peer;
}

bool bench_peer_call(void *peer, struct failure *failure)
{
    (void)peer;
    return fail(failure, "this clbn was built without oneDNN");
}

const char *bench_peer_implementation(const struct bench_peer *peer)
{
    (void)peer;
    return "";
}
