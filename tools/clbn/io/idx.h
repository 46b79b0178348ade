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

/*
 * Reads one part of a data set from a folder with the usual names: train-images-idx3-ubyte and
 * train-labels-idx1-ubyte, or t10k-..., each as it is or with .gz at the end. On failure *set is empty.
 */
bool idx_read_set(const char *folder, enum idx_part part, size_t class_count, struct idx_set *set, struct failure *failure);

/* Reads images into *set: its count, height, width and images. The file may be hostile. */
bool idx_read_images(const char *path, struct idx_set *set, struct failure *failure);

/* Reads labels into *set: its count and labels. The file may be hostile. */
bool idx_read_labels(const char *path, size_t class_count, struct idx_set *set, struct failure *failure);

/* Frees what the set holds and makes it empty. */
void idx_free_set(struct idx_set *set);

#endif
