/* SPDX-License-Identifier: MIT */
/* The core that needs no device: whether views of one memory meet, against all their bytes. */
#include "random_numbers.h"
#include "schedule/footprint.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 4096 };

static struct footprint random_footprint(struct random *random)
{
    struct footprint f = { .block = 1 + random_below(random, 6) };
    size_t reach = f.block;
    unsigned axes = (unsigned)random_below(random, 4);
    for (unsigned i = axes; i > 0; i--) {
        f.axis[i - 1].stride = reach + random_below(random, 2) * random_below(random, 9);
        f.axis[i - 1].length = 2 + random_below(random, 3);
        reach += f.axis[i - 1].stride * (f.axis[i - 1].length - 1);
    }
    f.axes = axes;
    return f;
}

/* The same strides with a block of its own, as slices of one tensor have. */
static struct footprint sibling_of(struct random *random, const struct footprint *f)
{
    struct footprint sibling = *f;
    sibling.block = 1 + random_below(random, f->block);
    return sibling;
}

static void mark(const struct footprint *f, unsigned axis, size_t begin, unsigned char *memory, unsigned char bit)
{
    if (axis == f->axes) {
        for (size_t i = 0; i < f->block; i++)
            memory[begin + i] |= bit;
        return;
    }
    for (size_t i = 0; i < f->axis[axis].length; i++)
        mark(f, axis + 1, begin + i * f->axis[axis].stride, memory, bit);
}

static bool have_a_byte_in_common(const struct footprint *a, size_t a_begin, const struct footprint *b, size_t b_begin)
{
    static unsigned char memory[MEMORY];
    memset(memory, 0, sizeof memory);
    mark(a, 0, a_begin, memory, 1);
    mark(b, 0, b_begin, memory, 2);
    for (size_t i = 0; i < MEMORY; i++)
        if (memory[i] == 3)
            return true;
    return false;
}

START_TEST(views_that_meet_are_found)
{
    struct random random = { 5 };
    for (int i = 0; i < 200000; i++) {
        const struct footprint a = random_footprint(&random);
        const struct footprint b = random_below(&random, 2) == 0 ? random_footprint(&random) : sibling_of(&random, &a);
        size_t a_begin = random_below(&random, 60), b_begin = random_below(&random, 60 + bn_footprint_reach(&a));
        if (bn_footprint_reach(&a) + a_begin > MEMORY || bn_footprint_reach(&b) + b_begin > MEMORY)
            continue;
        if (have_a_byte_in_common(&a, a_begin, &b, b_begin) && !bn_footprints_meet(&a, a_begin, &b, b_begin))
            ck_abort_msg("number %d: they meet", i);
    }
}
END_TEST

/* Slices of one tensor: the answer is exact. */
START_TEST(slices_that_interleave_do_not_meet)
{
    struct random random = { 6 };
    int apart = 0;
    for (int i = 0; i < 100000; i++) {
        const struct footprint a = random_footprint(&random);
        const struct footprint b = sibling_of(&random, &a);
        size_t b_begin = random_below(&random, bn_footprint_reach(&a));
        if (bn_footprint_reach(&a) > MEMORY || bn_footprint_reach(&b) + b_begin > MEMORY)
            continue;
        bool meet = have_a_byte_in_common(&a, 0, &b, b_begin);
        if (bn_footprints_meet(&a, 0, &b, b_begin) != meet || bn_footprints_meet(&b, b_begin, &a, 0) != meet)
            ck_abort_msg("number %d: they %smeet", i, meet ? "" : "do not ");
        apart += !meet;
    }
    ck_assert_int_gt(apart, 1000);
}
END_TEST

START_TEST(a_tensor_has_its_bytes)
{
    struct shape shape;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    static const size_t lengths[] = { 2, 3, 5 };
    static const clbn_layout padded = { CL_TRUE, { 40, 8, 1 } };
    desc.rank = 3;
    memcpy(desc.shape, lengths, sizeof lengths);
    desc.y_layout = padded;
    ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), CLBN_SUCCESS);
    const struct footprint x = bn_tensor_footprint(&shape, TENSOR_X, 4), y = bn_tensor_footprint(&shape, TENSOR_Y, 4);
    ck_assert(x.axes == 0 && x.block == 120);
    ck_assert(y.axes == 2 && y.block == 20 && y.axis[0].stride == 160 && y.axis[1].stride == 32);
    ck_assert_uint_eq(bn_footprint_reach(&y), shape.reaches[TENSOR_Y] * 4);
    ck_assert(bn_same_layout(&shape, TENSOR_X, TENSOR_DY) && !bn_same_layout(&shape, TENSOR_X, TENSOR_Y));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: footprints");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, views_that_meet_are_found);
    tcase_add_test(cases, slices_that_interleave_do_not_meet);
    tcase_add_test(cases, a_tensor_has_its_bytes);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
