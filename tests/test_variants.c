/* SPDX-License-Identifier: MIT */
/* Each kind of program that the library can ask for compiles, with all kernels that it then looks for. All of them with CLBN_TEST_FULL
 * in the environment, which takes a quarter of an hour; else some that differ in all they can. */
#define _POSIX_C_SOURCE 200809L
#include "program/program.h"
#include "schedule/schedule.h"
#include "suite_runner.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VARIANTS = 16384, SHORT_RUN = 8 };

static struct variant variants[MOST_VARIANTS];
static size_t count;

static void note(const struct variant *v)
{
    for (size_t i = 0; i < count; i++)
        if (bn_is_variant(&variants[i], v))
            return;
    ck_assert_uint_lt(count, MOST_VARIANTS);
    variants[count++] = *v;
}

/* A device of a kind, and shapes of each size that decides what is kept on chip. */
static void note_all(const struct device_facts *facts, clbn_geometry geometry, clbn_type type, clbn_activation activation)
{
    static const unsigned axes[][2] = { { 1, 1 }, { CLBN_MAX_RANK - 1, 1 }, { 1, CLBN_MAX_RANK - 1 } };
    static const size_t rows[] = { 0, 64, 1024, 3000, 8000, 1u << 20 };
    for (size_t i = 0; i < 2 * 3 * 6 * 4; i++) {
        struct shape shape = { .channels = 64, .channels_last = i % 2 != 0 };
        shape.inner = shape.channels_last ? 1 : i / 6 % 2 != 0 ? 49 : 64;
        shape.row_axes = axes[i / 2 % 3][0];
        shape.channel_axes = axes[i / 2 % 3][1];
        shape.outer = rows[i / 6 % 6];
        shape.values_per_channel = shape.outer * shape.inner;
        shape.elements = shape.values_per_channel * shape.channels;
        for (unsigned axis = 0; axis < CLBN_MAX_RANK; axis++)
            shape.lengths[axis] = axis + 1 == shape.row_axes                        ? shape.outer
                                  : axis + 1 == shape.row_axes + shape.channel_axes ? 64
                                                                                    : 1;
        for (enum tensor t = 0; t < TENSORS; t++) {
            shape.layouts[t].strides[shape.row_axes - 1] = shape.channels * shape.inner;
            shape.layouts[t].strides[shape.row_axes + shape.channel_axes - 1] = shape.inner;
            shape.layouts[t].alignment = 1;
        }
        const cl_uint flags = (i / 36 % 2 ? CLBN_ENGINE_INDEX_64 : 0u) | (i / 72 % 2 ? CLBN_ENGINE_NO_DOUBLE : 0u);
        struct variant v = bn_choose_variant(geometry, flags, facts, type, activation, &shape);
        v.operations = 1 + (unsigned)i % ALL_OPERATIONS;
        note(&v);
    }
}

static void find_variants(bool has_double)
{
    struct device_facts facts = { .is_vector_cpu = true, .is_cpu = true, .compute_units = 2 };
    facts.max_group_size = 4096;
    facts.register_size = 256 << 10;
    facts.has_double = has_double;
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++)
        for (clbn_activation activation = CLBN_ACTIVATION_NONE; activation <= CLBN_ACTIVATION_ELU; activation++)
            for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
                for (int i = 0; i < 2; i++) {
                    facts.can_fetch = facts.is_cpu = i % 2 == 0;
                    if (type != CLBN_FLOAT64 || has_double)
                        note_all(&facts, geometry, type, activation);
                }
}

/* The first device of the first platform, as the other suites'. */
static cl_device_id find_device(void)
{
    cl_platform_id platform = NULL;
    cl_device_id device = NULL;
    ck_assert_int_eq(clGetPlatformIDs(1, &platform, NULL), CL_SUCCESS);
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL), CL_SUCCESS);
    return device;
}

static void check_kernel(struct program *program, enum kernel_id id)
{
    struct lent_kernel lent;
    if (id == KERNEL_NONE)
        return;
    ck_assert_msg(bn_lend_kernel(program, id, false, &lent) == CLBN_SUCCESS, "%s: %s", bn_kernel_name(id), clbnLastError());
    bn_give_back_kernel(program, &lent);
}

/* Of each strategy that a schedule can choose with the variant. */
static void check_kernels(struct program *program, const struct variant *v)
{
    for (enum strategy strategy = STRATEGY_NONE; strategy < STRATEGIES; strategy++)
        for (enum pass pass = 0; pass < PASSES; pass++) {
            if (!(v->operations >> pass & 1))
                continue;
            const bool is_for_single_items = strategy == STRATEGY_IMAGES || strategy == STRATEGY_MERGING;
            const struct recipe *r = bn_recipe(bn_kernel_set(v), strategy, pass);
            if ((strategy == STRATEGY_ON_CHIP && v->kept == 0) || (is_for_single_items && v->group > 1))
                continue;
            check_kernel(program, r->first.kernel);
            check_kernel(program, r->merge.kernel);
            check_kernel(program, r->last.kernel);
        }
}

static void build(cl_context context, cl_device_id device, const struct variant *v)
{
    char options[512];
    cl_int status = CL_SUCCESS;
    ck_assert(bn_variant_options(v, options, sizeof options));
    struct program *program = bn_build_program(context, device, v, &status);
    ck_assert_msg(program != NULL, "%s: %s", options, clbnLastError());
    check_kernels(program, v);
    bn_release_program(program);
}

static cl_device_id device;
static cl_context context;

static void set_up(void)
{
    cl_device_fp_config doubles = 0;
    cl_int status = CL_SUCCESS;
    device = find_device();
    clGetDeviceInfo(device, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof doubles, &doubles, NULL);
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    ck_assert_int_eq(status, CL_SUCCESS);
    count = 0;
    find_variants(doubles != 0);
    ck_assert_uint_gt(count, 500);
}

static void tear_down(void)
{
    clReleaseContext(context);
}

START_TEST(each_variant_compiles)
{
    const char *full = getenv("CLBN_TEST_FULL");
    /* A step that shares no factor with the numbers of values that the loops have meets all of each. */
    const size_t step = full && full[0] != '\0' ? 1 : count / SHORT_RUN | 1;
    for (size_t i = 0; i < count; i += step)
        build(context, device, &variants[i]);
}
END_TEST

/* Which sources a program has follows from whose kernels it has, whether groups keep something on chip, and the operations. */
START_TEST(each_set_of_operations_has_its_sources)
{
    bool is_built[KERNELS_OF_TILES + 1][2] = { { false } };
    for (size_t i = 0; i < count; i++) {
        struct variant v = variants[i];
        bool *const built = &is_built[bn_kernel_set(&v)][v.kept > 0];
        if (*built || v.type != CLBN_FLOAT32 || v.activation != CLBN_ACTIVATION_NONE)
            continue;
        v.operations = (unsigned)_i;
        build(context, device, &v);
        *built = true;
    }
    ck_assert(is_built[KERNELS_OF_TILES][true] && is_built[KERNELS_OF_TILES][false]);
}
END_TEST

int main(void)
{
    setenv("CLBN_CACHE_DIR", "", 1);
    Suite *suite = suite_create("variants");
    TCase *cases = tcase_create("on a device");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, each_variant_compiles);
    tcase_add_loop_test(cases, each_set_of_operations_has_its_sources, 1, ALL_OPERATIONS + 1);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
