/* SPDX-License-Identifier: MIT */
#include "api/entry.h"

#include "api/ghost_calls.h"
#include "base/sized.h"
#include "base/status.h"
#include "enqueue/launch.h"

static cl_int check_queue(clbn_engine engine, cl_command_queue queue)
{
    cl_context context = NULL;
    cl_device_id device = NULL;
    if (!queue)
        return bn_fail(CL_INVALID_COMMAND_QUEUE, "the queue is NULL, expected a command queue of the engine's device.");
    cl_int status = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL);
    if (status == CL_SUCCESS)
        status = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetCommandQueueInfo");
    if (context != engine->context)
        return bn_fail(CLBN_WRONG_CONTEXT, "the queue belongs to another context than the engine, expected the same.");
    if (device != engine->device)
        return bn_fail(CLBN_WRONG_DEVICE, "the queue belongs to another device than the engine, expected the same.");
    return CLBN_SUCCESS;
}

static cl_int check_wait_list(const struct call *call)
{
    if ((call->wait_count == 0) != (call->wait_list == NULL))
        return bn_fail(CL_INVALID_EVENT_WAIT_LIST, "num_events_in_wait_list is %u, but event_wait_list is %sNULL.",
                       (unsigned)call->wait_count, call->wait_list ? "not " : "");
    for (cl_uint i = 0; i < call->wait_count; i++)
        if (!call->wait_list[i])
            return bn_fail(CL_INVALID_EVENT_WAIT_LIST, "event_wait_list[%u] is NULL, expected an event.", (unsigned)i);
    return CLBN_SUCCESS;
}

cl_int bn_check_operations(clbn_plan plan, clbn_operations any)
{
    const clbn_operations operations = plan->desc.operations;
    if (operations & any)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_WRONG_OPERATION, "the plan is for the operations 0x%x, expected some of 0x%x (CLBN_OPERATION_*).",
                   (unsigned)operations, (unsigned)any);
}

cl_int bn_check_call(const struct call *call, clbn_operations any, clbn_struct which, const void *args, void *known)
{
    if (!call->plan)
        return bn_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    cl_int status = bn_check_operations(call->plan, any);
    if (status == CLBN_SUCCESS)
        status = bn_take_struct(which, args, known);
    if (status == CLBN_SUCCESS)
        status = check_queue(call->plan->engine, call->queue);
    return status == CLBN_SUCCESS ? check_wait_list(call) : status;
}

enum strategy bn_strategy_of(const struct entry *entry, const struct request *r, clbn_plan plan)
{
    const enum strategy usual = r->strategy < STRATEGIES ? r->strategy : plan->schedules[entry->pass].strategy;
    return r->in_place ? bn_strategy_in_place(usual) : usual;
}

cl_int bn_enqueue_request(const struct entry *entry, struct request *r)
{
    struct operation operation;
    bn_begin_operation(&operation, &r->call, entry->pass, bn_strategy_of(entry, r, r->plan), r->workspace, r->keeps_statistics);
    do
        entry->add_steps(&operation, r);
    while (bn_next_slice(&operation));
    return bn_finish_operation(&operation);
}

cl_int bn_check_request(const struct entry *entry, struct request *r, const void *args)
{
    r->plan = r->call.plan;
    r->has_work = true;
    r->strategy = STRATEGIES;
    cl_int status = bn_check_call(&r->call, 1u << entry->pass, entry->which, args, &r->args);
    if (status == CLBN_SUCCESS && !entry->take_ghost && !entry->ignores_ghosts)
        status = bn_refuse_ghosts(r->plan);
    return status == CLBN_SUCCESS ? entry->check(r) : status;
}

cl_int bn_enqueue(const struct entry *entry, const struct call *call, const void *args)
{
    struct request request = { .call = *call };
    cl_int status = bn_check_request(entry, &request, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (!request.has_work)
        return bn_launch_nothing(call);
    if (call->plan->ghosts.count > 0 && entry->take_ghost)
        return bn_enqueue_ghosts(entry, &request);
    return bn_enqueue_request(entry, &request);
}
