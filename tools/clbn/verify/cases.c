/* SPDX-License-Identifier: MIT */
#include "verify/cases.h"

#include "engines.h"
#include "hard_data.h"
#include "shape_table.h"
#include "sources.h"

#include <stdio.h>

/* Parts of a batch: more than a merge of halves takes in three steps. */
enum { LAYOUTS = 2, QUICK_ROWS = 8, FEW_ROWS = 3, PART_ROWS = 2, MANY_PARTS = 9 };

/* Each way of dividing the work has a shape: few and many rows, several columns to a vector and fewer, one long channel, channels on
 * chip, a channel to each position. */
static const struct shape quick_shapes[LAYOUTS][QUICK_ROWS] = {
    { { 4, 1, { 2, 5, 4, 4 } },
      { 3, 1, { 5, 2, 4096 } },
      { 4, 1, { 9, 35, 7, 7 } },
      { 3, 1, { 1, 3, 16384 } },
      { 4, 1, { 130, 3, 2, 7 } },
      { 4, 1, { 1, 7, 13, 11 } },
      { 4, 1, { 3, 17, 31, 1 } },
      { 3, 1, { 6, 3, 8009 } } },
    { { 4, 3, { 2, 28, 28, 64 } },
      { 2, 1, { 60, 100 } },
      { 4, 3, { 2, 7, 7, 35 } },
      { 2, 1, { 20011, 3 } },
      { 2, 1, { 9, 1600 } },
      { 3, 2, { 3, 97, 65 } },
      { 4, EACH_POSITION, { 5, 3, 4, 7 } },
      { 4, 3, { 32, 17, 19, 3 } } },
};

/* ---- Programs ------------------------------------------------------------------------------------------------------------- */

struct verify_program verify_program_number(size_t number)
{
    struct verify_program program;
    program.activation = (clbn_activation)(number % ACTIVATIONS);
    number /= ACTIVATIONS;
    program.channels_last = number % LAYOUTS != 0;
    number /= LAYOUTS;
    program.type = CLBN_FLOAT32 + (clbn_type)(number % MAX_STORED_TYPES);
    number /= MAX_STORED_TYPES;
    program.special = (enum verify_special)(number % VERIFY_SPECIALS);
    program.in_groups = number / VERIFY_SPECIALS != 0;
    return program;
}

const char *verify_program_text(size_t number, char *text)
{
    static const char *const specials[VERIFY_SPECIALS] = { "", " pairs", " 64-bit", " strided", " short" };
    const struct verify_program program = verify_program_number(number);
    const bool plain = program.activation == CLBN_ACTIVATION_NONE;
    snprintf(text, VERIFY_PROGRAM_TEXT, "%s %s %s%s%s%s", program.in_groups ? "group" : "vector", type_name(program.type),
             program.channels_last ? "NHWC" : "NCHW", plain ? "" : " ", plain ? "" : activation_name(program.activation),
             specials[program.special]);
    return text;
}

/* Each type in each layout, each activation with one of them. */
static clbn_activation quick_activation(const struct verify_program *program)
{
    static const clbn_activation activations[LAYOUTS][MAX_STORED_TYPES] = {
        { CLBN_ACTIVATION_RELU, CLBN_ACTIVATION_SILU, CLBN_ACTIVATION_RELU6, CLBN_ACTIVATION_ELU },
        { CLBN_ACTIVATION_LEAKY_RELU, CLBN_ACTIVATION_NONE, CLBN_ACTIVATION_SIGMOID, CLBN_ACTIVATION_TANH },
    };
    return activations[program->channels_last][program->type - CLBN_FLOAT32];
}

/* The special kinds have what they change of their own with float32; short parameters, gamma, beta and their gradients in the type of the
 * tensors, with one of 16 bits. */
static bool is_special_wanted(const struct verify_program *program, bool own_geometry, enum verify_extent extent)
{
    const clbn_type type = program->special == VERIFY_SHORT_PARAMETERS ? CLBN_BFLOAT16 : CLBN_FLOAT32;
    if (program->type != type || program->activation != CLBN_ACTIVATION_NONE)
        return false;
    if (extent == VERIFY_FULL)
        return true;
    return extent == VERIFY_QUICK && own_geometry && program->channels_last == (program->special == VERIFY_INDEX_64);
}

static bool is_usual_wanted(const struct verify_program *program, bool own_geometry, enum verify_extent extent)
{
    const bool plain = program->activation == CLBN_ACTIVATION_NONE;
    if (extent == VERIFY_PART)
        return own_geometry && program->type == CLBN_FLOAT32 && plain && program->channels_last;
    if (own_geometry && extent == VERIFY_FULL)
        return true;
    if (own_geometry)
        return program->activation == quick_activation(program) || (program->type == CLBN_FLOAT32 && plain);
    if (extent == VERIFY_FULL)
        return plain || program->activation == quick_activation(program);
    return program->type == CLBN_FLOAT32 &&
           program->activation == (program->channels_last ? CLBN_ACTIVATION_NONE : CLBN_ACTIVATION_RELU);
}

bool verify_has_program(const struct verify_selection *selection, size_t number)
{
    const struct verify_program program = verify_program_number(number);
    const bool own_geometry = program.in_groups == selection->in_groups;
    if (program.type == CLBN_FLOAT64 && !selection->has_float64)
        return false;
    if (selection->extent == VERIFY_ONE)
        return number == selection->seed / VERIFY_CASES_OF_PROGRAM;
    if (program.special == VERIFY_USUAL)
        return is_usual_wanted(&program, own_geometry, selection->extent);
    return is_special_wanted(&program, own_geometry, selection->extent);
}

/* ---- Cases ---------------------------------------------------------------------------------------------------------------- */

static enum operation operation_of(size_t seed)
{
    return (enum operation)(seed % OPERATIONS);
}

static size_t row_of(size_t seed)
{
    return seed / OPERATIONS % VERIFY_ROWS;
}

static struct shape shape_of_row(bool channels_last, size_t row)
{
    return row < QUICK_ROWS ? quick_shapes[channels_last][row] : shape_table_row(row - QUICK_ROWS);
}

/* Whether there is a case, wanted or not. */
static bool case_exists(size_t seed)
{
    const struct verify_program program = verify_program_number(seed / VERIFY_CASES_OF_PROGRAM);
    const size_t row = row_of(seed);
    if (seed >= VERIFY_SEEDS || row >= QUICK_ROWS + shape_table_length())
        return false;
    if (operation_of(seed) == FOLD &&
        program.activation != CLBN_ACTIVATION_NONE) /* its plans have none: it is another program */
        return false;
    const struct shape shape = shape_of_row(program.channels_last, row);
    return shape_is_channels_last(&shape) == program.channels_last;
}

/* Each row may have kernels of its own to compile: programs that the device has no need of, or that differ little, have few. */
static size_t row_count(const struct verify_selection *selection, const struct verify_program *program)
{
    if (selection->extent == VERIFY_PART)
        return PART_ROWS;
    if (selection->extent == VERIFY_FULL)
        return VERIFY_ROWS;
    return program->special != VERIFY_USUAL || program->in_groups != selection->in_groups ? FEW_ROWS : QUICK_ROWS;
}

bool verify_has_case(const struct verify_selection *selection, size_t seed)
{
    const size_t number = seed / VERIFY_CASES_OF_PROGRAM;
    const struct verify_program program = verify_program_number(number);
    if (selection->extent == VERIFY_ONE)
        return seed == selection->seed && case_exists(seed);
    return verify_has_program(selection, number) && row_of(seed) < row_count(selection, &program) && case_exists(seed);
}

/* Rows that do not divide the work by themselves are made to, or kept from it. */
static int config_of(const struct verify_program *program, size_t row)
{
    static const cl_uint divisions[] = { 0, 0, CLBN_ENGINE_SPLIT, 0, 0, CLBN_ENGINE_WHOLE, CLBN_ENGINE_SPLIT, 0 };
    static const cl_uint flags[VERIFY_SPECIALS] = {
        [VERIFY_NO_DOUBLE] = CLBN_ENGINE_NO_DOUBLE, [VERIFY_INDEX_64] = CLBN_ENGINE_INDEX_64
    };
    const clbn_geometry geometry = program->in_groups ? CLBN_GEOMETRY_GROUP : CLBN_GEOMETRY_VECTOR;
    const cl_uint wanted = program->special == VERIFY_USUAL ? divisions[row % QUICK_ROWS] : flags[program->special];
    for (int config = 0; config < ENGINE_CONFIGS; config++)
        if (engine_configs[config].geometry == geometry && engine_configs[config].flags == wanted)
            return config;
    return program->in_groups; /* the plain ones come first */
}

/* Each axis steps beyond what the faster ones reach. */
static struct layout padded_layout(const struct shape *shape)
{
    struct layout layout = { .given = 0 };
    size_t strides[SHAPE_MAX_RANK], reach = 1;
    for (unsigned axis = shape->rank; axis-- > 0;) {
        strides[axis] = reach;
        reach = reach * shape->lengths[axis] + 1;
    }
    for (enum view view = 0; view < VIEWS; view++)
        if (is_tensor(view))
            layout_give(&layout, view, strides, shape->rank);
    return layout;
}

/* Where the bounds hold for them, each other row has data that are hard. */
static struct problem problem_of(const struct verify_program *program, const struct shape *shape, size_t seed)
{
    const bool is_hard = program->activation == CLBN_ACTIVATION_NONE && program->type <= CLBN_FLOAT64 && row_of(seed) % 2 != 0;
    struct problem problem = is_hard ? problem_hard(shape, program->type, row_of(seed) / 2 % HARD_DATA_KINDS)
                                     : problem_random(shape, program->type, 1e-5, seed);
    problem.activation = activation_of(program->activation);
    problem.parts = row_of(seed) % 2 == 0 ? MANY_PARTS : 1;
    if (program->special == VERIFY_SHORT_PARAMETERS)
        problem_store_parameters(&problem, program->type);
    return problem;
}

static struct call call_number(enum operation operation, const struct problem *problem, size_t variation)
{
    static const double factors[] = { 0.1, 1, 0 };
    static const size_t offsets[] = { 0, 1, 3, 7 };
    struct call call = call_of(operation);
    if (variation % 3 != 0)
        call.views |= WITH_EXTRAS;
    call.in_place = variation % 5 == 0;
    call.residual_in_place = variation % 5 == 1;
    call.own_workspace = variation % 2 == 0;
    call.offset = offsets[variation / 2 % 4];
    call.update_factor = factors[variation % 3];
    call.running_variance =
        shape_values_per_channel(&problem->shape) == 1 || variation / 3 % 2 == 0 ? CLBN_BIASED : CLBN_UNBIASED;
    if (is_backward(operation) && variation % 4 == 1)
        accumulate(&call);
    if (is_backward(operation) && problem->activation.function != CLBN_ACTIVATION_NONE)
        call.source = source_from(&problem->activation, variation);
    return call;
}

void verify_case_prepare(struct verify_case *the_case, size_t seed)
{
    const struct verify_program program = verify_program_number(seed / VERIFY_CASES_OF_PROGRAM);
    const size_t row = row_of(seed);
    const struct shape shape = shape_of_row(program.channels_last, row);
    the_case->config = config_of(&program, row);
    the_case->problem = problem_of(&program, &shape, seed);
    the_case->call = call_number(operation_of(seed), &the_case->problem, row + (size_t)3 * operation_of(seed));
    if (the_case->call.source == FROM_Y_ALONE) {
        the_case->call.views &= ~WITH_RESIDUAL;
        make_invertible(&the_case->problem);
    }
    if (program.special == VERIFY_STRIDED) {
        the_case->layout = padded_layout(&shape);
        the_case->call.layout = &the_case->layout;
    }
}

void verify_case_release(struct verify_case *the_case)
{
    problem_free(&the_case->problem);
}
