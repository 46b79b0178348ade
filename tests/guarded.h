/* Buffers that notice what must not happen to them: writes before or after the view, or to an input. */
#ifndef CLBN_TESTS_GUARDED_H
#define CLBN_TESTS_GUARDED_H

#include "harness.h"

struct guarded {
    clbn_view view;
    clbn_type type;
    size_t count;
    size_t bytes;           /* of the whole buffer */
    unsigned char *initial; /* the whole buffer's bytes */
    double *contents;       /* the view's last download */
};

/* A view of count elements, `offset` elements past a wide alignment. values NULL: an output, filled with NaN. */
struct guarded guarded_create(clbn_type type, size_t count, size_t offset, const double *values);
/* An absent optional: a view with buffer == NULL. */
struct guarded guarded_absent(void);
bool guarded_is_present(const struct guarded *guarded);

/* The view's values, good until the next download; the test fails if anything outside the view has changed. */
const double *guarded_download(struct guarded *guarded);
/* Fails the test if anything has changed, the view included. */
void guarded_expect_unchanged(struct guarded *guarded, const char *name);
/* Writes the view again. */
void guarded_upload(struct guarded *guarded, const double *values);
void guarded_release(struct guarded *guarded);

#endif
