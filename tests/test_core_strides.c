/* SPDX-License-Identifier: MIT */
/* The core that needs no device: how axes with strides become rows, channels and columns. */
#include "random_numbers.h"
#include "schedule/shape.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static clbn_layout *layout_of(clbn_plan_desc *desc, enum tensor tensor)
{
    clbn_layout *const all[TENSORS] = { &desc->x_layout,  &desc->y_layout,  &desc->z_layout,
                                        &desc->dy_layout, &desc->dx_layout, &desc->dz_layout };
    return all[tensor];
}

static clbn_plan_desc describe(cl_uint rank, cl_uint axis, const size_t *lengths)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = rank;
    desc.channel_axes = CLBN_AXIS(axis);
    memcpy(desc.shape, lengths, rank * sizeof *lengths);
    return desc;
}

static void give_strides(clbn_plan_desc *desc, enum tensor tensor, const size_t *strides)
{
    layout_of(desc, tensor)->has_strides = CL_TRUE;
    for (cl_uint i = 0; i < desc->rank; i++)
        layout_of(desc, tensor)->strides[i] = (ptrdiff_t)strides[i];
}

static struct shape collapse(const clbn_plan_desc *desc)
{
    struct shape shape;
    ck_assert_msg(bn_collapse_shape(desc, SIZE_MAX / 2, &shape) == CLBN_SUCCESS, "%s", clbnLastError());
    return shape;
}

/* ---- Cases ---------------------------------------------------------------------------------------------------------------- */

enum form { ROWS, COLUMNS, SINGLES };

static const struct {
    const char *what;
    cl_uint rank, axis;
    size_t lengths[CLBN_MAX_RANK], x_strides[CLBN_MAX_RANK], y_strides[CLBN_MAX_RANK]; /* y packed if it has none */
    enum form form;
    size_t outer, channels, inner;
    unsigned row_axes;
} cases[] = {
    { "packed", 4, 1, { 2, 3, 5, 7 }, { 105, 35, 7, 1 }, { 0 }, ROWS, 2, 3, 35, 1 },
    { "channels last in memory", 4, 1, { 2, 3, 5, 7 }, { 105, 1, 21, 3 }, { 0 }, COLUMNS, 70, 3, 1, 1 },
    { "a slice of the channels", 4, 1, { 2, 3, 5, 7 }, { 350, 35, 7, 1 }, { 0 }, ROWS, 2, 3, 35, 1 },
    { "padded rows", 4, 1, { 2, 3, 5, 7 }, { 120, 40, 8, 1 }, { 0 }, ROWS, 10, 3, 7, 7 },
    { "padded rows into a slice", 4, 1, { 2, 3, 5, 7 }, { 120, 40, 8, 1 }, { 350, 35, 7, 1 }, ROWS, 10, 3, 7, 7 },
    { "a slice of channels last", 4, 3, { 2, 5, 7, 3 }, { 350, 70, 10, 1 }, { 0 }, COLUMNS, 70, 3, 1, 1 },
    { "every second image row", 4, 3, { 2, 5, 7, 3 }, { 210, 42, 3, 1 }, { 0 }, COLUMNS, 10 * 7, 3, 1, 7 },
    { "channels last to channels first", 4, 1, { 2, 3, 5, 7 }, { 105, 1, 21, 3 }, { 105, 35, 7, 1 }, SINGLES, 70, 3, 1, 7 },
    { "every second column", 2, 0, { 3, 5 }, { 10, 2 }, { 0 }, SINGLES, 5, 3, 1, 1 },
    { "one element repeated", 2, 1, { 3, 5 }, { 0, 0 }, { 0 }, SINGLES, 3, 5, 1, 1 },
    { "one element repeated in images", 4, 1, { 2, 3, 5, 7 }, { 0 }, { 0 }, SINGLES, 70, 3, 1, 7 },
    { "a row repeated", 2, 1, { 4, 5 }, { 0, 1 }, { 0 }, COLUMNS, 4, 5, 1, 1 },
    { "axes of one element", 5, 2, { 1, 4, 6, 1, 1 }, { 99, 6, 1, 1000, 5 }, { 0 }, COLUMNS, 4, 6, 1, 1 },
};

START_TEST(strides_collapse_as_far_as_they_can)
{
    clbn_plan_desc desc = describe(cases[_i].rank, cases[_i].axis, cases[_i].lengths);
    give_strides(&desc, TENSOR_X, cases[_i].x_strides);
    if (cases[_i].y_strides[0] > 0)
        give_strides(&desc, TENSOR_Y, cases[_i].y_strides);
    const struct shape s = collapse(&desc);
    ck_assert_msg(s.outer == cases[_i].outer && s.channels == cases[_i].channels && s.inner == cases[_i].inner,
                  "%s: (%zu, %zu, %zu)", cases[_i].what, s.outer, s.channels, s.inner);
    ck_assert_msg(s.channels_last == (cases[_i].form == COLUMNS), "%s: channels last", cases[_i].what);
    ck_assert_msg(s.row_axes == cases[_i].row_axes && s.channel_axes == 1, "%s: %u row axes, %u channel axes", cases[_i].what,
                  s.row_axes, s.channel_axes);
}
END_TEST

START_TEST(written_tensors_may_not_meet_themselves)
{
    static const size_t lengths[] = { 2, 3, 4 };
    static const size_t bad[][3] = { { 0, 0, 0 },  { 0, 4, 1 }, { 12, 4, 0 }, { 11, 4, 1 },
                                     { 12, 3, 1 }, { 1, 2, 3 }, { 8, 8, 1 } };
    static const size_t good[][3] = { { 12, 4, 1 }, { 1, 2, 6 }, { 13, 4, 1 }, { 1, 8, 2 } };
    struct shape shape;
    for (enum tensor t = 0; t < TENSORS; t++) {
        bool written = t == TENSOR_Y || t == TENSOR_DX || t == TENSOR_DZ;
        clbn_plan_desc desc = describe(3, 1, lengths);
        for (int i = 0; i < COUNT_OF(bad); i++) {
            give_strides(&desc, t, bad[i]);
            ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), written ? CLBN_INVALID_STRIDES : CLBN_SUCCESS);
        }
        for (int i = 0; i < COUNT_OF(good); i++) {
            give_strides(&desc, t, good[i]);
            ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), CLBN_SUCCESS);
        }
    }
}
END_TEST

/* The last element may be the last that can be addressed, and no further. */
START_TEST(strides_that_reach_too_far_are_refused)
{
    static const size_t lengths[] = { 3, 2, 5 };
    const size_t limit = 4000, last = limit / sizeof(float) - 1;
    struct shape shape;
    for (enum tensor t = 0; t < TENSORS; t++) {
        clbn_plan_desc desc = describe(3, 1, lengths);
        size_t strides[] = { (last - 2 * 100 - 4) / 2, last - 2 * ((last - 2 * 100 - 4) / 2) - 4, 1 };
        give_strides(&desc, t, strides);
        ck_assert_int_eq(bn_collapse_shape(&desc, limit, &shape), CLBN_SUCCESS);
        ck_assert_uint_eq(shape.reaches[t], last + 1);
        strides[1]++;
        give_strides(&desc, t, strides);
        ck_assert_int_eq(bn_collapse_shape(&desc, limit, &shape), CLBN_INVALID_STRIDES);
        strides[1] = PTRDIFF_MAX;
        give_strides(&desc, t, strides);
        ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), CLBN_INVALID_STRIDES);
    }
}
END_TEST

/* ---- Any strides ---------------------------------------------------------------------------------------------------------- */

/* Strides that keep elements apart: axes in any order, with gaps. */
static void random_strides(struct random *random, clbn_plan_desc *desc, enum tensor tensor)
{
    cl_uint order[CLBN_MAX_RANK];
    size_t stride = 1 + random_below(random, 2) * random_below(random, 3);
    for (cl_uint i = 0; i < desc->rank; i++) {
        cl_uint place = random_below(random, 3) == 0 ? (cl_uint)random_below(random, i + 1) : i;
        for (cl_uint j = i; j > place; j--)
            order[j] = order[j - 1];
        order[place] = i;
    }
    layout_of(desc, tensor)->has_strides = CL_TRUE;
    for (cl_uint i = desc->rank; i > 0; i--) {
        layout_of(desc, tensor)->strides[order[i - 1]] = (ptrdiff_t)stride;
        stride = stride * desc->shape[order[i - 1]] + random_below(random, 2) * random_below(random, 4);
    }
}

static clbn_plan_desc random_description(struct random *random)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 1 + (cl_uint)random_below(random, CLBN_MAX_RANK);
    desc.channel_axes = random_below(random, 2) == 0 ? CLBN_AXIS(random_below(random, desc.rank))
                                                     : (cl_uint)random_below(random, CLBN_AXIS(desc.rank));
    for (cl_uint i = 0; i < desc.rank; i++)
        desc.shape[i] = 1 + random_below(random, desc.rank > 5 ? 2 : 4);
    for (enum tensor t = 0; t < TENSORS; t++)
        if (random_below(random, 2) == 0)
            random_strides(random, &desc, t);
    return desc;
}

/* As in kernels/layout.cl. */
static size_t axes_offset(const struct shape *s, enum tensor tensor, size_t index, unsigned begin, unsigned end)
{
    size_t offset = 0;
    for (unsigned axis = end - 1; axis > begin; axis--) {
        offset += index % s->lengths[axis] * (size_t)s->layouts[tensor].strides[axis];
        index /= s->lengths[axis];
    }
    return offset + index * (size_t)s->layouts[tensor].strides[begin];
}

/* The same element of a tensor, by its place in the description. */
static size_t described_offset(const clbn_plan_desc *desc, const clbn_layout *layout, size_t element)
{
    size_t offset = 0;
    for (cl_uint i = desc->rank; i > 0; i--) {
        offset += element % desc->shape[i - 1] * (size_t)layout->strides[i - 1];
        element /= desc->shape[i - 1];
    }
    return offset;
}

/* The last of the channel axes runs fastest. */
static size_t described_channel(const clbn_plan_desc *desc, size_t element)
{
    size_t channel = 0, step = 1;
    for (cl_uint i = desc->rank; i > 0; element /= desc->shape[--i])
        if ((desc->channel_axes & CLBN_AXIS(i - 1)) != 0) {
            channel += element % desc->shape[i - 1] * step;
            step *= desc->shape[i - 1];
        }
    return channel;
}

/* Marks each element of the description by its offset in x, then meets each by rows, channels and columns: in all tensors with
 * strides it must be the one that the description says, and its channel must have the number that this says. */
static void check_walk(const clbn_plan_desc *desc, const struct shape *s)
{
    clbn_plan_desc d = *desc;
    size_t *element_at = malloc(s->reaches[TENSOR_Y] * sizeof *element_at);
    ck_assert_ptr_nonnull(element_at);
    for (size_t i = 0; i < s->reaches[TENSOR_Y]; i++)
        element_at[i] = SIZE_MAX;
    for (size_t i = 0; i < s->elements; i++)
        element_at[described_offset(&d, layout_of(&d, TENSOR_Y), i)] = i;
    for (size_t i = 0; i < s->elements; i++) {
        size_t column = i % s->inner, channel = i / s->inner % s->channels, row = i / s->inner / s->channels;
        size_t offsets[TENSORS];
        for (enum tensor t = 0; t < TENSORS; t++)
            offsets[t] = axes_offset(s, t, row, 0, s->row_axes) + column +
                         axes_offset(s, t, channel, s->row_axes, s->row_axes + s->channel_axes);
        ck_assert_uint_lt(offsets[TENSOR_Y], s->reaches[TENSOR_Y]);
        size_t element = element_at[offsets[TENSOR_Y]];
        ck_assert_msg(element != SIZE_MAX, "an element is met twice, or is none");
        element_at[offsets[TENSOR_Y]] = SIZE_MAX;
        for (enum tensor t = 0; t < TENSORS; t++)
            if (layout_of(&d, t)->has_strides)
                ck_assert_uint_eq(offsets[t], described_offset(&d, layout_of(&d, t), element));
        ck_assert_msg(channel == described_channel(&d, element), "a channel has another number");
    }
    free(element_at);
}

START_TEST(every_element_has_its_place_in_all_tensors)
{
    struct random random = { 77 };
    for (int i = 0; i < 20000; i++) {
        clbn_plan_desc desc = random_description(&random);
        random_strides(&random, &desc, TENSOR_Y);
        const struct shape s = collapse(&desc);
        check_walk(&desc, &s);
    }
}
END_TEST

START_TEST(packed_tensors_follow_the_order_of_x)
{
    static const size_t lengths[] = { 2, 3, 5, 7 };
    static const size_t padded_last[] = { 700, 1, 140, 20 }, repeated[] = { 0, 35, 7, 1 };
    static const cl_ulong last[] = { 3, 1 }, first[] = { 105, 35 };
    clbn_plan_desc desc = describe(4, 1, lengths);
    give_strides(&desc, TENSOR_X, padded_last);
    struct shape s = collapse(&desc);
    ck_assert(s.channels_last && memcmp(s.layouts[TENSOR_Y].strides, last, sizeof last) == 0);
    give_strides(&desc, TENSOR_X, repeated);
    s = collapse(&desc);
    ck_assert(!s.channels_last && memcmp(s.layouts[TENSOR_Y].strides, first, sizeof first) == 0);
}
END_TEST

START_TEST(alignment_divides_all_strides_between_runs)
{
    static const size_t lengths[] = { 2, 3, 8 };
    static const size_t odd_rows[] = { 100, 32, 1 }, last[] = { 96, 1, 12 };
    clbn_plan_desc desc = describe(3, 1, lengths);
    ck_assert_uint_eq(collapse(&desc).layouts[TENSOR_X].alignment, 8);
    give_strides(&desc, TENSOR_X, odd_rows);
    ck_assert_uint_eq(collapse(&desc).layouts[TENSOR_X].alignment, 4);
    ck_assert_uint_eq(collapse(&desc).layouts[TENSOR_Y].alignment, 8);
    give_strides(&desc, TENSOR_X, last);
    ck_assert_uint_eq(collapse(&desc).layouts[TENSOR_X].alignment, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: strides");
    TCase *tests = tcase_create("pure");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, strides_collapse_as_far_as_they_can, 0, COUNT_OF(cases));
    tcase_add_test(tests, written_tensors_may_not_meet_themselves);
    tcase_add_test(tests, strides_that_reach_too_far_are_refused);
    tcase_add_test(tests, every_element_has_its_place_in_all_tensors);
    tcase_add_test(tests, packed_tensors_follow_the_order_of_x);
    tcase_add_test(tests, alignment_divides_all_strides_between_runs);
    suite_add_tcase(suite, tests);
    return run_in_one_process(suite);
}
