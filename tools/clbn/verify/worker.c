/* SPDX-License-Identifier: MIT */
#include "verify/worker.h"

#include "engines.h"
#include "failing.h"
#include "io/device.h"
#include "repeat.h"
#include "verify.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct verify_message message;
static int message_pipe;
static jmp_buf after_failure;

/* Who listens has gone: there is nothing left to do. */
static void say(enum verify_word word)
{
    message.word = word;
    if (write(message_pipe, &message, sizeof message) != (ssize_t)sizeof message)
        _exit(EXIT_FAILURE);
}

static void take_failure(const char *sentence)
{
    snprintf(message.text, sizeof message.text, "%s", sentence);
    longjmp(after_failure, 1);
}

static bool find_device(const char *wanted)
{
    struct device_list list;
    struct failure failure;
    size_t index;
    if (!device_list_open(&list, &failure) || !device_list_find(&list, wanted, &index, &failure)) {
        snprintf(message.text, sizeof message.text, "%.1000s", failure.sentence);
        return false;
    }
    use_device(list.entries[index].device);
    snprintf(message.device.name, VERIFY_NAME, "%s", list.entries[index].name);
    snprintf(message.device.platform, VERIFY_NAME, "%s", list.entries[index].platform_name);
    device_list_close(&list);
    return true;
}

static void describe_device(struct verify_device *device)
{
    clbn_engine engine = NULL;
    clbn_geometry geometry = CLBN_GEOMETRY_AUTO;
    cl_int status = CL_SUCCESS;
    clGetDeviceInfo(test_device(), CL_DRIVER_VERSION, VERIFY_NAME, device->driver, NULL);
    engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    expect_that(engine != NULL, "creating an engine: %s", clbnLastError());
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_GEOMETRY, sizeof geometry, &geometry, NULL));
    clbnReleaseEngine(engine);
    device->in_groups = geometry == CLBN_GEOMETRY_GROUP;
    device->has_float64 = device_has_float64();
    device->has_out_of_order_queues = device_has_out_of_order_queues();
}

void verify_worker_describe(const char *wanted, int pipe)
{
    message_pipe = pipe;
    on_failed_check(take_failure);
    if (!find_device(wanted) || setjmp(after_failure) != 0) {
        say(VERIFY_UNABLE);
        return;
    }
    describe_device(&message.device);
    say(VERIFY_DEVICE);
}

static void check_results(struct verify_case *the_case, struct run *run)
{
    message.stage = VERIFY_RESULTS;
    *run = run_prepare(test_engine(the_case->config), &the_case->problem, &the_case->call);
    run_now(run);
    verify_run(run);
}

/* With another workspace, and where the device has them, in another kind of queue. */
static void check_repeated(struct verify_case *the_case, struct run *first)
{
    struct call call = the_case->call;
    message.stage = VERIFY_REPEATED;
    call.own_workspace = !call.own_workspace;
    struct run again = run_prepare(test_engine(the_case->config), &the_case->problem, &call);
    cl_event event = NULL;
    expect_success(
        run_enqueue(&again, device_has_out_of_order_queues() ? out_of_order_queue() : in_order_queue(), 0, NULL, &event));
    run_wait(event);
    expect_same_outputs(&again, first);
    run_release(&again);
}

/* The first run's input must be as it was: in place it is not. */
static void check_late(struct verify_case *the_case, struct run *first)
{
    struct call call = the_case->call;
    message.stage = VERIFY_LATE;
    if (call.in_place || call.residual_in_place || !device_has_out_of_order_queues())
        return;
    struct run late = run_prepare(test_engine(the_case->config), &the_case->problem, &call);
    run_with_late_input(&late, first, out_of_order_queue());
    expect_same_outputs(&late, first);
    run_release(&late);
}

/* Results are of the tensors' type, or of the parameters' type. */
static void note_worst_errors(clbn_type type)
{
    for (int quantity = 0; quantity < QUANTITIES; quantity++) {
        const struct worst_error error = worst_error_of((enum quantity)quantity, type);
        message.worst[quantity] = error.compared > 0 ? error : worst_error_of((enum quantity)quantity, parameter_type(type));
    }
}

/* What a failed check leaves behind is freed when the process ends. */
static void check_case(size_t seed)
{
    struct verify_case the_case;
    struct run run;
    message.seed = seed;
    say(VERIFY_BEGINS);
    forget_worst_errors();
    if (setjmp(after_failure) != 0) {
        say(VERIFY_FAILED);
        return;
    }
    verify_case_prepare(&the_case, seed);
    say_call(the_case.config, &the_case.problem, &the_case.call);
    check_results(&the_case, &run);
    check_repeated(&the_case, &run);
    check_late(&the_case, &run);
    run_release(&run);
    note_worst_errors(the_case.problem.type);
    verify_case_release(&the_case);
    say(VERIFY_PASSED);
}

void verify_worker_check(const char *wanted, const struct verify_selection *selection, size_t first, int pipe)
{
    const size_t end = (first / VERIFY_CASES_OF_PROGRAM + 1) * VERIFY_CASES_OF_PROGRAM;
    message_pipe = pipe;
    on_failed_check(take_failure);
    if (!find_device(wanted)) {
        say(VERIFY_UNABLE);
        return;
    }
    if (selection->spares_compilation)
        spare_compilation(SPARE_UNUSUAL_PROGRAMS);
    for (size_t seed = first; seed < end; seed++)
        if (verify_has_case(selection, seed))
            check_case(seed);
    say(VERIFY_ENDS);
}
