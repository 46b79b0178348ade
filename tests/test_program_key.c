/* SPDX-License-Identifier: MIT */
/* What a stored program is bound to: another device, driver, source, order of sources or option is another key. No device is
 * needed: what OpenCL says of one comes from here. */
#define _POSIX_C_SOURCE 200809L
#include "cache_files.h"
#include "program/program_cache.h"
#include "suite_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* What is asked, in any order; one of them may be answered differently, or not at all. */
static cl_uint changed, refused;

cl_int __wrap_clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret);
cl_int __wrap_clGetPlatformInfo(cl_platform_id platform, cl_platform_info name, size_t size, void *value, size_t *size_ret);

static cl_int answer(cl_uint name, size_t size, void *value, size_t *size_ret)
{
    char text[64];
    const int length = snprintf(text, sizeof text, "answer to %x%s", (unsigned)name, name == changed ? ", another" : "");
    if (name == refused || size <= (size_t)length)
        return CL_INVALID_VALUE;
    memcpy(value, text, (size_t)length + 1);
    *size_ret = (size_t)length + 1;
    return CL_SUCCESS;
}

cl_int __wrap_clGetPlatformInfo(cl_platform_id platform, cl_platform_info name, size_t size, void *value, size_t *size_ret)
{
    (void)platform;
    return answer(name, size, value, size_ret);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    static const cl_platform_id platform = NULL;
    const cl_uint bits = name == changed ? 32 : 64;
    (void)device;
    if (name == refused)
        return CL_INVALID_VALUE;
    if (name == CL_DEVICE_PLATFORM)
        memcpy(value, &platform, sizeof platform);
    else if (name == CL_DEVICE_ADDRESS_BITS)
        memcpy(value, &bits, sizeof bits);
    else
        return answer(name, size, value, size_ret);
    return CL_SUCCESS;
}

static const cl_uint asked[] = { CL_PLATFORM_NAME,  CL_PLATFORM_VERSION, CL_DEVICE_NAME,        CL_DEVICE_VENDOR,
                                 CL_DEVICE_VERSION, CL_DRIVER_VERSION,   CL_DEVICE_ADDRESS_BITS };

static const char *const sources[] = { "kernel void one() {}", "kernel void two() {}" };
static const char *const options = "-DCLBN_TYPE=1";

static char *key_of(cl_uint count, const char *const *texts, const char *with)
{
    size_t lengths[2];
    for (cl_uint i = 0; i < count; i++)
        lengths[i] = strlen(texts[i]);
    return bn_program_key(NULL, count, texts, lengths, with);
}

static void expect_another(const char *key, const char *what)
{
    char *usual = key_of(2, sources, options);
    ck_assert_ptr_nonnull(usual);
    ck_assert_ptr_nonnull(key);
    ck_assert_msg(strcmp(key, usual) != 0, "another %s has the same key", what);
    free(usual);
}

static void set_up(void)
{
    cache_files_open();
    changed = refused = 0;
}

static void tear_down(void)
{
    cache_files_close();
}

START_TEST(the_same_is_the_same)
{
    char *one = key_of(2, sources, options), *other = key_of(2, sources, options);
    ck_assert_str_eq(one, other);
    ck_assert_ptr_nonnull(strstr(one, clbnVersion()));
    free(one);
    free(other);
}
END_TEST

START_TEST(another_device_or_driver_is_another_key)
{
    char what[32];
    changed = asked[_i];
    char *key = key_of(2, sources, options);
    changed = 0;
    snprintf(what, sizeof what, "answer to %x", (unsigned)asked[_i]);
    expect_another(key, what);
    free(key);
}
END_TEST

/* Every byte of both sources. */
START_TEST(other_sources_are_another_key)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        for (size_t at = 0; at < strlen(sources[i]); at++) {
            char text[64];
            const char *texts[] = { sources[0], sources[1] };
            snprintf(text, sizeof text, "%s", sources[i]);
            text[at] ^= 1;
            texts[i] = text;
            char *key = key_of(2, texts, options);
            expect_another(key, "source");
            free(key);
        }
    const char *const turned[] = { sources[1], sources[0] };
    char *keys[] = { key_of(2, turned, options), key_of(1, sources, options), key_of(2, sources, "-DCLBN_TYPE=2"),
                     key_of(2, sources, "") };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        expect_another(keys[i], "order, number or option");
        free(keys[i]);
    }
}
END_TEST

/* What cannot be told apart is not stored. */
START_TEST(without_an_answer_there_is_no_key)
{
    refused = asked[_i];
    ck_assert_ptr_null(key_of(2, sources, options));
}
END_TEST

START_TEST(options_that_do_not_fit_give_no_key)
{
    for (size_t length = 3500; length < 4200; length++) {
        char *text = malloc(length + 1);
        ck_assert_ptr_nonnull(text);
        memset(text, 'x', length);
        text[length] = '\0';
        char *key = key_of(2, sources, text);
        ck_assert_msg(key == NULL || (strstr(key, text) != NULL && strstr(key, "64 bits") != NULL), "%zu bytes", length);
        ck_assert(length < 4096 || key == NULL);
        free(key);
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program key");
    TCase *cases = tcase_create("key");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_same_is_the_same);
    tcase_add_loop_test(cases, another_device_or_driver_is_another_key, 0, (int)COUNT_OF(asked));
    tcase_add_test(cases, other_sources_are_another_key);
    tcase_add_loop_test(cases, without_an_answer_there_is_no_key, 0, (int)COUNT_OF(asked));
    tcase_add_test(cases, options_that_do_not_fit_give_no_key);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
