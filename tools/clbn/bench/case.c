/* SPDX-License-Identifier: MIT */
#include "bench/case.h"

#include "io/activation.h"
#include "io/scalar.h"

#include <string.h>

const char *const bench_op_names[] = { "forward", "backward", "inference", NULL };
const char *const bench_layout_names[] = { "nchw", "nhwc", "nc", NULL };
const char *const *const bench_type_names = &scalar_type_names[CLBN_FLOAT32];

bool bench_choice_parse(const char *text, const char *const *names, size_t count, struct bench_choice *choice)
{
    memset(choice, 0, sizeof(*choice));
    for (;;) {
        size_t length = strcspn(text, ",");
        size_t i = 0;

        while (i < count && (strlen(names[i]) != length || memcmp(names[i], text, length) != 0))
            i++;
        if (i == count)
            return false;
        choice->wanted[i] = true;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

size_t bench_element_size(enum bench_type type)
{
    return scalar_size(bench_clbn_type(type));
}

clbn_type bench_clbn_type(enum bench_type type)
{
    return CLBN_FLOAT32 + (clbn_type)type;
}

size_t bench_tensor_bytes(const struct bench_case *the_case)
{
    return bench_shape_elements(&the_case->shape) * bench_element_size(the_case->type);
}

bool bench_has_mask(const struct bench_case *the_case)
{
    return the_case->residual && the_case->op != BENCH_INFERENCE && can_have_mask(the_case->activation);
}

size_t bench_moved_bytes(const struct bench_case *the_case)
{
    bool backward = the_case->op == BENCH_BACKWARD;
    bool has_mask = bench_has_mask(the_case);
    size_t tensors = (backward ? 3 : 2) + (size_t)the_case->residual;
    size_t mask = has_mask ? bench_shape_elements(&the_case->shape) / 8 : 0;

    /* Without a mask, the activation is computed again from the residual. */
    if (backward && the_case->residual && !has_mask && the_case->activation != CLBN_ACTIVATION_NONE)
        tensors++;
    return tensors * bench_tensor_bytes(the_case) + mask;
}

size_t bench_divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}
