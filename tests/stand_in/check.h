/* SPDX-License-Identifier: MIT */
/*
 * What the suites use of Check (https://libcheck.github.io/check), for machines that have not got it.
 *
 * Tests run one after the other in the suite's own process, as the suites ask of Check, too; a failed assertion leaves its test.
 * Time limits are not kept.
 */
#ifndef CLBN_STAND_IN_CHECK_H
#define CLBN_STAND_IN_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef void (*TFun)(int);
typedef void (*SFun)(void);

typedef struct {
    const char *name;
    TFun function;
} TTest;

typedef struct TCase TCase;
typedef struct Suite Suite;
typedef struct SRunner SRunner;

enum { CK_NOFORK };
enum { CK_NORMAL };

#define START_TEST(test)                                                                                                       \
    static void test##_function(int _i);                                                                                       \
    static const TTest test##_test = { #test, test##_function };                                                               \
    static const TTest *const test = &test##_test;                                                                             \
    static void test##_function(int _i)                                                                                        \
    {                                                                                                                          \
        (void)_i;
#define END_TEST }

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *test_case);
void tcase_set_timeout(TCase *test_case, double seconds);
void tcase_add_unchecked_fixture(TCase *test_case, SFun setup, SFun teardown);
void tcase_add_checked_fixture(TCase *test_case, SFun setup, SFun teardown);
void tcase_add_loop_test(TCase *test_case, const TTest *test, int first, int end);
#define tcase_add_test(test_case, test) tcase_add_loop_test(test_case, test, 0, 1)

SRunner *srunner_create(Suite *suite);
void srunner_set_fork_status(SRunner *runner, int status);
void srunner_run_all(SRunner *runner, int verbosity);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

/* Prints where and what, and leaves the test. */
void stand_in_fail(const char *file, int line, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(C99_PRINTF, 3, 4), noreturn))
#endif
    ;

#define ck_abort_msg(...)             stand_in_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...) ((condition) ? (void)0 : stand_in_fail(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert(condition)          ck_assert_msg(condition, "%s", "not true: " #condition)

#define STAND_IN_COMPARE(type, format, a, operator, b)                                                                         \
    do {                                                                                                                       \
        type stand_in_a = (a);                                                                                                 \
        type stand_in_b = (b);                                                                                                 \
        ck_assert_msg(stand_in_a operator stand_in_b, "not true: %s (" format " and " format ")", #a " " #operator" " #b,      \
                      stand_in_a, stand_in_b);                                                                                 \
    } while (0)

#define ck_assert_int_eq(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, ==, b)
#define ck_assert_int_ne(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, !=, b)
#define ck_assert_int_lt(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, <, b)
#define ck_assert_int_le(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, <=, b)
#define ck_assert_int_gt(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, >, b)
#define ck_assert_int_ge(a, b)    STAND_IN_COMPARE(intmax_t, "%jd", a, >=, b)
#define ck_assert_uint_eq(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, ==, b)
#define ck_assert_uint_ne(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, !=, b)
#define ck_assert_uint_lt(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, <, b)
#define ck_assert_uint_le(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, <=, b)
#define ck_assert_uint_gt(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, >, b)
#define ck_assert_uint_ge(a, b)   STAND_IN_COMPARE(uintmax_t, "%ju", a, >=, b)
#define ck_assert_double_eq(a, b) STAND_IN_COMPARE(double, "%.17g", a, ==, b)
#define ck_assert_double_lt(a, b) STAND_IN_COMPARE(double, "%.17g", a, <, b)
#define ck_assert_double_le(a, b) STAND_IN_COMPARE(double, "%.17g", a, <=, b)
#define ck_assert_double_gt(a, b) STAND_IN_COMPARE(double, "%.17g", a, >, b)
#define ck_assert_double_ge(a, b) STAND_IN_COMPARE(double, "%.17g", a, >=, b)
#define ck_assert_ptr_eq(a, b)    STAND_IN_COMPARE(const void *, "%p", a, ==, b)
#define ck_assert_ptr_ne(a, b)    STAND_IN_COMPARE(const void *, "%p", a, !=, b)
#define ck_assert_ptr_null(a)     ck_assert((a) == NULL)
#define ck_assert_ptr_nonnull(a)  ck_assert((a) != NULL)

#define ck_assert_double_eq_tol(a, b, tolerance) ck_assert_double_le(fabs((a) - (b)), tolerance)
#define ck_assert_str_eq(a, b)                   ck_assert_msg(strcmp(a, b) == 0, "'%s' is not '%s'", a, b)
#define ck_assert_str_ne(a, b)                   ck_assert_msg(strcmp(a, b) != 0, "'%s' should be another", a)
#define ck_assert_mem_eq(a, b, size)             ck_assert_msg(memcmp(a, b, size) == 0, "%s differ", #a " and " #b)

#endif
