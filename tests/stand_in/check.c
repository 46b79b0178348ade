/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TESTS = 256, MAX_CASES = 32 };

struct fixture {
    SFun setup, teardown; /* NULL: none */
};

struct TCase {
    const char *name;
    struct fixture once, each;
    struct {
        const TTest *test;
        int first, end;
    } tests[MAX_TESTS];
    int count;
};

struct Suite {
    const char *name;
    TCase *cases[MAX_CASES];
    int count;
};

struct SRunner {
    Suite *suite;
    int run, failed;
};

static jmp_buf leave_test;

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void must_fit(int count, int maximum)
{
    if (count == maximum) {
        fprintf(stderr, "more than %d tests or cases\n", maximum);
        exit(EXIT_FAILURE);
    }
}

Suite *suite_create(const char *name)
{
    Suite *suite = allocate(sizeof(*suite));

    suite->name = name;
    return suite;
}

TCase *tcase_create(const char *name)
{
    TCase *test_case = allocate(sizeof(*test_case));

    test_case->name = name;
    return test_case;
}

void suite_add_tcase(Suite *suite, TCase *test_case)
{
    must_fit(suite->count, MAX_CASES);
    suite->cases[suite->count++] = test_case;
}

void tcase_set_timeout(TCase *test_case, double seconds)
{
    (void)test_case;
    (void)seconds;
}

void tcase_add_unchecked_fixture(TCase *test_case, SFun setup, SFun teardown)
{
    test_case->once = (struct fixture){ setup, teardown };
}

void tcase_add_checked_fixture(TCase *test_case, SFun setup, SFun teardown)
{
    test_case->each = (struct fixture){ setup, teardown };
}

void tcase_add_loop_test(TCase *test_case, const TTest *test, int first, int end)
{
    must_fit(test_case->count, MAX_TESTS);
    test_case->tests[test_case->count].test = test;
    test_case->tests[test_case->count].first = first;
    test_case->tests[test_case->count++].end = end;
}

SRunner *srunner_create(Suite *suite)
{
    SRunner *runner = allocate(sizeof(*runner));

    runner->suite = suite;
    return runner;
}

void srunner_set_fork_status(SRunner *runner, int status)
{
    (void)runner;
    (void)status;
}

void stand_in_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    printf("%s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    longjmp(leave_test, 1);
}

static void call(SFun function)
{
    if (function != NULL)
        function();
}

static void run_test(SRunner *runner, const TCase *test_case, const TTest *test, int i)
{
    runner->run++;
    if (setjmp(leave_test) == 0) {
        call(test_case->each.setup);
        test->function(i);
    } else {
        printf("FAILED: %s: %s: %d\n", test_case->name, test->name, i);
        runner->failed++;
    }
    if (setjmp(leave_test) == 0)
        call(test_case->each.teardown);
}

void srunner_run_all(SRunner *runner, int verbosity)
{
    const Suite *suite = runner->suite;

    (void)verbosity;
    printf("Running suite(s): %s\n", suite->name);
    for (int i = 0; i < suite->count; i++) {
        const TCase *test_case = suite->cases[i];

        call(test_case->once.setup);
        for (int j = 0; j < test_case->count; j++)
            for (int k = test_case->tests[j].first; k < test_case->tests[j].end; k++)
                run_test(runner, test_case, test_case->tests[j].test, k);
        call(test_case->once.teardown);
    }
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n",
           runner->run > 0 ? 100 * (runner->run - runner->failed) / runner->run : 100, runner->run, runner->failed);
}

int srunner_ntests_failed(SRunner *runner)
{
    return runner->failed;
}

void srunner_free(SRunner *runner)
{
    for (int i = 0; i < runner->suite->count; i++)
        free(runner->suite->cases[i]);
    free(runner->suite);
    free(runner);
}
