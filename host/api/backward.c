/* SPDX-License-Identifier: MIT */
#include "api/backward_checks.h"
#include "api/entries.h"
#include "api/ghost_calls.h"

static cl_int check(struct request *r)
{
    const clbn_backward_args *a = &r->args.backward;
    const struct backward b = { a->x,           a->dy,
                                a->z,           a->y,
                                a->mask,        a->gamma,
                                a->beta,        a->save_mean,
                                a->save_invstd, a->dx,
                                a->dz,          a->dgamma,
                                a->dbeta,       .factors = { a->dx_factor, a->dgamma_factor, a->dbeta_factor } };
    r->backward = b;
    cl_int status = bn_check_whole_backward(r, a->workspace);
    r->keeps_statistics = !bn_is_empty(r->plan) && bn_is_present(r->backward.x) && !bn_is_present(b.mean);
    if (status == CLBN_SUCCESS && r->keeps_statistics)
        status = bn_check_operations(r->plan, CLBN_OPERATION_FORWARD);
    return status;
}

static cl_int check_frozen(struct request *r)
{
    const clbn_backward_frozen_args *a = &r->args.frozen;
    const struct backward b = { a->x,     a->dy,           a->z,
                                a->y,     a->mask,         a->gamma,
                                a->beta,  a->running_mean, a->running_var,
                                a->dx,    a->dz,           a->dgamma,
                                a->dbeta, .frozen = true,  .factors = { a->dx_factor, a->dgamma_factor, a->dbeta_factor } };
    r->backward = b;
    return bn_check_whole_backward(r, a->workspace);
}

/* The statistics that the caller did not give, into the workspace, which has those of the slice: views are of all channels. */
static void add_missing_statistics(struct operation *o, struct backward *b)
{
    clbn_forward_training_args statistics = CLBN_FORWARD_TRAINING_ARGS_INIT;
    b->mean = o->workspace.mean;
    b->deviation = o->workspace.invstd;
    b->mean.offset -= o->steps.slice.first;
    b->deviation.offset -= o->steps.slice.first;
    statistics.x = b->x;
    statistics.save_mean = b->mean;
    statistics.save_invstd = b->deviation;
    bn_add_forward_steps(o, &statistics);
}

static void add_steps(struct operation *operation, struct request *r)
{
    if (r->keeps_statistics)
        add_missing_statistics(operation, &r->backward);
    if (bn_is_empty(r->plan))
        bn_add_empty_backward_step(operation, &r->backward);
    else
        bn_add_backward_steps(operation, &r->backward);
}

/* The parameters' gradients of each are added to those of the ones before. */
static void take_ghost(struct request *r, const struct ghosts *ghosts, size_t number)
{
    struct backward *b = &r->backward;
    bn_move_tensor(&b->x, ghosts, TENSOR_X, number);
    bn_move_tensor(&b->dy, ghosts, TENSOR_DY, number);
    bn_move_tensor(&b->z, ghosts, TENSOR_Z, number);
    bn_move_tensor(&b->y, ghosts, TENSOR_Y, number);
    bn_move_tensor(&b->dx, ghosts, TENSOR_DX, number);
    bn_move_tensor(&b->dz, ghosts, TENSOR_DZ, number);
    bn_move_mask(&b->mask, ghosts, number);
    bn_move_statistics(&b->mean, ghosts, number);
    bn_move_statistics(&b->deviation, ghosts, number);
    if (number > 0)
        b->factors.dgamma = b->factors.dbeta = 1;
}

const struct entry bn_backward_entry = { CLBN_STRUCT_BACKWARD_ARGS, PASS_BACKWARD, check, add_steps, .take_ghost = take_ghost };

cl_int clbnEnqueueBackward(clbn_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                           cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_backward_entry, &call, args);
}

const struct entry bn_backward_frozen_entry = { CLBN_STRUCT_BACKWARD_FROZEN_ARGS, PASS_BACKWARD, check_frozen, add_steps,
                                                .ignores_ghosts = true };

cl_int clbnEnqueueBackwardFrozen(clbn_plan plan, cl_command_queue queue, const clbn_backward_frozen_args *args,
                                 cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_backward_frozen_entry, &call, args);
}
