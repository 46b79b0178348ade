/* SPDX-License-Identifier: MIT */
/* What has to be known of devices beyond what OpenCL tells: on which of them each row of the table acts. */
#include "plan/quirks.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>

/* Devices as they report themselves, with 2 compute units and 300 MiB of cache, and which rows of the table act on them. */
START_TEST(quirks_act_on_those_whom_they_concern)
{
    static const size_t cache = (size_t)300 << 20, few = (size_t)64 << 10, many = (size_t)256 << 10;
    static const struct {
        struct device_identity identity;
        size_t registers;
        bool shares_cache, is_vector_cpu, can_fetch;
    } devices[] = {
        /* PoCL, whose CPUs all have Intel's vendor id, on Intel and AMD, before and since 4.0; and on Arm */
        { { CL_DEVICE_TYPE_CPU, "GenuineIntel", "pthread-Intel(R) Xeon(R) Processor", "", "" }, many, true, true, true },
        { { CL_DEVICE_TYPE_CPU, "AuthenticAMD", "pthread-AMD EPYC 9R14", "", "" }, many, true, true, true },
        { { CL_DEVICE_TYPE_CPU, "AuthenticAMD", "cpu-znver4-AMD EPYC 9R14", "", "" }, many, true, true, true },
        { { CL_DEVICE_TYPE_CPU, "ARM", "cpu-neoverse-n1-0xd0c", "", "" }, many, true, true, true },
        /* Intel's runtime for CPUs, on Intel and AMD */
        { { CL_DEVICE_TYPE_CPU, "Intel(R) Corporation", "Intel(R) Xeon(R) Processor", "", "" }, many, true, true, true },
        { { CL_DEVICE_TYPE_CPU, "Intel(R) Corporation", "AMD EPYC 9R14", "", "" }, many, true, true, true },
        { { CL_DEVICE_TYPE_GPU, "NVIDIA Corporation", "NVIDIA H200", "", "" }, many, false, false, true },
        { { CL_DEVICE_TYPE_GPU, "Advanced Micro Devices, Inc.", "gfx90a:sramecc+:xnack-", "", "" }, many, false, false, true },
        { { CL_DEVICE_TYPE_GPU, "Advanced Micro Devices, Inc.", "gfx1100", "", "" }, few, false, false, true },
        { { CL_DEVICE_TYPE_GPU, "AMD", "AMD Radeon RX 6800 (navi21, LLVM 15.0.6, DRM 3.49)", "", "" },
          few,
          false,
          false,
          true },
        { { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", "Intel(R) Arc(TM) A770 Graphics", "", "" }, few, false, false, true },
        { { CL_DEVICE_TYPE_GPU, "ARM", "Mali-G78", "", "" }, few, false, false, true },
        { { CL_DEVICE_TYPE_CPU, "Mesa/X.org", "llvmpipe (LLVM 15.0.6, 256 bits)", "", "" }, many, true, false, false },
        { { CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU, "University of Bristol", "Oclgrind Simulator", "", "" },
          many,
          true,
          true,
          false },
    };
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        const struct device_identity *of = &devices[i].identity;
        struct device_facts facts = {
            .is_vector_cpu = (of->type & CL_DEVICE_TYPE_CPU) != 0, .can_fetch = true, .compute_units = 2, .cache_size = cache
        };
        bn_apply_quirks(of, &facts);
        ck_assert_msg(facts.register_size == devices[i].registers, "registers of %s", of->name);
        ck_assert_msg(facts.cache_size == (devices[i].shares_cache ? (size_t)4 << 20 : cache), "cache of %s", of->name);
        ck_assert_msg(facts.is_vector_cpu == devices[i].is_vector_cpu, "vectors of %s", of->name);
        ck_assert_msg(facts.can_fetch == devices[i].can_fetch, "prefetch of %s", of->name);
    }
}
END_TEST

/* 16 MiB to a compute unit: two cores of Zen 4 with a third of their last cache have that. */
START_TEST(a_cache_that_units_can_have_is_as_opencl_says)
{
    const struct device_identity identity = { CL_DEVICE_TYPE_CPU, "AuthenticAMD", "cpu-znver4", "", "" };
    const size_t sizes[] = { 0, (size_t)8 << 20, (size_t)64 << 20, ((size_t)64 << 20) + 4, SIZE_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct device_facts facts = { .compute_units = 4, .cache_size = sizes[i] };
        bn_apply_quirks(&identity, &facts);
        ck_assert_uint_eq(facts.cache_size, sizes[i] <= (size_t)64 << 20 ? sizes[i] : (size_t)8 << 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: quirks");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, quirks_act_on_those_whom_they_concern);
    tcase_add_test(cases, a_cache_that_units_can_have_is_as_opencl_says);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
