/* How the views of a call lie in memory. */
#ifndef CLBN_PLACEMENT_H
#define CLBN_PLACEMENT_H

#include <stdbool.h>

/* Bytes of the widest vectors that kernels access only where memory is aligned to them. What OpenCL allocates always is. */
#define PLACEMENT_ALIGNMENT 16

struct placement {
    bool in_place;  /* a written tensor lies over another that it may be */
    bool unaligned; /* memory of a tensor begins at no multiple of PLACEMENT_ALIGNMENT: the host's, or shared virtual memory */
};

#endif
