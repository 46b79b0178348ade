#include "bench_case.h"

#include <string.h>

const char *const bench_op_names[] = { "forward", "backward", "inference", NULL };
const char *const bench_layout_names[] = { "nchw", "nhwc", "nc", NULL };
const char *const bench_type_names[] = { "float32", "float64", NULL };

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
    return type == BENCH_FLOAT64 ? sizeof(cl_double) : sizeof(cl_float);
}

clbn_type bench_clbn_type(enum bench_type type)
{
    return type == BENCH_FLOAT64 ? CLBN_FLOAT64 : CLBN_FLOAT32;
}

size_t bench_tensor_bytes(const struct bench_case *the_case)
{
    return bench_shape_elements(&the_case->shape) * bench_element_size(the_case->type);
}

size_t bench_moved_bytes(const struct bench_case *the_case)
{
    size_t tensors = the_case->op == BENCH_BACKWARD ? 3 : 2;

    return tensors * bench_tensor_bytes(the_case);
}
