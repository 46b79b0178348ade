/* SPDX-License-Identifier: MIT */
/* clbn train: a classifier of images with batch norm, without it, or both side by side; or a residual network. */
#define _POSIX_C_SOURCE 200809L

#include "commands.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "io/options.h"
#include "io/output_file.h"
#include "io/plot.h"
#include "system/folder.h"
#include "train/peers.h"
#include "train/resnet_report.h"
#include "train/training.h"
#include "train/training_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_DATA "/usr/share/datasets/fashion-mnist"
#define DEFAULT_PLOT "clbn-train.svg"
#define PAPER_PLOT   "clbn-paper.svg"

enum {
    CLASSES = 10,
    DEFAULT_STEPS = 20000,
    DEFAULT_BATCH = 60,
    PAPER_STEPS = 50000, /* of the paper's section 4.1, as is the batch of 60 */
    PAPER_SEEDS = 5,
    MAX_BATCH = 65536,
    MAX_STEPS = 1000000000,
    MAX_SEEDS = 1000,
    CNN_STEPS = 1500, /* 2.5 epochs of Fashion-MNIST */
    CNN_BATCH = 100,
    CNN_CHANNELS = 32,
    MAX_CNN_BATCH = 4096,
    MAX_CHANNELS = 512
};

enum model { MODEL_MLP, MODEL_CNN };

static const char *const model_names[] = { "mlp", "cnn", NULL };
static const char *const method_names[] = { "batch", "ghost", "renorm", NULL };
static const char *const layout_names[] = { "nhwc", "nchw", NULL };
static const char *const type_names[] = { "float32", "float16", NULL };
static const clbn_type types[] = { CLBN_FLOAT32, CLBN_FLOAT16 };

struct request {
    int model; /* an enum model */
    const char *data;
    const char *log;
    const char *json;
    const char *plot; /* NULL: no picture */
    bool plot_asked;  /* not the one of --compare, which goes without gnuplot */
    bool paper;
    const char *checkpoints; /* a folder, or NULL */
    size_t seeds;
    struct session_options session;
    struct peers peers;
    struct training_options training;
    struct resnet_training_options resnet;
};

static const char *data_folder(const struct request *request)
{
    return request->data != NULL ? request->data : DEFAULT_DATA;
}

static bool read_data(const struct request *request, struct idx_set *training_set, struct idx_set *test_set,
                      struct failure *failure)
{
    const char *folder = data_folder(request);
    struct stat status;

    if (request->data == NULL && stat(folder, &status) != 0 && errno == ENOENT) {
        return fail(failure, "there is no data set in " DEFAULT_DATA ": install it with 'apt-get install "
                             "dataset-fashion-mnist', or name the folder of another one with --data");
    }
    if (!idx_read_set(folder, IDX_TRAINING, CLASSES, training_set, failure) ||
        !idx_read_set(folder, IDX_TEST, CLASSES, test_set, failure))
        return false;
    if (training_set->height != test_set->height || training_set->width != test_set->width) {
        return fail(failure, "'%s' has training images of %zu x %zu pixels and test images of %zu x %zu", folder,
                    training_set->height, training_set->width, test_set->height, test_set->width);
    }
    if (training_set->count < request->training.batch) {
        return fail(failure, "'%s' has %zu training images, fewer than a batch of %zu", folder, training_set->count,
                    request->training.batch);
    }
    return true;
}

static bool state_path(const struct request *request, const char *name, uint64_t seed, char path[IDX_PATH_SIZE],
                       struct failure *failure)
{
    int length = snprintf(path, IDX_PATH_SIZE, "%s/%s-%" PRIu64 ".npy", request->checkpoints, name, seed);

    return (length >= 0 && length < IDX_PATH_SIZE) ||
           fail(failure, "the name of the folder '%s' is too long", request->checkpoints);
}

static bool make_folder(const char *path, struct failure *failure)
{
    return folder_make(path) || fail(failure, "cannot make the folder '%s': %s", path, strerror(errno));
}

/* Trains from one seed after the other. */
static bool train_seeds(const struct request *request, const struct session *session, const struct idx_set *training_set,
                        const struct idx_set *test_set, struct training_options *options, struct training_report *report,
                        struct failure *failure)
{
    struct training_observer observer = training_report_observer(report);
    char path[IDX_PATH_SIZE];

    for (size_t i = 0; i < request->seeds; i++) {
        options->seed = request->training.seed + i;
        if (request->checkpoints != NULL) {
            if (!state_path(request, "seed", options->seed, path, failure))
                return false;
            options->checkpoint = path;
        }
        struct training_curve *curve = training_report_start(report, i);
        if (!training_run(session, training_set, test_set, options, &observer, curve, failure))
            return false;
    }
    return true;
}

static bool train(const struct request *request, const struct session *session, const struct idx_set *training_set,
                  const struct idx_set *test_set, struct failure *failure)
{
    struct training_options options = request->training;
    struct training_report report;

    if (request->plot != NULL && (request->plot_asked || plot_has_gnuplot()) && !plot_probe(request->plot, failure))
        return false;
    if (!training_report_open(&report, &options, request->seeds, request->log, failure))
        return false;
    bool done = train_seeds(request, session, training_set, test_set, &options, &report, failure) &&
                training_report_finish(&report, failure) &&
                (request->plot == NULL || training_report_plot(&report, request->paper, request->plot, failure));
    training_report_close(&report);
    return done;
}

static bool train_resnet(const struct request *request, const struct session *session, const struct idx_set *training_set,
                         const struct idx_set *test_set, struct failure *failure)
{
    struct resnet_training_options options = request->resnet;
    char path[IDX_PATH_SIZE];

    if (request->checkpoints != NULL) {
        if (!state_path(request, "cnn", options.seed, path, failure))
            return false;
        options.checkpoint = path;
    }
    return resnet_report(session, training_set, test_set, &options, request->json, failure);
}

/* Outputs to one file, or to a file of the data. Returns EXIT_DONE or EXIT_USAGE. */
static int check_outputs(const struct command_line *command, const struct request *request)
{
    const char *const outputs[] = { request->log, request->plot, request->json };
    char path[IDX_PATH_SIZE];
    struct failure failure;

    if (request->plot != NULL && !plot_is_format(request->plot))
        return usage_error(command, "--plot takes a file name that ends in .svg or .png, not '%s'", request->plot);
    if (request->log != NULL && request->plot != NULL && output_file_is(request->log, request->plot))
        return usage_error(command, "--log and --plot would both write '%s'", request->plot);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        for (int file = 0; file < IDX_FILES && outputs[i] != NULL; file++)
            if (idx_find_file(data_folder(request), (enum idx_file)file, path, &failure) && output_file_is(path, outputs[i]))
                return usage_error(command, "'%s' is one of the data's files, and would be written over", outputs[i]);
    return EXIT_DONE;
}

static bool check_peers(const struct request *request, struct failure *failure)
{
    size_t size = (size_t)request->peers.size;

    if (size > 1 && request->model == MODEL_CNN)
        return fail(failure, "%zu processes were started, but --model cnn trains on one alone", size);
    if (size > 1 && request->training.method.kind != METHOD_BATCH)
        return fail(failure, "%zu processes were started, which take statistics of the whole batch alone", size);
    return request->training.batch >= size ||
           fail(failure, "a batch of %zu images has none for some of %zu processes", request->training.batch, size);
}

static int run_alone_or_together(const struct request *request)
{
    int exit_code = EXIT_FAILED;
    struct failure failure;
    struct session session = { 0 };
    struct idx_set training_set = IDX_SET_INIT;
    struct idx_set test_set = IDX_SET_INIT;

    if (check_peers(request, &failure) && read_data(request, &training_set, &test_set, &failure) &&
        session_open(&session, &request->session, &failure) &&
        (request->checkpoints == NULL || make_folder(request->checkpoints, &failure)) &&
        (request->model == MODEL_CNN ? train_resnet(request, &session, &training_set, &test_set, &failure)
                                     : train(request, &session, &training_set, &test_set, &failure)))
        exit_code = EXIT_DONE;
    else
        report_failure(&failure);
    session_close(&session);
    idx_free_set(&training_set);
    idx_free_set(&test_set);
    return exit_code;
}

/* The first process writes and speaks for all. A process that fails says why, and ends all. */
static int run(struct request *request)
{
    struct failure failure;

    if (!peers_open(&request->peers, &failure)) {
        report_failure(&failure);
        return EXIT_FAILED;
    }
    if (request->peers.size > 1)
        request->training.peers = &request->peers;
    if (request->peers.rank > 0) {
        request->log = request->plot = request->json = NULL;
        if (freopen("/dev/null", "w", stdout) == NULL)
            return EXIT_FAILED;
    }
    int exit_code = run_alone_or_together(request);
    if (exit_code != EXIT_DONE)
        peers_abort(&request->peers, exit_code);
    peers_close(&request->peers);
    return exit_code;
}

/* Options that are one model's were given with the other. Returns EXIT_DONE or EXIT_USAGE. */
static int check_model(const struct command_line *command, int model)
{
    static const struct {
        const char *option;
        int model;
    } rows[] = { { "compare", MODEL_MLP }, { "paper", MODEL_MLP },    { "no-bn", MODEL_MLP },     { "seeds", MODEL_MLP },
                 { "log", MODEL_MLP },     { "plot", MODEL_MLP },     { "layout", MODEL_CNN },    { "type", MODEL_CNN },
                 { "json", MODEL_CNN },    { "channels", MODEL_CNN }, { "freeze-bn", MODEL_CNN }, { "dropout", MODEL_MLP } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].model != model && option_given(command, rows[i].option))
            return usage_error(command, "--%s is for --model %s", rows[i].option, model_names[rows[i].model]);
    return EXIT_DONE;
}

/* Returns EXIT_DONE or EXIT_USAGE. */
static int check_method(const struct command_line *command, const struct method *method, long long batch, bool no_bn)
{
    const bool is_ghost = method->kind == METHOD_GHOST;

    if (no_bn && option_given(command, "normalization"))
        return usage_error(command, "--no-bn and --normalization exclude each other");
    if (is_ghost != option_given(command, "ghost-batch"))
        return usage_error(command, "--normalization ghost and --ghost-batch need each other");
    if (method->kind != METHOD_RENORM && (option_given(command, "renorm-r-max") || option_given(command, "renorm-d-max")))
        return usage_error(command, "--renorm-r-max and --renorm-d-max need --normalization renorm");
    if (is_ghost && (size_t)batch > method->ghost_batch && (size_t)batch % method->ghost_batch == 1)
        return usage_error(command,
                           "--ghost-batch %zu leaves a ghost batch of one image of --batch %lld, which has no variance",
                           method->ghost_batch, batch);
    return EXIT_DONE;
}

int command_train(int argc, char **argv)
{
    struct request request = { 0 };
    long long steps = DEFAULT_STEPS;
    long long batch = DEFAULT_BATCH;
    long long seed = 1;
    long long seeds = 1;
    long long channels = CNN_CHANNELS;
    long long frozen_steps = 0;
    int layout = 0;
    int type = 0;
    double learning_rate = 0.1;
    struct method method = { .r_max = 3.0, .d_max = 5.0 };
    long long ghost_batch = 0;
    bool no_bn = false;
    bool compare = false;
    struct command_option options[] = {
        { .name = "data",
          .kind = OPTION_STRING,
          .to.string = &request.data,
          .argument = "DIR",
          .help = "folder with IDX images and labels, gzip-compressed or not (default " DEFAULT_DATA ")" },
        { .name = "model",
          .kind = OPTION_CHOICE,
          .to.choice = &request.model,
          .choices = model_names,
          .help = "the paper's linear layers, or a small residual network (default mlp)" },
        { .name = "compare", .kind = OPTION_FLAG, .to.flag = &compare, .help = "train without and with batch norm" },
        { .name = "paper",
          .kind = OPTION_FLAG,
          .to.flag = &request.paper,
          .help = "repeat the paper's Figure 1: --compare with 50000 steps and 5 seeds" },
        { .name = "no-bn", .kind = OPTION_FLAG, .to.flag = &no_bn, .help = "train without batch norm" },
        { .name = "normalization",
          .kind = OPTION_CHOICE,
          .to.choice = &method.kind,
          .choices = method_names,
          .help = "statistics of the batch, of ghost batches, or batch renormalization (default batch)" },
        { .name = "ghost-batch",
          .kind = OPTION_INTEGER,
          .to.integer = &ghost_batch,
          .argument = "N",
          .integer_range = { 2, MAX_BATCH },
          .help = "images to a ghost batch; the last one may have fewer" },
        { .name = "renorm-r-max",
          .kind = OPTION_REAL,
          .to.real = &method.r_max,
          .argument = "R",
          .real_range = { 1, 1e30 },
          .help = "bound of renormalization's r, reached after 3/10 of the steps (default 3)" },
        { .name = "renorm-d-max",
          .kind = OPTION_REAL,
          .to.real = &method.d_max,
          .argument = "D",
          .real_range = { 0, 1e30 },
          .help = "bound of renormalization's d, reached after 1/5 of the steps (default 5)" },
        { .name = "steps",
          .kind = OPTION_INTEGER,
          .to.integer = &steps,
          .argument = "N",
          .integer_range = { 1, MAX_STEPS },
          .help = "mini-batches to train on (default 20000; cnn: 1500)" },
        { .name = "batch",
          .kind = OPTION_INTEGER,
          .to.integer = &batch,
          .argument = "N",
          .integer_range = { 2, MAX_BATCH },
          .help = "images in a mini-batch, which mpirun's processes share (default 60; cnn: 100)" },
        { .name = "learning-rate",
          .kind = OPTION_REAL,
          .to.real = &learning_rate,
          .argument = "RATE",
          .real_range = { 1e-9, 1e38 },
          .help = "of the gradient descent (default 0.1)" },
        { .name = "dropout",
          .kind = OPTION_REAL,
          .to.real = &request.training.dropout,
          .argument = "P",
          .real_range = { 0, 1 },
          .help = "share of the mlp's hidden values that a training step drops, below 1 (default 0)" },
        { .name = "seed",
          .kind = OPTION_INTEGER,
          .to.integer = &seed,
          .argument = "N",
          .help = "of the initial weights, the order of the images and dropout (default 1)" },
        { .name = "seeds",
          .kind = OPTION_INTEGER,
          .to.integer = &seeds,
          .argument = "N",
          .integer_range = { 1, MAX_SEEDS },
          .help = "train N times, from this seed on (default 1)" },
        { .name = "layout",
          .kind = OPTION_CHOICE,
          .to.choice = &layout,
          .choices = layout_names,
          .help = "of the cnn's images (default nhwc)" },
        { .name = "type",
          .kind = OPTION_CHOICE,
          .to.choice = &type,
          .choices = type_names,
          .help = "in which the cnn stores them (default float32)" },
        { .name = "channels",
          .kind = OPTION_INTEGER,
          .to.integer = &channels,
          .argument = "N",
          .integer_range = { 1, MAX_CHANNELS },
          .help = "of the cnn's first convolution (default 32)" },
        { .name = "freeze-bn",
          .kind = OPTION_INTEGER,
          .to.integer = &frozen_steps,
          .argument = "N",
          .integer_range = { 1, MAX_STEPS },
          .help = "then train the cnn N steps more on frozen statistics" },
        { .name = "checkpoint",
          .kind = OPTION_STRING,
          .to.string = &request.checkpoints,
          .argument = "DIR",
          .help = "keep the state in a folder, and go on from what is there" },
        { .name = "log",
          .kind = OPTION_STRING,
          .to.string = &request.log,
          .argument = "FILE.csv",
          .help = "write losses and accuracies to a file" },
        { .name = "json",
          .kind = OPTION_STRING,
          .to.string = &request.json,
          .argument = "FILE",
          .help = "write what the cnn came to, and what was measured, to a file" },
        { .name = "plot",
          .kind = OPTION_STRING,
          .to.string = &request.plot,
          .argument = "FILE",
          .help = "draw accuracy against steps to a .svg or .png file (with --compare: " DEFAULT_PLOT ")" },
        SESSION_OPTION_ROWS(request.session),
    };
    const struct command_line command = { "train", "Train a classifier with batch normalization on images", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    exit_code = check_model(&command, request.model);
    if (exit_code != EXIT_DONE)
        return exit_code;
    if (request.training.dropout >= 1.0)
        return usage_error(&command, "--dropout takes a share below 1: nothing would be left");
    if (request.model == MODEL_CNN) {
        steps = option_given(&command, "steps") ? steps : CNN_STEPS;
        batch = option_given(&command, "batch") ? batch : CNN_BATCH;
        if (batch > MAX_CNN_BATCH)
            return usage_error(&command, "--batch takes at most %d with --model cnn, not %lld", MAX_CNN_BATCH, batch);
    }
    if (no_bn && (compare || request.paper))
        return usage_error(&command, "--no-bn and --%s exclude each other", compare ? "compare" : "paper");
    method.ghost_batch = (size_t)ghost_batch;
    exit_code = check_method(&command, &method, batch, no_bn);
    if (exit_code != EXIT_DONE)
        return exit_code;
    if (request.paper) {
        compare = true;
        steps = option_given(&command, "steps") ? steps : PAPER_STEPS;
        seeds = option_given(&command, "seeds") ? seeds : PAPER_SEEDS;
    }
    request.plot_asked = request.plot != NULL;
    if (compare && request.plot == NULL)
        request.plot = request.paper ? PAPER_PLOT : DEFAULT_PLOT;
    exit_code = check_outputs(&command, &request);
    if (exit_code != EXIT_DONE)
        return exit_code;
    request.training.trained[CONTENDER_PLAIN] = no_bn || compare;
    request.training.trained[CONTENDER_BATCH_NORM] = !no_bn;
    request.training.classes = CLASSES;
    request.training.batch = (size_t)batch;
    request.training.steps = (size_t)steps;
    request.training.learning_rate = learning_rate;
    request.training.method = method;
    request.training.seed = (uint64_t)seed;
    request.seeds = (size_t)seeds;
    request.resnet.channels = (size_t)channels;
    request.resnet.classes = CLASSES;
    request.resnet.batch = (size_t)batch;
    request.resnet.steps = (size_t)steps;
    request.resnet.frozen_steps = (size_t)frozen_steps;
    request.resnet.learning_rate = learning_rate;
    request.resnet.method = method;
    request.resnet.type = types[type];
    request.resnet.channels_last = layout == 0;
    request.resnet.seed = (uint64_t)seed;
    return run(&request);
}
