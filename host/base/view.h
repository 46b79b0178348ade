/* SPDX-License-Identifier: MIT */
/* Whether a view is there. */
#ifndef CLBN_VIEW_H
#define CLBN_VIEW_H

#include "clbn.h"

#include <stdbool.h>

static inline bool bn_is_present(clbn_view view)
{
    return view.buffer || view.svm;
}

#endif
