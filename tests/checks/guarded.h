/* SPDX-License-Identifier: MIT */
/* Memory that notices what must not happen to it: writes before, after or between a view's elements, or to an input. */
#ifndef CLBN_TESTS_GUARDED_H
#define CLBN_TESTS_GUARDED_H

#include "element.h"

#include <stddef.h>

struct guarded {
    clbn_view view;
    clbn_type type;
    size_t count;
    size_t *positions;      /* of the elements, from the view's first; NULL: one after another */
    size_t bytes;           /* of the whole memory */
    unsigned char *initial; /* the whole memory's bytes */
    void *base;             /* shared virtual memory, or the host's, that the memory lies in; NULL: a buffer's own */
    double *contents;       /* the view's last download */
};

/* What a view names: a buffer, shared virtual memory, or a buffer over memory of the host (CL_MEM_USE_HOST_PTR) or a part of one. */
enum memory { IN_BUFFER, IN_SVM, IN_HOST_MEMORY, IN_SUB_BUFFER };

/* Where a view's elements lie. */
struct placement {
    size_t offset;           /* elements past a wide alignment */
    const size_t *positions; /* as many as elements, copied; NULL: one after another */
    enum memory memory;
    size_t shift; /* bytes from a wide alignment to the memory's begin; 0 where a buffer has memory of its own */
    size_t spare; /* elements more after the last, for other views */
};

/* A view of count elements. values NULL: an output, filled with NaN. */
struct guarded guarded_create(clbn_type type, size_t count, struct placement placement, const double *values);
/* An output in what another view's elements leave free: `first` elements from the other's first. Both are released. */
struct guarded guarded_create_within(const struct guarded *other, size_t count, size_t first, const size_t *positions);
/* An absent optional: a view with buffer == NULL. */
struct guarded guarded_absent(void);
bool guarded_is_present(const struct guarded *guarded);

/* The view's values, good until the next download; the check fails if anything outside the view has changed. */
const double *guarded_download(struct guarded *guarded);
/* Fails the check if anything has changed, the view included. */
void guarded_expect_unchanged(struct guarded *guarded, const char *name);
/* Writes the view again. */
void guarded_upload(struct guarded *guarded, const double *values);
/* Takes what is there now for what was there at first. */
void guarded_accept(struct guarded *guarded);
/* Writes the whole memory as it was at first, or when last uploaded or accepted. */
void guarded_restore(struct guarded *guarded);
void guarded_release(struct guarded *guarded);

#endif
