/* What a group keeps on chip: for known GPUs and shapes, and, for thousands of random ones, that it is all there and fits. */
#include "allocate.h"
#include "plan/quirks.h"
#include "random_numbers.h"
#include "schedule/schedule.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WALKS = 3000, VECTOR_BYTES = 16 };

/* As of an H100: 132 multiprocessors. */
static const struct device_facts large_gpu = { .has_double = true,
                                               .compute_units = 132,
                                               .max_group_size = 1024,
                                               .local_size = 48 << 10,
                                               .register_size = 256 << 10,
                                               .address_limit = SIZE_MAX / 2 };

static struct shape rows_of(size_t outer, size_t channels, size_t inner)
{
    const struct shape s = { .outer = outer,
                             .channels = channels,
                             .inner = inner,
                             .values_per_channel = outer * inner,
                             .elements = outer * channels * inner,
                             .row_axes = 1,
                             .channel_axes = 1,
                             .lengths = { outer, channels } };
    return s;
}

static struct shape columns_of(size_t rows, size_t channels)
{
    struct shape s = rows_of(rows, channels, 1);
    s.channels_last = true;
    return s;
}

static const struct choices usual = { 0 };

/* Which of the forward (1) and the backward (2) keep a channel. */
static unsigned kept(const struct device_facts *facts, cl_uint flags, clbn_type type, clbn_activation activation,
                     struct shape shape)
{
    struct schedule forward, backward;
    const struct variant v = bn_choose_variant(CLBN_GEOMETRY_GROUP, flags, facts, type, activation, &shape);
    const struct problem problem = { &v, facts, flags, &shape };
    ck_assert(bn_make_schedule(&problem, &usual, PASS_FORWARD, &forward));
    ck_assert(bn_make_schedule(&problem, &usual, PASS_BACKWARD, &backward));
    return (forward.strategy == STRATEGY_ON_CHIP ? 1u : 0u) | (backward.strategy == STRATEGY_ON_CHIP ? 2u : 0u);
}

static unsigned kept_plainly(clbn_type type, struct shape shape)
{
    return kept(&large_gpu, 0, type, CLBN_ACTIVATION_NONE, shape);
}

START_TEST(channels_that_fit_a_large_gpu_are_kept)
{
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(32, 2048, 49)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(32, 1024, 196)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(32, 512, 784)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(256, 512, 49)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(256, 1024, 196)), 1);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT16, rows_of(256, 1024, 196)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_BFLOAT16, rows_of(32, 256, 3136)), 1);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(32, 256, 3136)), 0);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, columns_of(1568, 2048)), 3);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, columns_of(6272, 1024)), 0);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, columns_of(60, 100)), 3);
}
END_TEST

START_TEST(few_channels_are_divided_unless_they_are_small)
{
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(1, 3, 40000)), 0);
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, rows_of(1, 3, 2000)), 3);
    ck_assert_uint_eq(kept(&large_gpu, CLBN_ENGINE_WHOLE, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, rows_of(1, 3, 40000)), 1);
    ck_assert_uint_eq(kept(&large_gpu, CLBN_ENGINE_SPLIT, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, rows_of(1, 3, 2000)), 0);
}
END_TEST

START_TEST(what_kernels_cannot_do_is_streamed)
{
    /* single elements of the largest size, of 16-bit types */
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT16, rows_of(1000, 512, 49)), 0);
    /* activations of the largest size, backward */
    ck_assert_uint_eq(kept(&large_gpu, 0, CLBN_FLOAT32, CLBN_ACTIVATION_RELU, rows_of(32, 512, 784)), 1);
    /* rows of channels that are not whole vectors */
    ck_assert_uint_eq(kept_plainly(CLBN_FLOAT32, columns_of(100, 35)), 0);
}
END_TEST

START_TEST(a_device_that_tells_little_keeps_little)
{
    struct device_facts small = large_gpu;
    small.register_size = 64 << 10;
    ck_assert_uint_eq(kept(&small, 0, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, rows_of(32, 64, 64)), 3);
    ck_assert_uint_eq(kept(&small, 0, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, rows_of(32, 512, 196)), 0);
    small.max_group_size = 128;
    ck_assert_uint_eq(kept(&small, 0, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, rows_of(32, 64, 64)), 0);
}
END_TEST

START_TEST(a_new_shape_of_a_size_needs_no_new_program)
{
    const struct shape one = rows_of(32, 512, 49), other = rows_of(16, 100, 100);
    const struct variant a = bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &large_gpu, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &one);
    const struct variant b = bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &large_gpu, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &other);
    ck_assert_uint_gt(a.residence.kept, 0);
    ck_assert(bn_same_variant(&a, &b));
}
END_TEST

START_TEST(vectors_have_no_residence)
{
    const struct shape shape = rows_of(32, 512, 49);
    const struct variant v = bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &large_gpu, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
    ck_assert_uint_eq(v.residence.kept, 0);
}
END_TEST

/* ---- Walks, as in kernels/resident_rows.cl and resident_columns.cl --------------------------------------------------------- */

static void visit(unsigned char *visits, size_t count, size_t element)
{
    if (element >= count || visits[element]++ > 0)
        ck_abort_msg("element %zu of %zu is not there or met twice", element, count);
}

/* All groups' slots. */
static void walk_rows(const struct variant *v, const struct shape *s, unsigned slots, size_t piece, unsigned char *visits)
{
    const size_t columns = s->inner / piece, steps = slots * (v->vector / piece);
    for (size_t channel = 0; channel < s->channels; channel++)
        for (size_t item = 0; item < v->group; item++) {
            size_t row = item / columns, column = item % columns;
            for (size_t step = 0; step < steps; step++) {
                for (size_t i = 0; i < piece && row < s->outer; i++)
                    visit(visits, s->elements, (row * s->channels + channel) * s->inner + column * piece + i);
                row += v->group / columns;
                column += v->group % columns;
                if (column >= columns) {
                    column -= columns;
                    row++;
                }
            }
        }
}

static void walk_columns(const struct variant *v, const struct shape *s, const struct schedule *schedule, unsigned slots,
                         unsigned char *visits)
{
    const size_t lanes = (size_t)schedule->division.kept_lanes, lines = v->group / lanes;
    ck_assert_uint_eq(v->group % lanes, 0);
    for (size_t tile = 0; tile < schedule->kept_tiles; tile++)
        for (size_t item = 0; item < v->group; item++)
            for (size_t row = item / lanes; row < item / lanes + slots * lines && row < s->outer; row += lines) {
                const size_t channel = (tile * lanes + item % lanes) * v->vector;
                for (size_t i = 0; i < v->vector && channel < s->channels; i++)
                    visit(visits, s->elements, row * s->channels + channel + i);
            }
}

static void check_walk(const struct variant *v, const struct shape *s, const struct schedule *schedule, unsigned slots)
{
    unsigned char *visits = allocate(s->elements, sizeof *visits);
    if (s->channels_last)
        walk_columns(v, s, schedule, slots, visits);
    else
        walk_rows(v, s, slots, v->residence.piece, visits);
    for (size_t i = 0; i < s->elements; i++)
        if (visits[i] != 1)
            ck_abort_msg("element %zu of (%zu, %zu, %zu) is not met", i, s->outer, s->channels, s->inner);
    free(visits);
}

START_TEST(all_of_a_kept_channel_is_met_once)
{
    struct random random = { 1 };
    unsigned walked = 0;
    for (int i = 0; i < WALKS; i++) {
        const clbn_type type = CLBN_FLOAT32 + (clbn_type)random_below(&random, 4);
        const size_t outer = 1 + random_below(&random, 1u << random_below(&random, 12));
        const size_t channels = 1 + random_below(&random, 40);
        const size_t inner = 1 + random_below(&random, 1u << random_below(&random, 8));
        const struct shape shape =
            random_below(&random, 2) == 0 ? rows_of(outer, channels, inner) : columns_of(outer, channels * inner);
        const struct variant v =
            bn_choose_variant(CLBN_GEOMETRY_GROUP, CLBN_ENGINE_WHOLE, &large_gpu, type, CLBN_ACTIVATION_NONE, &shape);
        const struct residence *r = &v.residence;
        struct schedule schedule, backward;
        const struct problem problem = { &v, &large_gpu, CLBN_ENGINE_WHOLE, &shape };
        ck_assert(bn_make_schedule(&problem, &usual, PASS_FORWARD, &schedule));
        ck_assert(bn_make_schedule(&problem, &usual, PASS_BACKWARD, &backward));
        const bool keeps_both = backward.strategy == STRATEGY_ON_CHIP;
        ck_assert(!keeps_both || schedule.strategy == STRATEGY_ON_CHIP);
        if (schedule.strategy != STRATEGY_ON_CHIP || shape.elements > 200000)
            continue;
        walked++;
        ck_assert_uint_eq(v.vector * bn_type_size(type), VECTOR_BYTES);
        check_walk(&v, &shape, &schedule, keeps_both ? (r->kept + r->shelved) / 2 : r->kept + r->shelved);
    }
    ck_assert_uint_gt(walked, WALKS / 4);
}
END_TEST

/* ---- Quirks --------------------------------------------------------------------------------------------------------------- */

/* Of a device with 10 units and 30 MiB of cache. */
static struct device_facts facts_of(cl_device_type type, cl_uint vendor, const char *name)
{
    const struct device_identity identity = { type, vendor, name };
    struct device_facts facts = { .is_vector_cpu = (type & CL_DEVICE_TYPE_CPU) != 0,
                                  .can_fetch = true,
                                  .compute_units = 10,
                                  .cache_size = (size_t)30 << 20 };
    bn_apply_quirks(&identity, &facts);
    return facts;
}

START_TEST(quirks_are_of_those_whom_they_concern)
{
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_GPU, 0x10de, "H100").register_size, 256 << 10);
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_GPU, 0x1002, "gfx90a").register_size, 256 << 10);
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_GPU, 0x13b5, "Mali").register_size, 64 << 10);
    ck_assert(facts_of(CL_DEVICE_TYPE_CPU, 0x8086, "some CPU").is_vector_cpu);
    ck_assert(!facts_of(CL_DEVICE_TYPE_CPU, 0, "llvmpipe (LLVM 15.0.6, 256 bits)").is_vector_cpu);
    ck_assert(facts_of(CL_DEVICE_TYPE_CPU, 0, "some CPU").can_fetch);
    ck_assert(!facts_of(CL_DEVICE_TYPE_CPU, 0, "Oclgrind Simulator").can_fetch);
    ck_assert(!facts_of(CL_DEVICE_TYPE_CPU, 0, "llvmpipe (LLVM 19.1.7, 256 bits)").can_fetch);
    ck_assert(facts_of(CL_DEVICE_TYPE_CPU, 0x8086, "Xeon").reads_streams);
    ck_assert(!facts_of(CL_DEVICE_TYPE_CPU, 0x1022, "EPYC").reads_streams);
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_CPU, 0x8086, "Xeon").cache_size, 20 << 20);
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_GPU, 0x8086, "Arc").cache_size, 30 << 20);
    ck_assert_uint_eq(facts_of(CL_DEVICE_TYPE_CPU, 0x1022, "EPYC").cache_size, 30 << 20);
}
END_TEST

START_TEST(a_cache_of_no_more_than_the_units_own_is_as_opencl_says)
{
    const struct device_identity identity = { CL_DEVICE_TYPE_CPU, 0x8086, "Core" };
    const size_t sizes[] = { 0, ((size_t)8 << 20) - 1, (size_t)8 << 20, SIZE_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct device_facts facts = { .compute_units = 4, .cache_size = sizes[i] };
        bn_apply_quirks(&identity, &facts);
        ck_assert_uint_eq(facts.cache_size, sizes[i] < (size_t)8 << 20 ? sizes[i] : (size_t)8 << 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: on chip");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, channels_that_fit_a_large_gpu_are_kept);
    tcase_add_test(cases, few_channels_are_divided_unless_they_are_small);
    tcase_add_test(cases, what_kernels_cannot_do_is_streamed);
    tcase_add_test(cases, a_device_that_tells_little_keeps_little);
    tcase_add_test(cases, a_new_shape_of_a_size_needs_no_new_program);
    tcase_add_test(cases, vectors_have_no_residence);
    tcase_add_test(cases, all_of_a_kept_channel_is_met_once);
    tcase_add_test(cases, quirks_are_of_those_whom_they_concern);
    tcase_add_test(cases, a_cache_of_no_more_than_the_units_own_is_as_opencl_says);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
