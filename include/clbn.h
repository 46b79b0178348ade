/* SPDX-License-Identifier: MIT */
/*
 * clbn: batch normalization for OpenCL.
 *
 * Batch Normalization (Ioffe & Szegedy 2015, arXiv 1502.03167) on any OpenCL 1.2 device: forward training, inference,
 * backward, and backward with frozen statistics, with an activation and a residual z where wanted.
 *
 *     mean   = 1/m sum x                   var = 1/m sum (x - mean)^2
 *     invstd = 1 / sqrt(var + epsilon)     y   = act(gamma * (x - mean) * invstd + beta + z)
 *
 * The library reads like OpenCL. An engine belongs to one context and device; a plan describes one problem on an engine; the
 * enqueue calls put a plan's work on a queue, after a wait list, and give an event. Objects are retained and released.
 * Statuses are cl_int: OpenCL's own codes pass through, clbn's lie below -2000, and clbnLastError() says in a sentence what
 * was wrong.
 *
 *     clbn_engine engine = clbnCreateEngine(context, device, NULL, &status);
 *
 *     clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
 *     desc.rank = 4;                      // N, C, H, W; channels are along axis 1 unless said otherwise
 *     desc.shape[0] = 32; desc.shape[1] = 64; desc.shape[2] = 56; desc.shape[3] = 56;
 *     clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
 *
 *     clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
 *     args.x.buffer = x;
 *     args.y.buffer = y;
 *     status = clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, &event);
 *
 * Thread safety: every function may be called from any number of threads at once, also on the same engine and plan. Creating,
 * retaining and releasing one object while it is being destroyed is the caller's error, as in OpenCL.
 */
#ifndef CLBN_H
#define CLBN_H

#include <stddef.h>

/* OpenCL 1.2 is enough. How much of OpenCL's headers a program sees is its own choice: it defines CL_TARGET_OPENCL_VERSION. */
#ifdef __APPLE__
#include <OpenCL/cl.h>
#else
#include <CL/cl.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CLBN_VERSION_MAJOR 0
#define CLBN_VERSION_MINOR 1
#define CLBN_VERSION_PATCH 0

/* What the shared library exports. The CMake package and pkg-config define CLBN_STATIC for a static one, whose functions are not
 * exported by what they are linked into. CLBN_BUILDING: Windows' library itself is compiled. */
#if defined(_WIN32) && defined(CLBN_BUILDING)
#define CLBN_API __declspec(dllexport)
#elif defined(__GNUC__) && !defined(_WIN32) && !defined(CLBN_STATIC)
#define CLBN_API __attribute__((visibility("default")))
#else
#define CLBN_API
#endif

/* The greatest rank of a tensor. */
#define CLBN_MAX_RANK 8

/* A workspace's offset must be a multiple of this many bytes, and so must the pointer to memory of the caller's that it lies in. */
#define CLBN_WORKSPACE_ALIGNMENT 64

/* ---- Statuses ------------------------------------------------------------------------------------------------------------- */

/* Every failure leaves a sentence in clbnLastError(), has enqueued nothing and has written nothing; only where OpenCL itself
 * fails to prepare or enqueue a later kernel of a call, the earlier ones run, and the call's outputs are undefined. */
enum {
    CLBN_SUCCESS = 0,                 /* CL_SUCCESS */
    CLBN_INVALID_ENGINE = -2001,      /* The engine is NULL. */
    CLBN_INVALID_PLAN = -2002,        /* The plan is NULL. */
    CLBN_INVALID_ARGUMENT = -2003,    /* A pointer that must not be NULL is NULL, or a selector or flag is unknown. */
    CLBN_INVALID_STRUCT_SIZE = -2004, /* struct_size is none of any version, or members beyond this library's are used. */
    CLBN_INVALID_SHAPE = -2005,       /* The rank is not 1 to CLBN_MAX_RANK, a channel axis is not below the rank, or there are
                                       * ghost batches along one. */
    CLBN_SIZE_OVERFLOW = -2006,       /* The tensor's bytes do not fit in size_t or in the device's address space. */
    CLBN_UNSUPPORTED_TYPE = -2007,    /* The type is unknown, or the device cannot compute in it. */
    CLBN_INVALID_EPSILON = -2008,     /* epsilon is negative, infinite or NaN. */
    CLBN_INVALID_FACTOR = -2009,    /* The update factor is not in [0, 1], a gradient's factor is not finite, r_max is below 1,
                                       * or d_max below 0. */
    CLBN_TOO_FEW_VALUES = -2010,    /* One value per channel has no unbiased variance for the running statistics. */
    CLBN_MISSING_VIEW = -2011,      /* A view that the call needs has buffer == NULL, or only one of a pair was given. */
    CLBN_INVALID_BUFFER = -2012,    /* A view's cl_mem is not a buffer, or was created so that it cannot be used so. */
    CLBN_BUFFER_TOO_SMALL = -2013,  /* A view reaches past the end of its buffer. */
    CLBN_INVALID_ALIAS = -2014,     /* A written view overlaps another one in a way that is not allowed. */
    CLBN_INVALID_WORKSPACE = -2015, /* The workspace is too small or its offset is not aligned. */
    CLBN_WRONG_CONTEXT = -2016,     /* A buffer or the queue belongs to another context than the engine's. */
    CLBN_WRONG_DEVICE = -2017,      /* The queue belongs to another device than the engine's. */
    CLBN_INTERNAL_ERROR = -2018,    /* A defect of clbn: please report it with clbnLastError()'s sentence. */
    CLBN_INVALID_ACTIVATION =
        -2019,                    /* The activation is unknown, its slope or alpha is not finite, its alpha negative, or there
                                       * is one in a plan of weights. */
    CLBN_INVALID_STRIDES = -2020, /* Strides are negative, reach beyond what the device can address, let elements of a written
                                       * tensor overlap, or stand where has_strides is CL_FALSE. */
    CLBN_NOT_INVERTIBLE = -2021,  /* The plan's activation cannot be had back from what the backward was given. */
    CLBN_UNSUPPORTED_SVM = -2022, /* A view names shared virtual memory, which the device or this build does not have. */
    CLBN_WRONG_OPERATION = -2023, /* The plan's operations are unknown, or the call is none of those that the plan is for, or
                                   * knows no ghost batches, and the plan has some. */
    CLBN_MPI_FAILED = -2024,      /* Of clbn_mpi: a function of MPI failed. */
    CLBN_UNEQUAL_PARTS = -2025,   /* Of clbn_mpi: the processes' plans differ in channels, statistics' type or epsilon. */
    CLBN_WRONG_ORDER = -2026,     /* Of clbn_mpi: a call was started before the last one was finished, or none was. */
    CLBN_UNSUPPORTED_COMMAND_BUFFER =
        -2027 /* The platform has no command buffers, or a sync point was asked for where there is nothing to record. */
};

/* The name of a status of clbn's or of OpenCL's, "CLBN_INVALID_SHAPE" for example; "unknown status" for any other number.
 * The string is static. */
CLBN_API const char *clbnStatusName(cl_int status);

/* One sentence about the last failure of a clbn call in the calling thread: what was wrong and what was expected. Empty if none
 * has failed. A success leaves it alone. It stays valid until the next failure in this thread. */
CLBN_API const char *clbnLastError(void);

/* For libraries above clbn, such as clbn_mpi: makes a sentence, which is copied, that of the last failure in the calling thread. NULL
 * makes it empty. */
CLBN_API void clbnSetLastError(const char *sentence);

/* "0.1.0": the version of the library that is running, where CLBN_VERSION_* is that of the header. The string is static. */
CLBN_API const char *clbnVersion(void);

/* ---- Structs -------------------------------------------------------------------------------------------------------------- */

/*
 * Structs grow: later versions add members at the end. So each begins with struct_size, the bytes that the caller knows of it,
 * which its initialiser macro sets, or clbnGetDefaults().
 *
 * - A struct of an older program is smaller than the library's: the members that it lacks take their defaults.
 * - A struct of a newer program is larger: it is taken if all that the library does not know is 0, which asks for nothing, and
 *   refused otherwise: CLBN_INVALID_STRUCT_SIZE.
 * - Of a struct that a call fills, the members that the caller knows are filled.
 */
typedef cl_uint clbn_struct;
#define CLBN_STRUCT_ENGINE_OPTIONS              1u
#define CLBN_STRUCT_PLAN_DESC                   2u
#define CLBN_STRUCT_TUNE_ARGS                   3u
#define CLBN_STRUCT_TUNE_REPORT                 4u
#define CLBN_STRUCT_FORWARD_TRAINING_ARGS       5u
#define CLBN_STRUCT_FORWARD_INFERENCE_ARGS      6u
#define CLBN_STRUCT_BACKWARD_ARGS               7u
#define CLBN_STRUCT_BACKWARD_FROZEN_ARGS        8u
#define CLBN_STRUCT_FOLD_ARGS                   9u
#define CLBN_STRUCT_STATISTICS_ARGS             10u
#define CLBN_STRUCT_MERGE_STATISTICS_ARGS       11u
#define CLBN_STRUCT_NORMALIZE_ARGS              12u
#define CLBN_STRUCT_BACKWARD_SUMS_ARGS          13u
#define CLBN_STRUCT_BACKWARD_INPUT_ARGS         14u
#define CLBN_STRUCT_SECOND_BACKWARD_ARGS        15u
#define CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS 16u
#define CLBN_STRUCT_FORWARD_RENORM_ARGS         17u
#define CLBN_STRUCT_BACKWARD_RENORM_ARGS        18u

/* What the initialiser macros give, for callers who cannot use them: a struct of zeros is none with its defaults, but one with
 * epsilon 0, or an update factor of 0. size: the bytes at value, which may be fewer or more than the library knows of the struct;
 * struct_size becomes this. value or size_ret may be NULL; *size_ret becomes the bytes that the library knows.
 *
 *     size_t size;
 *     clbnGetDefaults(CLBN_STRUCT_PLAN_DESC, 0, NULL, &size);
 *     void *desc = malloc(size);
 *     clbnGetDefaults(CLBN_STRUCT_PLAN_DESC, size, desc, NULL);
 *
 * CLBN_INVALID_ARGUMENT for an unknown struct or a size that no version's has. */
CLBN_API cl_int clbnGetDefaults(clbn_struct which, size_t size, void *value, size_t *size_ret);

/* ---- Engine --------------------------------------------------------------------------------------------------------------- */

/* The library's programs for one (context, device) pair, and the choice of kernel geometry. */
typedef struct clbn_engine_object *clbn_engine;

/* How the kernels divide their work. */
typedef cl_uint clbn_geometry;
#define CLBN_GEOMETRY_AUTO   0u /* By the device: VECTOR for a CPU with native vectors, GROUP for all others. */
#define CLBN_GEOMETRY_VECTOR 1u /* One work-item to a group and wide vectors: for CPUs. */
#define CLBN_GEOMETRY_GROUP  2u /* A real work-group and 16-byte vectors: for GPUs. */

/* Flags of an engine. */
#define CLBN_ENGINE_NO_DOUBLE (1u << 0) /* float32 plans merge in float-float even where the device has double. */
#define CLBN_ENGINE_INDEX_64  (1u << 1) /* Use the 64-bit index kernels for every tensor, not just for those that need it. */
#define CLBN_ENGINE_SPLIT     (1u << 2) /* Always divide a channel among several work-groups, as large channels are. */
#define CLBN_ENGINE_WHOLE     (1u << 3) /* Never divide a channel; not together with CLBN_ENGINE_SPLIT. */
/* Compile by -cl-opt-disable: for debugging, and for tests, which compile longer than they compute. Not where a driver is known to get
 * that wrong. */
#define CLBN_ENGINE_UNOPTIMIZED (1u << 4)

typedef struct clbn_engine_options {
    size_t struct_size;
    clbn_geometry geometry;
    cl_uint flags; /* CLBN_ENGINE_*; they change speed and rounding, never what is computed. */
} clbn_engine_options;

#define CLBN_ENGINE_OPTIONS_INIT                                                                                               \
    {                                                                                                                          \
        sizeof(clbn_engine_options), CLBN_GEOMETRY_AUTO, 0u                                                                    \
    }

/* Creates an engine for a device of a context, with a reference count of 1, and retains both. Programs are compiled when the
 * first plan of a kind is created. options: NULL for the defaults. Returns NULL and sets *errcode_ret (may be NULL) on
 * failure.
 *
 * Compiled programs are kept on disk for later engines and processes, in the folder $CLBN_CACHE_DIR, an absolute path; where
 * that is not set, in $XDG_CACHE_HOME/clbn, else in $HOME/.cache/clbn. CLBN_CACHE_DIR set to nothing, or to a relative path,
 * turns this off. A plan looks its program up before it compiles, and with it what clbnTunePlan() has found. The first engine
 * that compiles a program leaves a mark there when its last reference goes; one that finds the mark when it compiles writes the
 * program then, which takes time (on PoCL a second or two for each kind of program, once): a process on a fresh machine does no
 * such work, and the third of a machine compiles nothing. Enqueue calls never use the disk. Whatever goes wrong with the cache
 * is no error: the program is compiled. A folder that belongs to another user, or that others may write to, is not used; the
 * files may be deleted at any time. */
CLBN_API clbn_engine clbnCreateEngine(cl_context context, cl_device_id device, const clbn_engine_options *options,
                                      cl_int *errcode_ret);
CLBN_API cl_int clbnRetainEngine(clbn_engine engine);
/* Takes NULL, and then does nothing. */
CLBN_API cl_int clbnReleaseEngine(clbn_engine engine);

typedef cl_uint clbn_engine_info;
#define CLBN_ENGINE_CONTEXT      1u /* cl_context */
#define CLBN_ENGINE_DEVICE       2u /* cl_device_id */
#define CLBN_ENGINE_GEOMETRY     3u /* clbn_geometry: the one in use, never CLBN_GEOMETRY_AUTO. */
#define CLBN_ENGINE_GROUP_SIZE   4u /* size_t: work-items to a group. */
#define CLBN_ENGINE_VECTOR_WIDTH 5u /* size_t: float32 values to a vector. */
#define CLBN_ENGINE_HAS_FLOAT64  6u /* cl_bool: float64 plans can be created. */
#define CLBN_ENGINE_MERGE_TYPE   7u /* char[]: how float32 plans merge statistics, "double" or "float-float". */
#define CLBN_ENGINE_CACHE_FOLDER 8u /* char[]: where programs and tuning are kept on disk; empty if they are not. */

/* As clGetDeviceInfo: param_value or param_value_size_ret may be NULL. CLBN_INVALID_ARGUMENT for an unknown name or a value
 * that does not fit. */
CLBN_API cl_int clbnGetEngineInfo(clbn_engine engine, clbn_engine_info param_name, size_t param_value_size, void *param_value,
                                  size_t *param_value_size_ret);

/* ---- Plan ----------------------------------------------------------------------------------------------------------------- */

/* One batch-norm problem on an engine. Immutable. */
typedef struct clbn_plan_object *clbn_plan;

/* Type of the tensors' elements, and of parameters. The 16-bit types are only stored: what is computed in is float32; a result is
 * rounded once, to the nearest, ties to even, beyond the greatest number to infinity. They need no extension of the device. */
typedef cl_uint clbn_type;
#define CLBN_FLOAT32  1u
#define CLBN_FLOAT64  2u /* Needs the device's cl_khr_fp64. */
#define CLBN_FLOAT16  3u
#define CLBN_BFLOAT16 4u /* The upper half of a float32. */

/*
 * The set of axes along which channels are numbered, a bit to an axis; statistics are taken over all other axes. A channel's
 * number, its place in gamma and in all statistics, has the set's last axis running fastest.
 *
 *     CLBN_AXIS(1)                                     (m, d), N C H W: batch norm of channels
 *     CLBN_AXIS(3)                                     N H W C
 *     CLBN_AXIS(1) | CLBN_AXIS(2) | CLBN_AXIS(3)       all but the batch of N C H W: a channel for each activation
 *     CLBN_AXIS(1) | CLBN_AXIS(2)                      of N C F T, a channel for each frequency of each C
 *     CLBN_AXIS(0) | CLBN_AXIS(1)                      of N C H W, the statistics of instance norm, with N * C gammas
 *     CLBN_AXIS(1) | CLBN_AXIS(4)                      N C/8 H W 8: a blocked layout, whose channels are 8 to a block
 *     0                                                one channel of all elements
 *
 * Fast are channels that are one axis, or axes that follow one another in memory; of others a work-item takes its elements one
 * by one.
 */
#define CLBN_AXIS(axis) (1u << (axis))

/*
 * The function that forms y, and from what the backward can have its derivative, each marked:
 *
 *                                              x, and z if there was one   y     mask   y alone, without x
 *     NONE        a                            needs nothing                            yes
 *     RELU        max(a, 0)                    yes                         yes   yes    no
 *     LEAKY_RELU  a, or leaky_slope * a at a<0 yes                         (*)   yes    if leaky_slope > 0
 *     RELU6       min(max(a, 0), 6)            yes                         yes   yes    no
 *     SILU        a / (1 + exp(-a))            yes                         no    no     no
 *     SIGMOID     1 / (1 + exp(-a))            yes                         yes   no     no
 *     TANH        tanh(a)                      yes                         yes   no     no
 *     ELU         a, or elu_alpha (exp(a) - 1) yes                         yes   no     if elu_alpha > 0
 *
 * (*) if leaky_slope >= 0: below, y has the same sign on both sides.
 * At a kink (0, and 6 for RELU6) the derivative is the one on the side of 0, as in PyTorch. NaN stays NaN.
 */
typedef cl_uint clbn_activation;
#define CLBN_ACTIVATION_NONE       0u
#define CLBN_ACTIVATION_RELU       1u
#define CLBN_ACTIVATION_LEAKY_RELU 2u
#define CLBN_ACTIVATION_RELU6      3u
#define CLBN_ACTIVATION_SILU       4u
#define CLBN_ACTIVATION_SIGMOID    5u
#define CLBN_ACTIVATION_TANH       6u
#define CLBN_ACTIVATION_ELU        7u

/*
 * How a tensor's elements lie in its view. Without strides it is packed: x with the last axis fastest, the others with their axes
 * in the order of x's strides, or with the last axis fastest if one of these is 0.
 *
 * Strides may be in any order and leave gaps, so that a view can be padded rows, a slice of the batch or of the channels of a
 * larger buffer, or channels last. 0 repeats an element: of the gradient of a plain sum, which is one number, all are 0. Negative
 * ones are refused: CLBN_INVALID_STRIDES. Tensors that a call writes (y, dx, dz) may not meet themselves: sorted by stride, each
 * axis must step beyond all that the smaller ones reach. An axis of one element has a stride that is never looked at. Axes that
 * follow one another in all tensors are walked as one; what remains in several pieces takes longer, and most where no axis has
 * stride 1 in all tensors.
 *
 *     desc.dy_layout.has_strides = CL_TRUE;     // one number, for all elements: the strides are 0 from the initialiser
 */
typedef struct clbn_layout {
    cl_bool has_strides;
    ptrdiff_t strides[CLBN_MAX_RANK]; /* elements from one index of an axis to the next; all 0 unless has_strides */
} clbn_layout;

#define CLBN_PACKED                                                                                                            \
    {                                                                                                                          \
        CL_FALSE,                                                                                                              \
        {                                                                                                                      \
            0                                                                                                                  \
        }                                                                                                                      \
    }

/*
 * The operations that a plan is for, a bit to each. A compiler works on each kernel of a program, so a plan of few operations is
 * created sooner when it is the first of its kind. A call of another operation fails: CLBN_WRONG_OPERATION. Plans of all operations
 * and of some have programs of their own, unless the one that is there has all that is needed. A backward without saved statistics
 * takes them as the forward does, so its plan is for both.
 *
 *     desc.operations = CLBN_OPERATION_INFERENCE;     // of a plan that never trains
 */
typedef cl_uint clbn_operations;
#define CLBN_OPERATION_FORWARD   (1u << 0) /* Forward training; of the phases statistics, their merge, and normalization. */
#define CLBN_OPERATION_BACKWARD  (1u << 1) /* Backwards, of second order too; of the phases sums, and what follows. */
#define CLBN_OPERATION_INFERENCE (1u << 2) /* Inference, and folding. */

typedef struct clbn_plan_desc {
    size_t struct_size;
    clbn_type type;
    /* Of parameters: gamma, beta, dgamma, dbeta, a layer's bias and the running statistics. 0: float64 for float64 tensors, else
     * float32, which the statistics of a batch and records always are. For other tensors than float64's CLBN_FLOAT16 or
     * CLBN_BFLOAT16, too. A 16-bit running statistic stops moving where an update is below its rounding. */
    clbn_type parameter_type;
    cl_uint rank;         /* 1 to CLBN_MAX_RANK. */
    cl_uint channel_axes; /* CLBN_AXIS() of axes below the rank. */
    clbn_activation activation;
    clbn_operations operations; /* CLBN_OPERATION_*: what the plan is for; 0: all. */
    /* Elements along each axis. Axes may have 0 elements: then there is nothing to normalise. */
    size_t shape[CLBN_MAX_RANK];
    /* Added to the variance, >= 0. Where var + epsilon is 0, invstd is taken as 0: a constant channel gives beta, never NaN. */
    double epsilon;
    double leaky_slope; /* Finite; of CLBN_ACTIVATION_LEAKY_RELU: the slope below 0. */
    double elu_alpha;   /* >= 0; of CLBN_ACTIVATION_ELU. */
    clbn_layout x_layout;
    clbn_layout y_layout;
    clbn_layout z_layout;
    clbn_layout dy_layout;
    clbn_layout dx_layout;
    clbn_layout dz_layout;
    /* Ghost batches (Hoffer et al. 2017, arXiv 1705.08741): so many entries of axis 0, which is the batch and no channel axis, have
     * statistics of their own in forward training and its backward; the last ones may be fewer. 0, or all of the batch: it is one.
     *
     * A call gives, bit for bit, what calls give that are made on one ghost batch after another: y and dx of each; save_mean,
     * save_invstd and save_var are (ghost batches, channels); running statistics are updated by each in turn, with the call's
     * factor; dgamma and dbeta are the sums over all, each addition rounded to their type: with G ghost batches and parameters of
     * 16 bits, by up to G/2 ulps of the greatest sum on the way. A mask of forward training is for the backward, one of
     * inference, which is as without, for the frozen backward. Phases, the second backward (but of frozen statistics) and tuning
     * are refused (CLBN_WRONG_OPERATION); what tuning finds for a plan of a ghost batch's shape holds for ghost batches, too. */
    size_t ghost_batch;
} clbn_plan_desc;

/* float32 tensors and parameters, channels along axis 1, epsilon 1e-5, no activation (slopes as in PyTorch: 0.01 and 1), packed tensors, all
 * operations, no ghost batches. */
#define CLBN_PLAN_DESC_INIT                                                                                                    \
    {                                                                                                                          \
        sizeof(clbn_plan_desc), CLBN_FLOAT32, 0u, 0u, CLBN_AXIS(1), CLBN_ACTIVATION_NONE, 0u, { 0 }, 1e-5, 0.01, 1.0,          \
            CLBN_PACKED, CLBN_PACKED, CLBN_PACKED, CLBN_PACKED, CLBN_PACKED, CLBN_PACKED, 0                                    \
    }

/* Creates a plan, with a reference count of 1; it retains the engine. Compiles the engine's program for this kind of plan
 * (types, activation, whether the channels lie next to each other, whether strides or channel axes leave several pieces; on GPUs,
 * which of three sizes keeps a channel on chip; operations that no plan of the kind had before) when it is the first of its kind,
 * which takes up to seconds; otherwise takes microseconds. Threads that want the same kind wait for the one that compiles it; those that want another do not. Returns NULL
 * and sets *errcode_ret (may be NULL) on failure.
 *
 * The first call of each operation is slow where an OpenCL compiles, or loads, a kernel when it is first enqueued: PoCL takes
 * seconds then. Whoever cannot have that later warms up: creates the plan, makes each call once, and waits. */
CLBN_API clbn_plan clbnCreatePlan(clbn_engine engine, const clbn_plan_desc *desc, cl_int *errcode_ret);
/* Compiles what a plan of this description needs, and keeps it in the engine, before there is any such plan: in the calling thread,
 * which may be one that has nothing else to do. Fails as clbnCreatePlan does. */
CLBN_API cl_int clbnPrebuildPlan(clbn_engine engine, const clbn_plan_desc *desc);
CLBN_API cl_int clbnRetainPlan(clbn_plan plan);
/* Takes NULL, and then does nothing. Work already enqueued is not affected. */
CLBN_API cl_int clbnReleasePlan(clbn_plan plan);

typedef cl_uint clbn_plan_info;
#define CLBN_PLAN_ENGINE             1u  /* clbn_engine */
#define CLBN_PLAN_CHANNELS           2u  /* size_t: C, the length of gamma, beta and of all statistics. */
#define CLBN_PLAN_VALUES_PER_CHANNEL 3u  /* size_t: m */
#define CLBN_PLAN_WORKSPACE_SIZE     4u  /* size_t: bytes enough for any call on this plan: at most a tensor's and a MiB. */
#define CLBN_PLAN_FORWARD_KERNELS    5u  /* char[]: the kernels of forward training, in order, with spaces between. */
#define CLBN_PLAN_INFERENCE_KERNELS  6u  /* char[] */
#define CLBN_PLAN_BACKWARD_KERNELS   7u  /* char[]: when the saved statistics are given. */
#define CLBN_PLAN_MASK_SIZE          8u  /* size_t: bytes of a mask; 0 if the plan's activation has none. */
#define CLBN_PLAN_FORWARD_DIVISION   9u  /* char[]: how forward training divides its work, in a phrase for people. */
#define CLBN_PLAN_INFERENCE_DIVISION 10u /* char[] */
#define CLBN_PLAN_BACKWARD_DIVISION  11u /* char[] */
#define CLBN_PLAN_GHOST_BATCHES      12u /* size_t: rows of saved statistics: ghost batches, or 1. */
#define CLBN_PLAN_TYPE               13u /* clbn_type: of the tensors. */
#define CLBN_PLAN_EPSILON            14u /* double */
#define CLBN_PLAN_RENORM_WORKSPACE   15u /* size_t: bytes enough for batch renormalization: some 40 a channel more. */

/* As clGetDeviceInfo: param_value or param_value_size_ret may be NULL. CLBN_INVALID_ARGUMENT for an unknown name or a value
 * that does not fit. */
CLBN_API cl_int clbnGetPlanInfo(clbn_plan plan, clbn_plan_info param_name, size_t param_value_size, void *param_value,
                                size_t *param_value_size_ret);

/* ---- Tuning --------------------------------------------------------------------------------------------------------------- */

typedef struct clbn_tune_args {
    size_t struct_size;
    clbn_operations operations; /* CLBN_OPERATION_*, at least one; of these, what the plan is for is measured */
    double seconds;             /* > 0: about how long each operation is measured, not counting compilation */
} clbn_tune_args;

#define CLBN_TUNE_ARGS_INIT                                                                                                    \
    {                                                                                                                          \
        sizeof(clbn_tune_args), CLBN_OPERATION_FORWARD | CLBN_OPERATION_BACKWARD | CLBN_OPERATION_INFERENCE, 4.0               \
    }

/* Of an operation; all 0 if it was not measured. */
typedef struct clbn_tune_result {
    size_t divisions;     /* that there are */
    size_t measured;      /* of them, in the time */
    double usual_seconds; /* of a call with its wait, without tuning */
    double best_seconds;  /* as later plans do it: the same where nothing was clearly faster */
} clbn_tune_result;

typedef struct clbn_tune_report {
    size_t struct_size;
    cl_bool stored; /* What was found is in the cache folder, too. */
    clbn_tune_result forward;
    clbn_tune_result backward;
    clbn_tune_result inference;
} clbn_tune_report;

#define CLBN_TUNE_REPORT_INIT                                                                                                  \
    {                                                                                                                          \
        sizeof(clbn_tune_report), CL_FALSE, { 0, 0, 0, 0 }, { 0, 0, 0, 0 },                                                    \
        {                                                                                                                      \
            0, 0, 0, 0                                                                                                         \
        }                                                                                                                      \
    }

/* Measures the ways in which the work of a plan's problem can be divided on the device, and remembers for each operation the
 * one that was clearly faster than the usual one: in three of four pairs of calls by 5 %. Plans stay what they are: those of
 * the same description that are created later on this engine are divided so, and, unless CLBN_CACHE_DIR is empty, those of
 * engines and processes that come to need their program later. Results of differently divided plans may differ in rounding,
 * within the same bounds; each plan's own are bit-identical as ever. Tuning again replaces what was remembered.
 *
 * The only call that waits for the device, for seconds: it should have nothing else to do. It makes its own buffers, of the
 * sizes of x, dy and the larger of y and dx. Neither a residual nor a mask is measured. args: NULL for all operations. report:
 * optional. On failure nothing is remembered. An empty plan has nothing to measure. */
CLBN_API cl_int clbnTunePlan(clbn_plan plan, cl_command_queue queue, const clbn_tune_args *args, clbn_tune_report *report);

/* ---- Enqueue -------------------------------------------------------------------------------------------------------------- */

/*
 * A tensor of the plan's type, or a vector of one number per channel: of parameters in the plan's parameter_type, of the batch's
 * statistics (save_mean, save_invstd, save_var, records) in float64 for float64 plans and float32 for all others: elements in a buffer, from an offset in elements. (Of a mask and a workspace, which have no elements, it is in
 * bytes.) Any offset is good; a buffer over memory of the host
 * (CL_MEM_USE_HOST_PTR) must begin at a multiple of an element's size. Instead of a buffer it can name shared virtual memory
 * (OpenCL 2.0) of the engine's context; how long that is cannot be asked, so its end is not checked. An absent optional has
 * neither.
 *
 * Rules of all enqueue calls:
 * - They never block, compile or read back. The queue may be in-order or out-of-order; the result is the same, bit for bit.
 * - Buffers may be released once the call has returned: OpenCL keeps what an enqueued command uses. Shared virtual memory is not
 *   kept, and must not be freed before the work has finished. Views and wait lists are not looked at after the call.
 * - num_events_in_wait_list, event_wait_list and event are as in clEnqueueNDRangeKernel. The event is the last kernel's, and
 *   complete when all of the call is. So is its profile the last kernel's alone. To time a call, enqueue a marker, let the call
 *   wait for its event, and count from its CL_PROFILING_COMMAND_END to that of the call's event.
 * - If a command of the wait list fails, or a kernel of the call does so when it runs, outputs are undefined. On an out-of-order
 *   queue each kernel waits for the event of the one before, so that the last one fails too, and its event has a negative status.
 *   On an in-order queue OpenCL leaves it to the implementation what becomes of later commands; PoCL and rusticl fail them. PoCL
 *   3.1 may instead end the process, where the failed command's event is held by nobody, as between the kernels of a call, and
 *   never complete a command that waits for an event that had failed before: also with kernels of one's own.
 * - workspace: CLBN_PLAN_WORKSPACE_SIZE bytes from an offset in bytes, a multiple of CLBN_WORKSPACE_ALIGNMENT, used by no
 *   other work in progress. Absent: if the call needs any, a buffer is created and released around it, which takes 5 us on PoCL,
 *   and on a GPU what its driver takes for an allocation.
 * - A written view meets no element of another view of the call, except that y may be exactly x or z, dx or dz exactly dy, and
 *   folded weights or a folded bias exactly the weights or the bias (the same place and strides). Views may interleave in one
 *   buffer, as slices of channels do.
 * - m = 0 (an empty batch): the tensors may be absent, running and saved statistics stay as they are, dgamma and dbeta become
 *   0, or their factors times what they hold. C = 0: nothing is done.
 * - NaN or Inf in a channel: its results are what IEEE arithmetic makes of the formulas, whatever flags the engine has; no other
 *   channel changes. Inf in x makes the batch's mean infinite, or NaN with both signs of it, and all else that comes of the batch
 *   NaN. Inf in dy makes dbeta and dgamma infinite or NaN, and of batch statistics all of the channel's dx NaN. A running variance
 *   of Inf is an invstd of 0: y = act(beta + z), a folded weight 0. A running mean of Inf gives infinite y.
 * - Range: x may be up to half the greatest number of the type that is computed in (float32: 1.7e38), of any sign; beyond, x - mean may
 *   be infinite. Squares need not fit, whatever flags the engine has, and in phases neither; a stored running variance that does
 *   not fit is Inf. Where gamma * invstd is subnormal (float32: deviations from 8e37 up), y has no more bits than that. With an
 *   epsilon of 0, 1/deviation must be finite (deviations from 3e-39 up). Sums of |g| and |g * xhat| must be finite.
 */
typedef struct clbn_view {
    cl_mem buffer;
    size_t offset;
    void *svm; /* With buffer == NULL: a pointer from clSVMAlloc, aligned to an element. */
} clbn_view;

#define CLBN_NO_VIEW                                                                                                           \
    {                                                                                                                          \
        NULL, 0, NULL                                                                                                          \
    }

/* How the running variance is estimated from the batch. */
typedef cl_uint clbn_running_variance;
#define CLBN_UNBIASED 0u /* var * m/(m-1): the paper's Algorithm 2, PyTorch, cuDNN. Needs m > 1. */
#define CLBN_BIASED   1u /* var: ONNX, Keras. */

/* Checks arguments as their enqueue call on this queue would, with its statuses and sentences, and enqueues nothing: for who must know
 * before something that cannot be undone, as an exchange with other hosts. which: CLBN_STRUCT_*_ARGS of an enqueue call, but for those
 * of second order. After a success the call itself can still fail where OpenCL does: for memory, or to enqueue. */
CLBN_API cl_int clbnCheckArgs(clbn_plan plan, cl_command_queue queue, clbn_struct which, const void *args);

typedef struct clbn_forward_training_args {
    size_t struct_size;
    clbn_view x;            /* in */
    clbn_view z;            /* in, optional: the residual, added before the activation */
    clbn_view y;            /* out; may be exactly x or z */
    clbn_view gamma;        /* in, optional: 1 */
    clbn_view beta;         /* in, optional: 0 */
    clbn_view running_mean; /* in and out, optional; both or neither of the two */
    clbn_view running_var;
    clbn_view save_mean;   /* out, optional: the batch's mean, for the backward */
    clbn_view save_invstd; /* out, optional: the batch's 1/sqrt(var + epsilon), for the backward */
    clbn_view save_var;    /* out, optional: the batch's biased variance; Inf where it does not fit */
    /* out, optional, with an activation that has one (else CLBN_NOT_INVERTIBLE): CLBN_PLAN_MASK_SIZE bytes, from an offset
     * in bytes: where the activation's slope is 1, a bit to an element, each row of columns or channels (or several rows of
     * few or odd channels) filled up to whole units of a vector; where a vector is shorter than a byte, as float32's on GPUs, a
     * byte to a vector. For backwards on this plan, or one of the same description on the same engine. */
    clbn_view mask;
    /* f in running <- (1-f) running + f batch, in [0, 1]: PyTorch's momentum, 1 - ONNX's and Keras's. 1/(k+1) on the k-th batch
     * (from 0) gives the plain average over all batches. At 1 the old values are not read, at 0 nothing is written. Beyond [0, 1]
     * (CLBN_INVALID_FACTOR), a running variance could become negative. */
    double update_factor;
    clbn_running_variance running_variance;
    clbn_view workspace;
} clbn_forward_training_args;

#define CLBN_FORWARD_TRAINING_ARGS_INIT                                                                                        \
    {                                                                                                                          \
        sizeof(clbn_forward_training_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,              \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, 0.1, CLBN_UNBIASED,            \
            CLBN_NO_VIEW                                                                                                       \
    }

/* y from the statistics of this batch. With m = 1, y is act(beta + z), and CLBN_TOO_FEW_VALUES if running statistics are to be
 * updated with an unbiased variance. */
CLBN_API cl_int clbnEnqueueForwardTraining(clbn_plan plan, cl_command_queue queue, const clbn_forward_training_args *args,
                                           cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_forward_inference_args {
    size_t struct_size;
    clbn_view x;            /* in */
    clbn_view z;            /* in, optional: the residual */
    clbn_view y;            /* out; may be exactly x or z */
    clbn_view gamma;        /* in, optional: 1 */
    clbn_view beta;         /* in, optional: 0 */
    clbn_view running_mean; /* in */
    clbn_view running_var;  /* in */
    clbn_view mask;         /* out, optional, as in forward training: for a frozen backward */
    clbn_view workspace;
} clbn_forward_inference_args;

#define CLBN_FORWARD_INFERENCE_ARGS_INIT                                                                                       \
    {                                                                                                                          \
        sizeof(clbn_forward_inference_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,             \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                                             \
    }

/* y from the running statistics: act(gamma * (x - running_mean) / sqrt(running_var + epsilon) + beta + z). */
CLBN_API cl_int clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                            cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

/*
 * What all backwards do with the activation, g = act'(.) dy, and from where (clbn_activation has the table):
 * - from x, and from z if the forward had one: act' is computed again, and nothing need be kept but x. It is as exact as the
 *   saved mean, rounded: where mean/deviation is above 1e4, elements near a kink may be taken for the other side;
 * - from y, the forward's output, or from the mask that the forward wrote: at most one of z, y and mask;
 * - from y alone, x absent (In-Place Activated Batch Norm, arXiv 1712.02616): x's normalised values are had back from y too, so
 *   that training need not keep x, and y may have been written over it. The forward must have had no z, and the statistics must
 *   have been saved. Where gamma is 0 the values are lost, and dgamma is 0.
 * Without an activation, z and mask are not looked at, nor is y where there is x.
 *
 * Gradients may be added to others: of micro-batches, or of tensors that are used more than once. dx becomes
 *     dx_factor * dx + the gradient
 * and so do dgamma and dbeta, in one rounding. At 0 the old values are not read, and may be NaN. A factor is any finite number
 * of the type that is computed in (else CLBN_INVALID_FACTOR). dx may be dy only where dx_factor is 0.
 */

typedef struct clbn_backward_args {
    size_t struct_size;
    /* in: the forward's input; optional where neither dx, dgamma nor the activation takes it; absent where they do: from y */
    clbn_view x;
    clbn_view dy;        /* in: gradient of the loss with respect to y */
    clbn_view z;         /* in, optional: the forward's residual */
    clbn_view y;         /* in, optional: the forward's output */
    clbn_view mask;      /* in, optional: what the forward wrote */
    clbn_view gamma;     /* in, optional: 1 */
    clbn_view beta;      /* in, optional: 0; looked at with an activation, and without x */
    clbn_view save_mean; /* in, optional, both or neither: what the forward saved; absent: computed again from x */
    clbn_view save_invstd;
    clbn_view dx;     /* out, optional; may be exactly dy */
    clbn_view dz;     /* out, optional: the gradient with respect to the residual, which is g; may be exactly dy */
    clbn_view dgamma; /* out, optional */
    clbn_view dbeta;  /* out, optional */
    double dx_factor; /* of what dx holds, 0 by default: see above; likewise of dgamma and dbeta */
    double dgamma_factor;
    double dbeta_factor;
    clbn_view workspace;
} clbn_backward_args;

#define CLBN_BACKWARD_ARGS_INIT                                                                                                \
    {                                                                                                                          \
        sizeof(clbn_backward_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,        \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, 0.0, 0.0, 0.0,   \
            CLBN_NO_VIEW                                                                                                       \
    }

/* Gradients of forward training. At least one of dx, dz, dgamma and dbeta; what is absent is not computed. With g as above,
 *     dz = g   dbeta = sum g   dgamma = sum g * xhat   dx = gamma * invstd / m * (m g - dbeta - xhat * dgamma)
 * The rounding of the saved mean is repaired from x, so that results hold when the mean is large against the deviation.
 */
CLBN_API cl_int clbnEnqueueBackward(clbn_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                                    cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_backward_frozen_args {
    size_t struct_size;
    clbn_view x;            /* in; optional when dgamma is absent and the activation does not need it */
    clbn_view dy;           /* in */
    clbn_view z;            /* in, optional: the forward's residual */
    clbn_view y;            /* in, optional: the forward's output */
    clbn_view mask;         /* in, optional: what the forward wrote */
    clbn_view gamma;        /* in, optional: 1 */
    clbn_view beta;         /* in, optional: 0; looked at with an activation, and without x */
    clbn_view running_mean; /* in; optional when x is absent */
    clbn_view running_var;  /* in */
    clbn_view dx;           /* out, optional; may be exactly dy */
    clbn_view dz;           /* out, optional; may be exactly dy */
    clbn_view dgamma;       /* out, optional */
    clbn_view dbeta;        /* out, optional */
    double dx_factor;       /* as in the backward */
    double dgamma_factor;
    double dbeta_factor;
    clbn_view workspace;
} clbn_backward_frozen_args;

#define CLBN_BACKWARD_FROZEN_ARGS_INIT                                                                                         \
    {                                                                                                                          \
        sizeof(clbn_backward_frozen_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, 0.0, 0.0, 0.0,   \
            CLBN_NO_VIEW                                                                                                       \
    }

/* Gradients of forward inference: mean and variance are constants. At least one of dx, dz, dgamma and dbeta.
 *     dz = g   dbeta = sum g   dgamma = sum g * xhat   dx = gamma * invstd * g */
CLBN_API cl_int clbnEnqueueBackwardFrozen(clbn_plan plan, cl_command_queue queue, const clbn_backward_frozen_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

/* ---- Batch renormalization ------------------------------------------------------------------------------------------------- */

typedef struct clbn_forward_renorm_args {
    size_t struct_size;
    clbn_view x;            /* in */
    clbn_view z;            /* in, optional: the residual, added before the activation */
    clbn_view y;            /* out; may be exactly x or z */
    clbn_view gamma;        /* in, optional: 1 */
    clbn_view beta;         /* in, optional: 0 */
    clbn_view running_mean; /* in and out */
    clbn_view running_var;  /* in and out */
    clbn_view save_mean;    /* out, optional: as in forward training, for the backward */
    clbn_view save_invstd;  /* out, optional */
    clbn_view save_var;     /* out, optional */
    clbn_view save_r;       /* out, optional: r of each channel, for the backward; of the type of the batch's statistics */
    clbn_view save_d;       /* out, optional: d of each channel */
    clbn_view mask;         /* out, optional: as in forward training */
    double r_max;           /* >= 1, INFINITY among them: r is clipped to [1 / r_max, r_max] */
    double d_max;           /* >= 0, likewise: d is clipped to [-d_max, d_max] */
    double update_factor;   /* as in forward training; 0.01 by default, as in the paper */
    clbn_running_variance running_variance; /* CLBN_BIASED by default, as the paper's */
    clbn_view workspace;                    /* CLBN_PLAN_RENORM_WORKSPACE bytes, or absent */
} clbn_forward_renorm_args;

#define CLBN_FORWARD_RENORM_ARGS_INIT                                                                                          \
    {                                                                                                                          \
        sizeof(clbn_forward_renorm_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,  \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, 3.0, 5.0, 0.01,  \
            CLBN_BIASED, CLBN_NO_VIEW                                                                                          \
    }

/* Batch renormalization (Ioffe 2017, arXiv 1702.03275), for batches that are small or not independent: training takes the batch's
 * statistics to the running ones by an affine function of each channel, so that it computes what inference will.
 *
 *     sigma_B = sqrt(var + epsilon)              r = clip(sigma_B / sigma, 1 / r_max, r_max)
 *     sigma   = sqrt(running_var + epsilon)      d = clip((mean - running_mean) / sigma, -d_max, d_max)
 *     y       = act(gamma * (xhat * r + d) + beta + z)
 *
 * of the running statistics as they were, which are updated afterwards. At r_max = 1 and d_max = 0, r is 1 and d is 0: y is
 * batch norm's. The paper begins with 5,000 steps of these, and goes to r_max = 3 in 40,000, to d_max = 5 in 25,000, which are the
 * defaults (tools/examples/renorm_schedule.c). It keeps a running sigma; here it is the variance, as in forward training, so that
 * inference, its frozen backward and folding are the ordinary calls. Where sigma or sigma_B is 0, as with an epsilon of 0, their quotient is
 * taken as 0, and 1 / sigma, too.
 *
 * gamma * r and beta + gamma * d are rounded to the type of parameters before they are used: with parameters of 16 bits, y has an
 * error of half their ulp besides. Ghost batches are refused (CLBN_WRONG_OPERATION). */
CLBN_API cl_int clbnEnqueueForwardRenorm(clbn_plan plan, cl_command_queue queue, const clbn_forward_renorm_args *args,
                                         cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_backward_renorm_args {
    size_t struct_size;
    clbn_view x;    /* in, and so on until beta: as in the backward */
    clbn_view dy;   /* in */
    clbn_view z;    /* in, optional */
    clbn_view y;    /* in, optional */
    clbn_view mask; /* in, optional */
    clbn_view gamma;
    clbn_view beta;
    clbn_view save_mean;   /* in: what the forward saved; absent where x is */
    clbn_view save_invstd; /* in */
    clbn_view save_r;      /* in */
    clbn_view save_d;      /* in */
    clbn_view dx;          /* out, optional; may be exactly dy */
    clbn_view dz;          /* out, optional; may be exactly dy */
    clbn_view dgamma;      /* out, optional */
    clbn_view dbeta;       /* out, optional */
    double dx_factor;      /* as in the backward */
    double dgamma_factor;
    double dbeta_factor;
    clbn_view workspace; /* as in the forward */
} clbn_backward_renorm_args;

#define CLBN_BACKWARD_RENORM_ARGS_INIT                                                                                         \
    {                                                                                                                          \
        sizeof(clbn_backward_renorm_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,    \
            CLBN_NO_VIEW, 0.0, 0.0, 0.0, CLBN_NO_VIEW                                                                          \
    }

/* Gradients of it, through the batch's statistics, but not through r and d, which are constants. With g and xhat as in the backward,
 *     dz = g   dbeta = sum g   dgamma = r * sum g * xhat + d * sum g
 *     dx = gamma * r * invstd / m * (m g - sum g - xhat * sum g * xhat)
 * Sources of the slope and of xhat, and factors, are the backward's. With parameters of 16 bits both sums are rounded to these, too. */
CLBN_API cl_int clbnEnqueueBackwardRenorm(clbn_plan plan, cl_command_queue queue, const clbn_backward_renorm_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

/* ---- Second order --------------------------------------------------------------------------------------------------------- */

typedef struct clbn_second_backward_args {
    size_t struct_size;
    clbn_view x;         /* in: the forward's input */
    clbn_view dy;        /* in: what the backward was given */
    clbn_view ddx;       /* in, optional: 0; dL/d(the backward's dx); it lies as dx_layout says */
    clbn_view gamma;     /* in, optional: 1 */
    clbn_view save_mean; /* in: what the forward saved */
    clbn_view save_invstd;
    clbn_view ddgamma; /* in, optional: 0; dL/d(the backward's dgamma) */
    clbn_view ddbeta;  /* in, optional: 0; dL/d(the backward's dbeta) */
    clbn_view dx;      /* out, optional: dL/dx */
    clbn_view ddy;     /* out, optional: dL/d(dy); it lies as y_layout says */
    clbn_view dgamma;  /* out, optional: dL/d(gamma) */
} clbn_second_backward_args;

#define CLBN_SECOND_BACKWARD_ARGS_INIT                                                                                         \
    {                                                                                                                          \
        sizeof(clbn_second_backward_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                               \
    }

/* The backward of the backward, for gradients of gradients (gradient penalties, Hessian products), as PyTorch's double backward.
 * Given how a number L depends on the gradients dx, dgamma and dbeta that clbnEnqueueBackward gives, how it depends on x, dy and
 * gamma; at least one of dx, ddy and dgamma. With u = ddx, g = dy, means over the channel, a = mean (u xhat), b = mean (g xhat):
 *     ddy    = gamma invstd (u - mean u - a xhat) + ddgamma xhat + ddbeta
 *     dx     = ddgamma invstd (g - mean g - b xhat)
 *              - gamma invstd^2 (b (u - mean u) + a (g - mean g) + (mean (u g) - mean u mean g - 3 a b) xhat)
 *     dgamma = m invstd (mean (u g) - mean u mean g - a b)
 * dx is to be added to what the first backward gives of the loss, if that depends on y too. No two views may overlap if one is
 * written. The call has a workspace of its own, some 130 bytes a channel. The plan has no activation (CLBN_INVALID_ACTIVATION): g = act'(.) dy has a second derivative of its own. */
CLBN_API cl_int clbnEnqueueSecondBackward(clbn_plan plan, cl_command_queue queue, const clbn_second_backward_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_second_backward_frozen_args {
    size_t struct_size;
    clbn_view x;            /* in */
    clbn_view dy;           /* in */
    clbn_view ddx;          /* in, optional: 0 */
    clbn_view gamma;        /* in, optional: 1 */
    clbn_view running_mean; /* in */
    clbn_view running_var;  /* in */
    clbn_view ddgamma;      /* in, optional: 0 */
    clbn_view ddbeta;       /* in, optional: 0 */
    clbn_view dx;           /* out, optional */
    clbn_view ddy;          /* out, optional */
    clbn_view dgamma;       /* out, optional */
} clbn_second_backward_frozen_args;

#define CLBN_SECOND_BACKWARD_FROZEN_ARGS_INIT                                                                                  \
    {                                                                                                                          \
        sizeof(clbn_second_backward_frozen_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,        \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                 \
    }

/* The same of clbnEnqueueBackwardFrozen:
 *     ddy = gamma invstd u + ddgamma xhat + ddbeta   dx = ddgamma invstd g   dgamma = invstd sum (u g) */
CLBN_API cl_int clbnEnqueueSecondBackwardFrozen(clbn_plan plan, cl_command_queue queue,
                                                const clbn_second_backward_frozen_args *args, cl_uint num_events_in_wait_list,
                                                const cl_event *event_wait_list, cl_event *event);

/* ---- Folding -------------------------------------------------------------------------------------------------------------- */

typedef struct clbn_fold_args {
    size_t struct_size;
    clbn_view weights;        /* in: the plan's x */
    clbn_view bias;           /* in, optional: 0; a parameter, as all below */
    clbn_view gamma;          /* in, optional: 1 */
    clbn_view beta;           /* in, optional: 0 */
    clbn_view running_mean;   /* in */
    clbn_view running_var;    /* in */
    clbn_view folded_weights; /* out: the plan's y; may be exactly weights */
    clbn_view folded_bias;    /* out; may be exactly bias */
    clbn_view workspace;
} clbn_fold_args;

#define CLBN_FOLD_ARGS_INIT                                                                                                    \
    {                                                                                                                          \
        sizeof(clbn_fold_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,            \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                                                           \
    }

/* Folds the inference of a batch norm into the convolution or linear layer before it, so that the layer alone gives what both
 * gave, but for roundings:
 *
 *     scale = gamma / sqrt(running_var + epsilon)
 *     folded_weights = weights * scale          folded_bias = (bias - running_mean) * scale + beta
 *
 * The plan is of the weights: their shape and strides, the axis of the layer's output channels, their type, and the batch norm's
 * epsilon. That axis is 0 of a linear layer's (out, in) and a convolution's (out, in / groups, H, W), 1 of a transposed
 * convolution's (in, out, H, W), the last of (H, W, in, out). A transposed convolution's of several groups, which are (in,
 * out / groups, H, W), are described as (groups, in / groups, out / groups, H, W) with axes 0 and 2. An activation stays behind the layer: CLBN_INVALID_ACTIVATION if the plan has
 * one. Weights without elements have a bias all the same.
 *
 *     clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;      // of a convolution of 64 channels to 128
 *     desc.rank = 4;
 *     desc.channel_axes = CLBN_AXIS(0);
 *     desc.shape[0] = 128; desc.shape[1] = 64; desc.shape[2] = 3; desc.shape[3] = 3;
 *     clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
 *
 *     clbn_fold_args args = CLBN_FOLD_ARGS_INIT;
 *     args.weights.buffer = args.folded_weights.buffer = weights;
 *     args.bias.buffer = args.folded_bias.buffer = bias;
 *     args.gamma.buffer = gamma; args.beta.buffer = beta;
 *     args.running_mean.buffer = mean; args.running_var.buffer = variance;
 *     status = clbnEnqueueFold(plan, queue, &args, 0, NULL, &event); */
CLBN_API cl_int clbnEnqueueFold(clbn_plan plan, cl_command_queue queue, const clbn_fold_args *args,
                                cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

/* ---- Command buffers ------------------------------------------------------------------------------------------------------ */

/* A cl_command_buffer_khr of the extension cl_khr_command_buffer, whose header is not needed for clbn.h. */
typedef struct _cl_command_buffer_khr *clbn_command_buffer;

/*
 * Forward, inference and backward, recorded into the caller's command buffer for its queue, or one of its queues, to be run any
 * number of times by clEnqueueCommandBufferKHR without clbn and its checks. Arguments and results are those of the enqueue
 * calls; each replay does what an enqueue call would do then, with the same bits. Sync points (cl_sync_point_khr, which are
 * cl_uint) stand in place of events: the call's first kernel runs after those of the wait list, and *sync_point is its last
 * kernel's.
 *
 * - The command buffer is not finalized.
 * - What is recorded is fixed: memory, offsets, factors. The memory and the engine live as long as the command buffer.
 * - The workspace is the caller's, where the plan needs one (CLBN_INVALID_WORKSPACE). Replays that overlap need workspaces
 *   of their own, so recordings of their own.
 * - A call of an empty batch that has nothing to do records nothing, and can give no sync point
 *   (CLBN_UNSUPPORTED_COMMAND_BUFFER).
 * - Where OpenCL fails to record a later kernel, the earlier ones are recorded: release the command buffer.
 *
 *     cl_command_buffer_khr commands = clCreateCommandBufferKHR(1, &queue, NULL, &status);
 *     clbnCommandForwardTraining(plan, queue, commands, &forward, 0, NULL, &normalized);
 *     clbnCommandBackward(plan, queue, commands, &backward, 1, &normalized, NULL);
 *     clFinalizeCommandBufferKHR(commands);
 *     for (int step = 0; step < 1000; step++)
 *         clEnqueueCommandBufferKHR(0, NULL, commands, 0, NULL, NULL);
 */
CLBN_API cl_int clbnCommandForwardTraining(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                           const clbn_forward_training_args *args, cl_uint num_sync_points_in_wait_list,
                                           const cl_uint *sync_point_wait_list, cl_uint *sync_point);

CLBN_API cl_int clbnCommandForwardInference(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                            const clbn_forward_inference_args *args, cl_uint num_sync_points_in_wait_list,
                                            const cl_uint *sync_point_wait_list, cl_uint *sync_point);

CLBN_API cl_int clbnCommandBackward(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                    const clbn_backward_args *args, cl_uint num_sync_points_in_wait_list,
                                    const cl_uint *sync_point_wait_list, cl_uint *sync_point);

CLBN_API cl_int clbnCommandBackwardFrozen(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                          const clbn_backward_frozen_args *args, cl_uint num_sync_points_in_wait_list,
                                          const cl_uint *sync_point_wait_list, cl_uint *sync_point);

/* ---- Phases --------------------------------------------------------------------------------------------------------------- */

/*
 * The same work in separate calls, so that a batch can lie on several devices, contexts or hosts (synchronised batch norm).
 * Each has a plan for its part, of any number of values, also none, with the same channels. Between the calls the caller brings
 * the parts' records together, in any order that is the same everywhere.
 *
 *     each:  Statistics (x -> its record)                   all: gather the records of all
 *     each:  MergeStatistics (records -> one, saved, running); Normalize (x, the merged record -> y)
 *     each:  BackwardSums (x, dy -> its record)             all: gather the records of all
 *     each:  BackwardInput (x, dy, records -> dx, dgamma, dbeta)
 *
 * A record is an array [rows][C] of statistics. Two rows that follow one another are a number, which is their sum: the row of
 * high parts, then that of low parts. P records are gathered as [P][rows][C].
 */
#define CLBN_STATISTICS_ROWS 6 /* count, mean, and deviation = sqrt(1/count sum (x - mean)^2) */
#define CLBN_SUMS_ROWS       8 /* count, sum g, sum g * xhat and sum xhat */

typedef struct clbn_statistics_args {
    size_t struct_size;
    clbn_view x;          /* in */
    clbn_view statistics; /* out: a record of CLBN_STATISTICS_ROWS * C numbers */
    clbn_view workspace;
} clbn_statistics_args;

#define CLBN_STATISTICS_ARGS_INIT                                                                                              \
    {                                                                                                                          \
        sizeof(clbn_statistics_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                                 \
    }

/* The statistics of a part of a batch. An empty part has a record too, of zeros. */
CLBN_API cl_int clbnEnqueueStatistics(clbn_plan plan, cl_command_queue queue, const clbn_statistics_args *args,
                                      cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_merge_statistics_args {
    size_t struct_size;
    size_t parts;           /* P, at least 1 */
    clbn_view records;      /* in: P records */
    clbn_view statistics;   /* out, optional: one record of all */
    clbn_view running_mean; /* in and out, optional, both or neither; as in forward training, of the whole batch */
    clbn_view running_var;
    clbn_view save_mean;   /* out, optional, as in forward training */
    clbn_view save_invstd; /* out, optional */
    clbn_view save_var;    /* out, optional */
    clbn_running_variance running_variance;
    double update_factor;
} clbn_merge_statistics_args;

#define CLBN_MERGE_STATISTICS_ARGS_INIT                                                                                        \
    {                                                                                                                          \
        sizeof(clbn_merge_statistics_args), 1, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,           \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_UNBIASED, 0.1                                                                     \
    }

/* The statistics of a whole batch from those of its parts. At least one output. Where all parts are empty, running and saved
 * statistics stay as they are; where the batch has one value, so does an unbiased running variance. The plan's shape matters
 * only by its channels. */
CLBN_API cl_int clbnEnqueueMergeStatistics(clbn_plan plan, cl_command_queue queue, const clbn_merge_statistics_args *args,
                                           cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_normalize_args {
    size_t struct_size;
    clbn_view x;          /* in */
    clbn_view z;          /* in, optional: the residual */
    clbn_view y;          /* out; may be exactly x or z */
    clbn_view gamma;      /* in, optional: 1 */
    clbn_view beta;       /* in, optional: 0 */
    clbn_view statistics; /* in: the record of the whole batch */
    clbn_view mask;       /* out, optional */
    clbn_view workspace;
} clbn_normalize_args;

#define CLBN_NORMALIZE_ARGS_INIT                                                                                               \
    {                                                                                                                          \
        sizeof(clbn_normalize_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,       \
            CLBN_NO_VIEW, CLBN_NO_VIEW                                                                                         \
    }

/* y of a part of a batch from the statistics of the whole. */
CLBN_API cl_int clbnEnqueueNormalize(clbn_plan plan, cl_command_queue queue, const clbn_normalize_args *args,
                                     cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_backward_sums_args {
    size_t struct_size;
    clbn_view x;  /* in: as in the backward; absent: from y */
    clbn_view dy; /* in */
    clbn_view z, y, mask;
    clbn_view gamma, beta;
    clbn_view save_mean;   /* in: of the whole batch */
    clbn_view save_invstd; /* in */
    clbn_view sums;        /* out: a record of CLBN_SUMS_ROWS * C numbers */
    clbn_view workspace;
} clbn_backward_sums_args;

#define CLBN_BACKWARD_SUMS_ARGS_INIT                                                                                           \
    {                                                                                                                          \
        sizeof(clbn_backward_sums_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,   \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW                                               \
    }

/* The backward's sums over a part of a batch. An empty part has a record too, of zeros. */
CLBN_API cl_int clbnEnqueueBackwardSums(clbn_plan plan, cl_command_queue queue, const clbn_backward_sums_args *args,
                                        cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

typedef struct clbn_backward_input_args {
    size_t struct_size;
    clbn_view x;  /* in: as in the backward; absent: from y */
    clbn_view dy; /* in */
    clbn_view z, y, mask;
    clbn_view gamma, beta;
    clbn_view save_mean;   /* in: of the whole batch */
    clbn_view save_invstd; /* in */
    size_t parts;          /* P, at least 1 */
    clbn_view records;     /* in: P records of sums */
    clbn_view dx;          /* out, optional; may be exactly dy */
    clbn_view dz;          /* out, optional; may be exactly dy */
    clbn_view dgamma;      /* out, optional: of the whole batch, not to be added over the parts again */
    clbn_view dbeta;       /* out, optional: likewise */
    double dx_factor;      /* as in the backward */
    double dgamma_factor;
    double dbeta_factor;
    clbn_view workspace;
} clbn_backward_input_args;

#define CLBN_BACKWARD_INPUT_ARGS_INIT                                                                                          \
    {                                                                                                                          \
        sizeof(clbn_backward_input_args), CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW,  \
            CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, 1, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, \
            0.0, 0.0, 0.0, CLBN_NO_VIEW                                                                                        \
    }

/* The gradients of a part of a batch from the sums of all parts. At least one output. For an empty part, dgamma and dbeta
 * alone. */
CLBN_API cl_int clbnEnqueueBackwardInput(clbn_plan plan, cl_command_queue queue, const clbn_backward_input_args *args,
                                         cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

#ifdef __cplusplus
}
#endif

#endif
