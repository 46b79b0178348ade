/* SPDX-License-Identifier: MIT */
/* IDX files of images (idx3-ubyte) and labels (idx1-ubyte), gzip-compressed or not. */
#ifndef CLBN_TOOL_IDX_H
#define CLBN_TOOL_IDX_H

#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>

/* Greatest height and width of an image. */
#define IDX_MAX_SIDE 4096u

/* Most bytes of images that are read from one file. */
#define IDX_MAX_BYTES ((size_t)1 << 30)

/* Images with their labels. */
struct idx_set {
    size_t count;
    size_t height;
    size_t width;
    unsigned char *images; /* count x height x width */
    unsigned char *labels; /* count, each below the number of classes asked for */
};

#define IDX_SET_INIT                                                                                                           \
    {                                                                                                                          \
        0, 0, 0, NULL, NULL                                                                                                    \
    }

enum idx_part { IDX_TRAINING, IDX_TEST };

enum idx_file { IDX_TRAINING_IMAGES, IDX_TRAINING_LABELS, IDX_TEST_IMAGES, IDX_TEST_LABELS, IDX_FILES };

enum { IDX_PATH_SIZE = 4096 };

/* Finds a file of a data set under one of its usual names: train-images-idx3-ubyte, train-images.idx3-ubyte and so on, each as it
 * is or with .gz at the end. What has such a name and is not a regular file, such as a folder, is passed over. */
bool idx_find_file(const char *folder, enum idx_file file, char path[IDX_PATH_SIZE], struct failure *failure);

/* Reads one part of a data set from a folder. On failure *set is empty. */
bool idx_read_set(const char *folder, enum idx_part part, size_t class_count, struct idx_set *set, struct failure *failure);

/* Reads images into *set: its count, height, width and images. The file may be hostile. */
bool idx_read_images(const char *path, struct idx_set *set, struct failure *failure);

/* Reads labels into *set: its count and labels. The file may be hostile. */
bool idx_read_labels(const char *path, size_t class_count, struct idx_set *set, struct failure *failure);

/* Frees what the set holds and makes it empty. */
void idx_free_set(struct idx_set *set);

#endif
