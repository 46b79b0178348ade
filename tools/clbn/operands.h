/*
 * The arrays of one batch normalization, from files to a device and back.
 *
 * The first operand is always x, which settles the type, the shape and the number of channels of the others.
 */
#ifndef CLBN_TOOL_OPERANDS_H
#define CLBN_TOOL_OPERANDS_H

#include "device.h"
#include "failure.h"
#include "npy.h"
#include "output_file.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum operand_role {
    OPERAND_INPUT,
    OPERAND_OUTPUT,
    OPERAND_UPDATED /* Read, changed, and written again under the same name. */
};

struct operand {
    const char *option; /* The name of its option, without dashes. */
    const char *path;   /* NULL: absent. */
    enum operand_role role;
    bool per_channel; /* Its shape is (C,); otherwise x's. */
    struct npy_array array;
    cl_mem buffer; /* NULL where absent or without elements. */
    struct output_file file;
};

struct operand_set {
    struct operand *operands;
    size_t count;
};

/* A row of an option table that fills an operand's path. */
#define OPERAND_OPTION_ROW(operand, is_required, text)                                                                         \
    {                                                                                                                          \
        .name = (operand).option, .kind = OPTION_STRING, .to.string = &(operand).path, .argument = "FILE.npy",                 \
        .required = is_required, .help = text                                                                                  \
    }

/* Fails where two outputs have the same path. */
bool operands_check_paths(const struct operand_set *set, struct failure *failure);

/* Reads the inputs and makes the outputs. *axis, which may be negative as in NumPy, becomes an axis of x. */
bool operands_read(struct operand_set *set, long long *axis, struct failure *failure);

/* Makes the buffers, with the inputs in them; outputs of one value per channel begin as zeros. */
bool operands_upload(struct operand_set *set, const struct session *session, struct failure *failure);

/* Whether any output has elements; otherwise there is nothing to compute. */
bool operands_have_results(const struct operand_set *set);

/* For clbn's arguments; no view where the operand is absent or without elements. */
clbn_view operand_view(const struct operand *operand);

/* Reads outputs back from the device; the work on them must have finished. */
bool operands_download(struct operand_set *set, const struct session *session, struct failure *failure);

/* Writes all outputs under temporary names, then gives them theirs. */
bool operands_write(struct operand_set *set, struct failure *failure);

/* Frees what the other functions made, in whatever state they left it. */
void operands_close(struct operand_set *set);

#endif
