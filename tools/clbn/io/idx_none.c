/* SPDX-License-Identifier: MIT */
/* The data sets of 'clbn train' where the tool was built without zlib. */
#include "io/idx.h"

#include <string.h>

static bool refuse(struct idx_set *set, struct failure *failure)
{
    memset(set, 0, sizeof(*set));
    return fail(failure, "this clbn was built without zlib: install zlib1g-dev, and build it again");
}

bool idx_find_file(const char *folder, enum idx_file file, char path[IDX_PATH_SIZE], struct failure *failure)
{
    (void)folder;
    (void)file;
    (void)path;
    return fail(failure, "this clbn was built without zlib");
}

bool idx_read_set(const char *folder, enum idx_part part, size_t class_count, struct idx_set *set, struct failure *failure)
{
    (void)folder;
    (void)part;
    (void)class_count;
    return refuse(set, failure);
}

bool idx_read_images(const char *path, struct idx_set *set, struct failure *failure)
{
    (void)path;
    return refuse(set, failure);
}

bool idx_read_labels(const char *path, size_t class_count, struct idx_set *set, struct failure *failure)
{
    (void)path;
    (void)class_count;
    return refuse(set, failure);
}

void idx_free_set(struct idx_set *set)
{
    memset(set, 0, sizeof(*set));
}
