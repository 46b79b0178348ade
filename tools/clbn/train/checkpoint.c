/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "train/checkpoint.h"

#include "io/output_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where there is no file, *found is false and the checkpoint closed. */
static bool open_file(struct checkpoint *checkpoint, const char *path, bool *found, struct failure *failure)
{
    struct stat status;

    memset(checkpoint, 0, sizeof *checkpoint);
    *found = stat(path, &status) == 0 || errno != ENOENT;
    if (!*found)
        return true;
    if (!npy_read(&checkpoint->array, path, failure))
        return false;
    if (checkpoint->array.header.type != CLBN_FLOAT64 || checkpoint->array.header.rank != 1) {
        npy_free(&checkpoint->array);
        return fail(failure, "'%s' is no checkpoint: it is no vector of float64", path);
    }
    checkpoint->path = path;
    checkpoint->restoring = true;
    checkpoint->values = checkpoint->array.data;
    checkpoint->count = checkpoint->array.header.count;
    return true;
}

static bool write_file(const struct checkpoint *checkpoint, struct failure *failure)
{
    struct npy_array array = { .header = { .type = CLBN_FLOAT64, .rank = 1, .shape = { checkpoint->count } },
                               .data = checkpoint->values };
    struct output_file file = { 0 };

    bool done = (npy_header_count(&array.header) || fail(failure, "a checkpoint is too large")) &&
                output_file_open(&file, checkpoint->path, failure) && npy_write(&array, &file, failure) &&
                output_file_publish(&file, failure);
    output_file_close(&file);
    return done;
}

static void close_file(struct checkpoint *checkpoint)
{
    if (checkpoint->restoring)
        npy_free(&checkpoint->array);
    else
        free(checkpoint->values);
    memset(checkpoint, 0, sizeof *checkpoint);
}

bool checkpoint_save(const char *path, checkpoint_walk *walk, void *state, struct failure *failure)
{
    struct checkpoint checkpoint = { .path = path };

    if (path == NULL)
        return true;
    bool saved = walk(state, &checkpoint, failure) && write_file(&checkpoint, failure);
    close_file(&checkpoint);
    return saved;
}

static bool is_at_end(const struct checkpoint *checkpoint, struct failure *failure)
{
    return checkpoint->next == checkpoint->count ||
           fail(failure, "'%s' is no checkpoint of this training: it has %zu values, not %zu", checkpoint->path,
                checkpoint->count, checkpoint->next);
}

bool checkpoint_restore(const char *path, checkpoint_walk *walk, void *state, struct failure *failure)
{
    struct checkpoint checkpoint;
    bool found;

    if (path == NULL)
        return true;
    if (!open_file(&checkpoint, path, &found, failure))
        return false;
    bool restored = !found || (walk(state, &checkpoint, failure) && is_at_end(&checkpoint, failure));
    close_file(&checkpoint);
    return restored;
}

static bool grow(struct checkpoint *checkpoint, size_t count, struct failure *failure)
{
    size_t needed = checkpoint->count + count;
    size_t capacity = 2 * checkpoint->capacity > needed ? 2 * checkpoint->capacity : needed;
    double *values;

    if (needed <= checkpoint->capacity)
        return true;
    values = capacity <= SIZE_MAX / sizeof *values ? realloc(checkpoint->values, capacity * sizeof *values) : NULL;
    if (values == NULL)
        return fail(failure, "there is no memory for a checkpoint of %zu values", needed);
    checkpoint->values = values;
    checkpoint->capacity = capacity;
    return true;
}

/* The next values: to be read in one that is restored, to be written in one that is saved. NULL on failure. */
static double *next_values(struct checkpoint *checkpoint, size_t count, struct failure *failure)
{
    double *values;

    if (checkpoint->restoring) {
        if (count > checkpoint->count - checkpoint->next) {
            fail(failure, "'%s' is no checkpoint of this training: it ends too early", checkpoint->path);
            return NULL;
        }
        values = checkpoint->values + checkpoint->next;
        checkpoint->next += count;
        return values;
    }
    if (!grow(checkpoint, count, failure))
        return NULL;
    values = checkpoint->values + checkpoint->count;
    checkpoint->count += count;
    return values;
}

bool checkpoint_reals(struct checkpoint *checkpoint, double *values, size_t count, struct failure *failure)
{
    double *kept = next_values(checkpoint, count, failure);

    if (kept == NULL)
        return false;
    if (checkpoint->restoring)
        memcpy(values, kept, count * sizeof *values);
    else
        memcpy(kept, values, count * sizeof *values);
    return true;
}

static bool whole(const struct checkpoint *checkpoint, double value, double most, struct failure *failure)
{
    return (value >= 0.0 && value <= most && floor(value) == value) ||
           fail(failure, "'%s' is no checkpoint of this training: %g stands where a whole number up to %.0f is expected",
                checkpoint->path, value, most);
}

bool checkpoint_count(struct checkpoint *checkpoint, size_t *value, size_t most, struct failure *failure)
{
    double real = (double)*value;

    if (!checkpoint_reals(checkpoint, &real, 1, failure) || !whole(checkpoint, real, (double)most, failure))
        return false;
    *value = (size_t)real;
    return true;
}

bool checkpoint_indices(struct checkpoint *checkpoint, cl_uint *indices, size_t count, cl_uint most, struct failure *failure)
{
    double *values = next_values(checkpoint, count, failure);

    if (values == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!checkpoint->restoring)
            values[i] = (double)indices[i];
        else if (whole(checkpoint, values[i], (double)most, failure))
            indices[i] = (cl_uint)values[i];
        else
            return false;
    }
    return true;
}

bool checkpoint_bits(struct checkpoint *checkpoint, uint64_t *bits, struct failure *failure)
{
    cl_uint halves[2] = { (cl_uint)(*bits >> 32), (cl_uint)(*bits & 0xffffffffu) };

    if (!checkpoint_indices(checkpoint, halves, 2, 0xffffffffu, failure))
        return false;
    *bits = (uint64_t)halves[0] << 32 | halves[1];
    return true;
}

bool checkpoint_same(struct checkpoint *checkpoint, const char *what, double value, struct failure *failure)
{
    double restored = value;

    if (!checkpoint_reals(checkpoint, &restored, 1, failure))
        return false;
    return restored == value || fail(failure, "'%s' is the checkpoint of another training: its %s is %g, not %g",
                                     checkpoint->path, what, restored, value);
}

static cl_int transfer(bool to_device, cl_command_queue queue, cl_mem buffer, size_t size, void *values)
{
    return to_device ? clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, size, values, 0, NULL, NULL)
                     : clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, size, values, 0, NULL, NULL);
}

bool checkpoint_floats(struct checkpoint *checkpoint, const struct arithmetic *arithmetic, cl_mem buffer, size_t count,
                       struct failure *failure)
{
    double *kept = next_values(checkpoint, count, failure);
    cl_float *values = kept != NULL ? malloc((count + 1) * sizeof *values) : NULL;
    cl_int status;

    if (kept == NULL)
        return false;
    if (values == NULL)
        return fail(failure, "there is no memory for %zu values of a checkpoint", count);
    for (size_t i = 0; checkpoint->restoring && i < count; i++)
        values[i] = (cl_float)kept[i];
    status = transfer(checkpoint->restoring, arithmetic->queue, buffer, count * sizeof *values, values);
    for (size_t i = 0; !checkpoint->restoring && i < count; i++)
        kept[i] = (double)values[i];
    free(values);
    return status == CL_SUCCESS || fail_opencl(failure, "moving a checkpoint from or to the device", status);
}
