/* SPDX-License-Identifier: MIT */
/* The peer with oneDNN's C interface. */
#include "bench/onednn.h"
#include "bench/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum peer_memory {
    PEER_X,
    PEER_DY,
    PEER_OUT, /* y or dx */
    PEER_MEAN,
    PEER_VAR,
    PEER_SCALE,
    PEER_SHIFT,
    PEER_DIFF_SCALE,
    PEER_DIFF_SHIFT,
    PEER_WORKSPACE, /* what a forward with ReLU keeps for the backward */
    PEER_MEMORIES
};

static const float epsilon = 1e-5f;

struct bench_peer {
    enum bench_op op;
    bool relu;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_desc_t tensor;
    bool has_tensor;
    dnnl_primitive_desc_t forward_desc;
    dnnl_primitive_desc_t backward_desc; /* NULL, or what is measured */
    dnnl_primitive_t forward;
    dnnl_primitive_t backward;
    dnnl_memory_t memories[PEER_MEMORIES];
    float *vectors[PEER_MEMORIES]; /* what memories of vectors use; NULL for others */
};

static bool check(dnnl_status_t status, const char *action, struct failure *failure)
{
    return status == dnnl_success || fail(failure, "%s failed in oneDNN with status %d", action, (int)status);
}

const char *bench_peer_version(void)
{
    static char text[64];
    const dnnl_version_t *version = dnnl_version();

    snprintf(text, sizeof(text), "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

/* Every shape is images to oneDNN: its code for other ranks is the same or slower. (m, d) are images of one pixel with
 * channels last. */
static bool describe_tensor(struct bench_peer *peer, const struct bench_case *the_case, struct failure *failure)
{
    static const dnnl_data_type_t types[BENCH_TYPES] = {
        [BENCH_FLOAT32] = dnnl_f32,
        [BENCH_FLOAT64] = dnnl_data_type_undef,
        [BENCH_FLOAT16] = dnnl_f16,
        [BENCH_BFLOAT16] = dnnl_bf16,
    };
    const struct bench_shape *shape = &the_case->shape;
    dnnl_dims_t sizes = { (dnnl_dim_t)shape->sizes[0], (dnnl_dim_t)shape->sizes[1], 1, 1 };

    for (cl_uint i = 2; i < shape->rank; i++)
        sizes[i == 2 ? 2 : 3] *= (dnnl_dim_t)shape->sizes[i];
    peer->has_tensor = check(
        onednn_describe(&peer->tensor, 4, sizes, types[the_case->type], the_case->layout == BENCH_NCHW ? dnnl_nchw : dnnl_nhwc),
        "describing a tensor", failure);
    return peer->has_tensor;
}

/* A memory on a vector of that many channels, which is kept in peer->vectors[i]: values, or zeros for NULL. */
static bool create_vector(struct bench_peer *peer, enum peer_memory i, size_t channels, const float *values,
                          struct failure *failure)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t sizes = { (dnnl_dim_t)channels };
    bool created;

    peer->vectors[i] = calloc(channels, sizeof(float));
    if (peer->vectors[i] == NULL)
        return fail(failure, "there is no memory for oneDNN's vectors");
    if (values != NULL)
        memcpy(peer->vectors[i], values, channels * sizeof(float));
    if (!check(onednn_describe(&desc, 1, sizes, dnnl_f32, dnnl_a), "describing a vector", failure))
        return false;
    created = check(dnnl_memory_create(&peer->memories[i], onednn_layout_of(&desc), peer->engine, peer->vectors[i]),
                    "creating a memory", failure);
    onednn_forget(&desc);
    return created;
}

/* The memory that oneDNN chooses itself, where it wants one. */
static bool create_workspace(struct bench_peer *peer, struct failure *failure)
{
    onednn_layout desc = dnnl_primitive_desc_query_md(peer->forward_desc, dnnl_query_workspace_md, 0);

    return desc == NULL || dnnl_memory_desc_get_size(desc) == 0 ||
           check(dnnl_memory_create(&peer->memories[PEER_WORKSPACE], desc, peer->engine, DNNL_MEMORY_ALLOCATE),
                 "creating a workspace", failure);
}

static bool create_memories(struct bench_peer *peer, const struct bench_tensors *tensors, struct failure *failure)
{
    void *const host_tensors[] = { [PEER_X] = tensors->host_tensors[BENCH_X],
                                   [PEER_DY] = tensors->host_tensors[BENCH_DY],
                                   [PEER_OUT] = tensors->host_tensors[BENCH_OUT] };
    const struct {
        enum peer_memory memory;
        const float *values;
    } vectors[] = {
        { PEER_MEAN, tensors->host_vectors[BENCH_MEAN] },
        { PEER_VAR, tensors->host_vectors[BENCH_VAR] },
        { PEER_SCALE, tensors->host_vectors[BENCH_GAMMA] },
        { PEER_SHIFT, tensors->host_vectors[BENCH_BETA] },
        { PEER_DIFF_SCALE, NULL },
        { PEER_DIFF_SHIFT, NULL },
    };

    for (size_t i = PEER_X; i <= PEER_OUT; i++)
        if (!check(dnnl_memory_create(&peer->memories[i], onednn_layout_of(&peer->tensor), peer->engine, host_tensors[i]),
                   "creating a memory", failure))
            return false;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        if (!create_vector(peer, vectors[i].memory, tensors->channels, vectors[i].values, failure))
            return false;
    return create_workspace(peer, failure);
}

static unsigned choose_flags(const struct bench_peer *peer)
{
    unsigned flags = (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift;

    if (peer->op == BENCH_INFERENCE)
        flags |= (unsigned)dnnl_use_global_stats;
    return peer->relu ? flags | (unsigned)dnnl_fuse_norm_relu : flags;
}

static bool describe_forward(struct bench_peer *peer, struct failure *failure)
{
    dnnl_prop_kind_t kind = peer->op == BENCH_INFERENCE ? dnnl_forward_inference : dnnl_forward_training;

    return check(onednn_describe_forward(&peer->forward_desc, peer->engine, kind, &peer->tensor, epsilon, choose_flags(peer)),
                 "describing a forward", failure);
}

static bool describe_backward(struct bench_peer *peer, struct failure *failure)
{
    return check(onednn_describe_backward(&peer->backward_desc, peer->engine, &peer->tensor, epsilon, choose_flags(peer),
                                          peer->forward_desc),
                 "describing a backward", failure);
}

/* What is to be computed, without anything that takes memory. */
static bool describe(struct bench_peer *peer, const struct bench_case *the_case, struct failure *failure)
{
    peer->op = the_case->op;
    peer->relu = the_case->activation == CLBN_ACTIVATION_RELU;
    return check(dnnl_engine_create(&peer->engine, dnnl_cpu, 0), "creating an engine", failure) &&
           describe_tensor(peer, the_case, failure) && describe_forward(peer, failure) &&
           (peer->op != BENCH_BACKWARD || describe_backward(peer, failure));
}

static bool execute(struct bench_peer *peer, dnnl_primitive_t primitive, const dnnl_exec_arg_t *arguments, int count,
                    struct failure *failure)
{
    return check(dnnl_primitive_execute(primitive, peer->stream, count, arguments), "a batch normalization", failure) &&
           check(dnnl_stream_wait(peer->stream), "waiting", failure);
}

static bool call_forward(struct bench_peer *peer, struct failure *failure)
{
    const dnnl_exec_arg_t arguments[] = {
        { DNNL_ARG_SRC, peer->memories[PEER_X] },
        { DNNL_ARG_DST, peer->memories[PEER_OUT] },
        { DNNL_ARG_MEAN, peer->memories[PEER_MEAN] },
        { DNNL_ARG_VARIANCE, peer->memories[PEER_VAR] },
        { DNNL_ARG_SCALE, peer->memories[PEER_SCALE] },
        { DNNL_ARG_SHIFT, peer->memories[PEER_SHIFT] },
        { DNNL_ARG_WORKSPACE, peer->memories[PEER_WORKSPACE] },
    };
    int count = (int)(sizeof(arguments) / sizeof(arguments[0]));

    return execute(peer, peer->forward, arguments, peer->memories[PEER_WORKSPACE] != NULL ? count : count - 1, failure);
}

static bool call_backward(struct bench_peer *peer, struct failure *failure)
{
    dnnl_exec_arg_t arguments[10] = {
        { DNNL_ARG_SRC, peer->memories[PEER_X] },
        { DNNL_ARG_DIFF_DST, peer->memories[PEER_DY] },
        { DNNL_ARG_DIFF_SRC, peer->memories[PEER_OUT] },
        { DNNL_ARG_MEAN, peer->memories[PEER_MEAN] },
        { DNNL_ARG_VARIANCE, peer->memories[PEER_VAR] },
        { DNNL_ARG_SCALE, peer->memories[PEER_SCALE] },
        { DNNL_ARG_DIFF_SCALE, peer->memories[PEER_DIFF_SCALE] },
        { DNNL_ARG_DIFF_SHIFT, peer->memories[PEER_DIFF_SHIFT] },
    };
    const dnnl_exec_arg_t shift = { DNNL_ARG_SHIFT, peer->memories[PEER_SHIFT] };
    const dnnl_exec_arg_t workspace = { DNNL_ARG_WORKSPACE, peer->memories[PEER_WORKSPACE] };
    int count = 8;

    if (ONEDNN_BACKWARD_TAKES_SHIFT)
        arguments[count++] = shift;
    if (workspace.memory != NULL)
        arguments[count++] = workspace;
    return execute(peer, peer->backward, arguments, count, failure);
}

bool bench_peer_call(void *peer, struct failure *failure)
{
    struct bench_peer *this_one = peer;

    return this_one->backward != NULL ? call_backward(this_one, failure) : call_forward(this_one, failure);
}

bool bench_peer_supports(const struct bench_case *the_case)
{
    bool ours_alone =
        the_case->residual || (the_case->activation != CLBN_ACTIVATION_NONE && the_case->activation != CLBN_ACTIVATION_RELU);
    struct bench_peer *peer = ours_alone ? NULL : calloc(1, sizeof(*peer));
    struct failure unused;
    bool supported = peer != NULL && describe(peer, the_case, &unused);

    bench_peer_close(peer);
    return supported;
}

struct bench_peer *bench_peer_open(const struct bench_case *the_case, const struct bench_tensors *tensors,
                                   struct failure *failure)
{
    struct bench_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL) {
        fail(failure, "there is no memory for oneDNN's objects");
        return NULL;
    }
    if (!describe(peer, the_case, failure) ||
        !check(dnnl_stream_create(&peer->stream, peer->engine, dnnl_stream_default_flags), "creating a stream", failure) ||
        !create_memories(peer, tensors, failure) ||
        !check(dnnl_primitive_create(&peer->forward, peer->forward_desc), "creating a forward primitive", failure))
        goto cleanup;
    if (peer->backward_desc != NULL &&
        (!call_forward(peer, failure) ||
         !check(dnnl_primitive_create(&peer->backward, peer->backward_desc), "creating a backward primitive", failure)))
        goto cleanup;
    return peer;

cleanup:
    bench_peer_close(peer);
    return NULL;
}

void bench_peer_close(struct bench_peer *peer)
{
    if (peer == NULL)
        return;
    /* All of these take NULL. */
    dnnl_primitive_destroy(peer->backward);
    dnnl_primitive_destroy(peer->forward);
    dnnl_primitive_desc_destroy(peer->backward_desc);
    dnnl_primitive_desc_destroy(peer->forward_desc);
    for (size_t i = 0; i < PEER_MEMORIES; i++) {
        dnnl_memory_destroy(peer->memories[i]);
        free(peer->vectors[i]);
    }
    if (peer->has_tensor)
        onednn_forget(&peer->tensor);
    dnnl_stream_destroy(peer->stream);
    dnnl_engine_destroy(peer->engine);
    free(peer);
}

const char *bench_peer_implementation(const struct bench_peer *peer)
{
    const char *name = "";

    if (dnnl_primitive_desc_query(peer->backward_desc != NULL ? peer->backward_desc : peer->forward_desc,
                                  dnnl_query_impl_info_str, 0, &name) != dnnl_success)
        return "";
    return name;
}
