/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <string.h>

const char *const job_type_names[] = { "auto", "float32", "float64", "float16", "bfloat16", NULL };

int job_check_options(const struct command_line *command, const struct job *job)
{
    if (job->form.per_activation && option_given(command, "axis"))
        return usage_error(command, "options --axis and --per-activation exclude each other");
    return activation_check(command, &job->activation);
}

static clbn_plan create_plan(const struct job *job, clbn_engine engine, struct failure *failure)
{
    const struct npy_header *model = &operands_model(&job->set)->array.header;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    clbn_plan plan;
    cl_int status;

    desc.type = (clbn_type)job->form.type;
    desc.rank = model->rank;
    desc.channel_axes = job->form.per_activation ? CLBN_AXIS(model->rank) - CLBN_AXIS(1) : CLBN_AXIS(job->form.axis);
    memcpy(desc.shape, model->shape, model->rank * sizeof(desc.shape[0]));
    desc.epsilon = job->epsilon;
    desc.ghost_batch = (size_t)job->form.ghost_batch;
    activation_describe(&job->activation, &desc);
    plan = clbnCreatePlan(engine, &desc, &status);
    if (plan == NULL)
        fail_clbn(failure, "creating the plan", status);
    return plan;
}

static bool compute(const struct job *job, clbn_plan plan, cl_command_queue queue, struct failure *failure)
{
    cl_event event = NULL;
    cl_int status;

    if (!operands_have_results(&job->set))
        return true;
    status = job->enqueue(job, plan, queue, &event);
    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "the batch normalization", status);
    status = event != NULL ? clWaitForEvents(1, &event) : clFinish(queue);
    if (event != NULL)
        clReleaseEvent(event);
    return status == CL_SUCCESS || fail_opencl(failure, "waiting for the device", status);
}

static bool do_work(struct job *job, struct failure *failure)
{
    struct session session = { 0 };
    clbn_plan plan = NULL;
    bool done = false;

    if (!operands_read(&job->set, &job->form, failure) || !session_open(&session, &job->session, failure))
        goto cleanup;
    plan = create_plan(job, session.engine, failure);
    if (plan == NULL)
        goto cleanup;
    done = operands_read_masks(&job->set, plan, failure) && operands_upload(&job->set, &session, failure) &&
           compute(job, plan, session.queue, failure) && operands_download(&job->set, &session, failure) &&
           operands_write(&job->set, failure);

cleanup:
    operands_close(&job->set);
    clbnReleasePlan(plan);
    session_close(&session);
    return done;
}

int job_run(const struct command_line *command, struct job *job)
{
    struct failure failure;

    if (!operands_check_paths(&job->set, &failure))
        return usage_error(command, "%s", failure.sentence);
    if (do_work(job, &failure))
        return EXIT_DONE;
    report_failure(&failure);
    return EXIT_FAILED;
}
