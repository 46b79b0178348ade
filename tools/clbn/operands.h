/* SPDX-License-Identifier: MIT */
/*
 * The arrays of one batch normalization, from files to a device and back.
 *
 * The first tensor that is there is the model: its file settles the shape and the number of channels of all, and their type,
 * where no option does. Files of another type are converted on the way in.
 */
#ifndef CLBN_TOOL_OPERANDS_H
#define CLBN_TOOL_OPERANDS_H

#include "io/device.h"
#include "io/failure.h"
#include "io/npy.h"
#include "io/output_file.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum operand_role {
    OPERAND_INPUT,
    OPERAND_OUTPUT,
    OPERAND_UPDATED /* Read, changed, and written again under the same name. */
};

enum operand_kind {
    OPERAND_TENSOR,
    OPERAND_VECTOR,    /* One value per channel, in the type of parameters. */
    OPERAND_STATISTIC, /* Likewise, of the batch: with ghost batches a row of them for each. */
    OPERAND_MASK       /* Bytes that the plan knows the number of. */
};

struct operand {
    const char *option; /* The name of its option, without dashes. */
    const char *path;   /* NULL: absent. */
    enum operand_role role;
    enum operand_kind kind;
    const struct operand *replaces; /* The vector whose file this one may take; NULL: none. */
    struct npy_array array;         /* In the type that it has on the device. */
    struct npy_array before;        /* What an updated file has, in its type; elsewhere empty. */
    cl_mem buffer;                  /* NULL where absent or without elements. */
    struct output_file file;
};

struct operand_set {
    struct operand *operands;
    size_t count;  /* at most OPERANDS_MAXIMUM */
    bool in_place; /* The buffers use the arrays' memory. */
};

enum { OPERANDS_MAXIMUM = 16 };

/* How the tensors are taken: what options say, and operands_read() completes. */
struct tensor_form {
    int type;              /* A clbn_type; 0: that of the model's file. */
    long long axis;        /* The channels'; negative ones count from the last. */
    bool per_activation;   /* Statistics are taken over the first axis alone: the others are the channels. */
    long long ghost_batch; /* Entries of the first axis with statistics of their own; 0: all have the same. */
};

/* A row of an option table that fills an operand's path. */
#define OPERAND_OPTION_ROW(operand, is_required, text)                                                                         \
    {                                                                                                                          \
        .name = (operand).option, .kind = OPTION_STRING, .to.string = &(operand).path, .argument = "FILE.npy",                 \
        .required = (is_required), .help = (text)                                                                              \
    }

/* Fails where two outputs would go to one file, or an output to the file of an input that it may not replace. */
bool operands_check_paths(const struct operand_set *set, struct failure *failure);

/* The first tensor that is there. */
const struct operand *operands_model(const struct operand_set *set);

/* Reads the inputs and makes the outputs, all but masks. The form's type becomes the tensors', its axis one of theirs. */
bool operands_read(struct operand_set *set, struct tensor_form *form, struct failure *failure);

/* Reads and makes the masks, whose size the plan knows. */
bool operands_read_masks(struct operand_set *set, clbn_plan plan, struct failure *failure);

/* Makes the buffers, with the inputs in them; outputs of one value per channel begin as zeros. On a CPU the arrays themselves are
 * the buffers, and only operands_download() may look at them until it has. */
bool operands_upload(struct operand_set *set, const struct session *session, struct failure *failure);

/* Whether any output has elements; otherwise there is nothing to compute. */
bool operands_have_results(const struct operand_set *set);

/* For clbn's arguments; no view where the operand is absent or without elements. */
clbn_view operand_view(const struct operand *operand);

/* Reads outputs back from the device; the work on them must have finished. */
bool operands_download(struct operand_set *set, const struct session *session, struct failure *failure);

/* Writes all outputs under temporary names, then gives them theirs. What is updated keeps its type, and is not written where no
 * value has changed. */
bool operands_write(struct operand_set *set, struct failure *failure);

/* Frees what the other functions made, in whatever state they left it. */
void operands_close(struct operand_set *set);

#endif
