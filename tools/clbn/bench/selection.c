/* SPDX-License-Identifier: MIT */
#include "bench/selection.h"

#include "io/failure.h"

int bench_selection_parse(const struct command_line *command, const struct bench_selection_texts *texts,
                          struct bench_selection *selection)
{
    struct failure failure;

    if (!bench_choice_parse(texts->ops, bench_op_names, BENCH_OPS, &selection->ops))
        return usage_error(command, "--ops takes some of forward,backward,inference, not '%s'", texts->ops);
    if (!bench_choice_parse(texts->layouts, bench_layout_names, BENCH_NC, &selection->layouts))
        return usage_error(command, "--layout takes nchw, nhwc or nchw,nhwc, not '%s'", texts->layouts);
    if (!bench_choice_parse(texts->types, bench_type_names, BENCH_TYPES, &selection->types))
        return usage_error(command, "--type takes some of float32,float64,float16,bfloat16, not '%s'", texts->types);
    if (bench_shapes_parse(texts->shapes, &selection->shapes, &failure))
        return EXIT_DONE;
    if (!selection->shapes.no_memory)
        return usage_error(command, "--shapes: %s", failure.sentence);
    report_failure(&failure);
    return EXIT_FAILED;
}

void bench_selection_free(struct bench_selection *selection)
{
    bench_shapes_free(&selection->shapes);
}

bool bench_selection_has(const struct bench_selection *selection, const struct bench_shape *shape, enum bench_layout layout)
{
    return shape->rank == 2 ? layout == BENCH_NC : layout != BENCH_NC && selection->layouts.wanted[layout];
}
