/* SPDX-License-Identifier: MIT */
#include "api/backward_checks.h"
#include "api/call_checks.h"
#include "api/entries.h"
#include "base/status.h"

static cl_int check_records(const struct request *r, const char *name, size_t count)
{
    if (count > 0 && !bn_is_present(r->backward.records))
        return bn_fail(CLBN_MISSING_VIEW, "%s is absent, expected a view of %zu elements.", name, count);
    return CLBN_SUCCESS;
}

static cl_int check_sums(struct request *r)
{
    const clbn_backward_sums_args *a = &r->args.sums;
    const struct backward b = { a->x,     a->dy,   a->z,         a->y,           a->mask,
                                a->gamma, a->beta, a->save_mean, a->save_invstd, .records = a->sums };
    r->backward = b;
    r->workspace = a->workspace;
    r->has_work = r->plan->shape.channels > 0;
    r->strategy = bn_is_empty(r->plan) ? STRATEGY_NONE : STRATEGY_SPLIT;
    cl_int status = check_records(r, "sums", CLBN_SUMS_ROWS * r->plan->shape.channels);
    return status == CLBN_SUCCESS ? bn_check_backward(r->plan, &r->backward, true, a->workspace) : status;
}

static void add_sums(struct operation *operation, struct request *r)
{
    if (bn_is_empty(r->plan))
        bn_add_empty_backward_step(operation, &r->backward);
    else
        bn_add_sums_steps(operation, &r->backward);
}

const struct entry bn_backward_sums_entry = { CLBN_STRUCT_BACKWARD_SUMS_ARGS, PASS_BACKWARD, check_sums, add_sums,
                                              .ignores_ghosts = false };

cl_int clbnEnqueueBackwardSums(clbn_plan plan, cl_command_queue queue, const clbn_backward_sums_args *args,
                               cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_backward_sums_entry, &call, args);
}

static cl_int check_input(struct request *r)
{
    const clbn_backward_input_args *a = &r->args.input;
    const struct backward b = { a->x,
                                a->dy,
                                a->z,
                                a->y,
                                a->mask,
                                a->gamma,
                                a->beta,
                                a->save_mean,
                                a->save_invstd,
                                a->dx,
                                a->dz,
                                a->dgamma,
                                a->dbeta,
                                .factors = { a->dx_factor, a->dgamma_factor, a->dbeta_factor },
                                .records = a->records,
                                .parts = a->parts };
    const size_t record = CLBN_SUMS_ROWS * r->plan->shape.channels;
    r->backward = b;
    r->workspace = a->workspace;
    r->has_work = record > 0 && (!bn_is_empty(r->plan) || bn_is_present(b.dgamma) || bn_is_present(b.dbeta));
    r->strategy = bn_is_empty(r->plan) ? STRATEGY_NONE : STRATEGY_SPLIT;
    cl_int status = bn_check_parts(b.parts, record);
    if (status == CLBN_SUCCESS)
        status = check_records(r, "records", b.parts * record);
    if (status == CLBN_SUCCESS)
        status = bn_check_gradients(r->plan, &b);
    return status == CLBN_SUCCESS ? bn_check_backward(r->plan, &r->backward, bn_is_present(b.dx), a->workspace) : status;
}

static void add_input(struct operation *operation, struct request *r)
{
    bn_add_input_steps(operation, &r->backward);
}

const struct entry bn_backward_input_entry = { CLBN_STRUCT_BACKWARD_INPUT_ARGS, PASS_BACKWARD, check_input, add_input,
                                               .ignores_ghosts = false };

cl_int clbnEnqueueBackwardInput(clbn_plan plan, cl_command_queue queue, const clbn_backward_input_args *args,
                                cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_backward_input_entry, &call, args);
}
