/* SPDX-License-Identifier: MIT */
#include "api/ghost_calls.h"

#include "base/integers.h"
#include "base/status.h"

cl_int bn_refuse_ghosts(clbn_plan plan)
{
    if (plan->ghosts.count == 0)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_WRONG_OPERATION,
                   "the plan has %zu ghost batches, which this call does not know, expected a plan whose "
                   "ghost_batch is 0.",
                   plan->ghosts.count);
}

void bn_move_tensor(clbn_view *view, const struct ghosts *g, enum tensor tensor, size_t number)
{
    view->offset += number * g->steps[tensor];
}

void bn_move_mask(clbn_view *view, const struct ghosts *g, size_t number)
{
    view->offset += number * g->whole->mask_size;
}

void bn_move_statistics(clbn_view *view, const struct ghosts *g, size_t number)
{
    view->offset += number * g->whole->shape.channels;
}

/* Bytes that each call of the whole takes, one after another. */
static size_t measure(const struct entry *entry, const struct request *r)
{
    const struct ghosts *g = &r->plan->ghosts;
    const clbn_plan plans[] = { g->whole, g->last };
    size_t bytes = 0;
    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        const enum strategy strategy = bn_strategy_of(entry, r, plans[i]);
        bytes = greater(bytes, bn_measure_operation(plans[i], entry->pass, strategy, r->keeps_statistics));
    }
    return bytes;
}

/* A call in progress. */
struct ghost_calls {
    const struct entry *entry;
    const struct request *all;
    clbn_view workspace;      /* which they share, or absent */
    bool in_order;            /* as the queue is */
    cl_event before;          /* of the last one, where the queue is not */
    struct recorder recorder; /* of the next one, where they are recorded */
    cl_uint sync_point;       /* of the last one */
};

/* The whole call's wait list is the first's, its sync point the last's. */
static void choose_sync_points(struct ghost_calls *c, struct call *call, size_t number)
{
    c->recorder = *call->recorder;
    call->recorder = &c->recorder;
    if (number > 0) {
        c->recorder.wait_count = 1;
        c->recorder.wait_list = &c->sync_point;
    }
    if (number + 1 < c->all->plan->ghosts.count)
        c->recorder.sync_point = &c->sync_point;
}

/* The whole call's wait list is the first's, its event the last's. */
static cl_int enqueue_ghost(struct ghost_calls *c, size_t number)
{
    const struct ghosts *g = &c->all->plan->ghosts;
    struct request own = *c->all;
    cl_event done = NULL;
    own.plan = own.call.plan = bn_ghost_plan(g, number);
    own.workspace = c->workspace;
    if (number > 0) {
        own.call.wait_count = c->before ? 1 : 0;
        own.call.wait_list = c->before ? &c->before : NULL;
    }
    if (number + 1 < g->count)
        own.call.event = c->in_order ? NULL : &done;
    if (own.call.recorder)
        choose_sync_points(c, &own.call, number);
    c->entry->take_ghost(&own, g, number);
    const cl_int status = bn_enqueue_request(c->entry, &own);
    if (c->before)
        clReleaseEvent(c->before);
    c->before = done;
    return status;
}

cl_int bn_enqueue_ghosts(const struct entry *entry, const struct request *request)
{
    struct ghost_calls calls = { .entry = entry, .all = request };
    struct workspace memory;
    cl_int status = bn_is_in_order(request->call.queue, &calls.in_order);
    if (status == CLBN_SUCCESS)
        status = bn_open_workspace(&memory, &request->call, request->workspace, measure(entry, request));
    if (status != CLBN_SUCCESS)
        return status;
    calls.workspace = memory.partials;
    for (size_t number = 0; number < request->plan->ghosts.count && status == CLBN_SUCCESS; number++)
        status = enqueue_ghost(&calls, number);
    if (calls.before)
        clReleaseEvent(calls.before);
    bn_close_workspace(&memory);
    return status;
}
