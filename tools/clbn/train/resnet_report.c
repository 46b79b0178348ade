/* SPDX-License-Identifier: MIT */
#include "train/resnet_report.h"

#include "io/json.h"
#include "io/output_file.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>

struct report {
    const struct resnet_training_options *options;
    struct progress progress;
};

static void on_steps(void *context, size_t steps)
{
    struct report *report = context;

    progress_update(&report->progress, steps);
}

static void on_point(void *context, const struct resnet_point *point)
{
    struct report *report = context;
    bool frozen = point->step > report->options->steps;

    progress_clear(&report->progress);
    if (point->step == 0)
        printf("%8zu  %13s  %11.2f %%\n", point->step, "", 100.0 * point->test.accuracy);
    else
        printf("%8zu  %13.4f  %11.2f %%%s\n", point->step, point->training.loss, 100.0 * point->test.accuracy,
               frozen ? "  frozen statistics" : "");
    fflush(stdout); /* A row is news, also in a pipe. */
}

static const struct resnet_point *last_point(const struct resnet_result *result)
{
    return &result->points[result->point_count - 1];
}

/* The last point on the batches' statistics. */
static const struct resnet_point *last_trained(const struct resnet_training_options *options,
                                               const struct resnet_result *result)
{
    const struct resnet_point *last = result->points;

    for (size_t i = 0; i < result->point_count; i++)
        last = result->points[i].step <= options->steps ? &result->points[i] : last;
    return last;
}

static void print_summary(const struct resnet_training_options *options, const struct resnet_result *result)
{
    const struct resnet_measures *measures = &result->measures;
    double step = 1e3 * measures->step;
    double textbook_step = 1e3 * measures->textbook_step;
    double norms = 1e3 * measures->step_norms;
    double textbook_norms = 1e3 * measures->textbook_step_norms;

    printf("\nTraining took %.0f s, and %.0f s of processors.\n", result->seconds, result->processor_seconds);
    if (options->frozen_steps > 0) {
        printf("%zu steps on frozen statistics took test accuracy from %.2f to %.2f %%.\n", options->frozen_steps,
               100.0 * last_trained(options, result)->test.accuracy, 100.0 * last_point(result)->test.accuracy);
    }
    printf("Every batch norm folded into its convolution:\n"
           "  %zu of %zu predictions stay the same, test accuracy is %.2f %%;\n"
           "  logits up to %.1f differ by at most %.1e;\n"
           "  a batch's inference takes %.2f ms, before %.2f ms: %.2f times as fast.\n",
           measures->agreeing, measures->samples, 100.0 * measures->folded.accuracy, measures->greatest_logit,
           measures->logit_difference, 1e3 * measures->folded_inference, 1e3 * measures->inference,
           measures->inference / measures->folded_inference);
    printf("Batch norm, residual and ReLU in a training step:\n"
           "  by clbn %.2f of %.2f ms, %.0f %%;\n"
           "  by a textbook's kernels %.2f of %.2f ms, %.0f %%, %.1f times as long.\n",
           norms, step, 100.0 * norms / step, textbook_norms, textbook_step, 100.0 * textbook_norms / textbook_step,
           textbook_norms / norms);
}

static void write_points(struct json *json, const struct resnet_training_options *options, const struct resnet_result *result)
{
    json_open(json, "points", '[');
    for (size_t i = 0; i < result->point_count; i++) {
        const struct resnet_point *point = &result->points[i];

        json_open(json, NULL, '{');
        json_integer(json, "step", point->step);
        json_bool(json, "frozen", point->step > options->steps);
        json_real(json, "training_loss", point->training.loss);
        json_real(json, "test_loss", point->test.loss);
        json_real(json, "test_accuracy", point->test.accuracy);
        json_close(json);
    }
    json_close(json);
}

static void write_measures(struct json *json, const struct resnet_measures *measures)
{
    json_open(json, "folded", '{');
    json_integer(json, "samples", measures->samples);
    json_integer(json, "agreeing", measures->agreeing);
    json_real(json, "test_accuracy", measures->folded.accuracy);
    json_real(json, "logit_difference", measures->logit_difference);
    json_real(json, "greatest_logit", measures->greatest_logit);
    json_real(json, "inference_s", measures->inference);
    json_real(json, "folded_inference_s", measures->folded_inference);
    json_close(json);
    json_open(json, "step", '{');
    json_real(json, "clbn_s", measures->step);
    json_real(json, "clbn_norms_s", measures->step_norms);
    json_real(json, "textbook_s", measures->textbook_step);
    json_real(json, "textbook_norms_s", measures->textbook_step_norms);
    json_close(json);
}

static bool write_file(const struct resnet_training_options *options, const struct resnet_result *result,
                       struct output_file *file, struct failure *failure)
{
    struct json json = json_start(file->stream);

    json_open(&json, NULL, '{');
    json_string(&json, "type", options->type == CLBN_FLOAT16 ? "float16" : "float32");
    json_string(&json, "layout", options->channels_last ? "nhwc" : "nchw");
    json_integer(&json, "channels", options->channels);
    json_integer(&json, "batch", options->batch);
    json_integer(&json, "steps", options->steps);
    json_integer(&json, "frozen_steps", options->frozen_steps);
    json_real(&json, "learning_rate", options->learning_rate);
    json_integer(&json, "seed", options->seed);
    json_real(&json, "seconds", result->seconds);
    json_real(&json, "processor_seconds", result->processor_seconds);
    write_points(&json, options, result);
    write_measures(&json, &result->measures);
    json_close(&json);
    return output_file_finish(file, failure) && output_file_publish(file, failure);
}

bool resnet_report(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                   const struct resnet_training_options *options, const char *json_path, struct failure *failure)
{
    struct report report = { .options = options };
    struct resnet_observer observer = { on_steps, on_point, NULL, &report };
    struct resnet_result result;
    struct output_file file = { 0 };

    if (json_path != NULL && !output_file_open(&file, json_path, failure))
        return false;
    printf("%8s  %13s  %13s\n", "steps", "training loss", "test accuracy");
    progress_start(&report.progress, "training", options->steps + options->frozen_steps);
    bool done = resnet_training_run(session, training_set, test_set, options, &observer, &result, failure);
    progress_clear(&report.progress);
    if (done) {
        print_summary(options, &result);
        done = json_path == NULL || write_file(options, &result, &file, failure);
    }
    output_file_close(&file);
    return done;
}
