/* SPDX-License-Identifier: MIT */
#include "train/training_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const log_names[CONTENDERS] = { "plain", "batch_norm" };
static const char *const names[CONTENDERS] = { "without batch norm", "with batch norm" };

/* An accuracy to reach that tells the beginnings of the curves apart. */
static const double milestone = 0.8;

static bool has_diverged(const struct training_point *point, size_t contender)
{
    double training_loss = point->scores[contender].training.loss;

    return !isfinite(point->scores[contender].test.loss) || (point->step > 0 && !isfinite(training_loss));
}

static void print_point(const struct training_options *options, const struct training_point *point)
{
    printf("%8zu", point->step);
    for (size_t i = 0; i < CONTENDERS; i++)
        if (options->trained[i] && has_diverged(point, i))
            printf("  %18s", "diverged");
        else if (options->trained[i])
            printf("  %16.2f %%", 100.0 * point->scores[i].test.accuracy);
    printf("\n");
    fflush(stdout); /* A row is news, also in a pipe. */
}

/* A loss that is not known yet, at step 0, is an empty field. */
static void log_point(FILE *log, const struct training_options *options, const struct training_point *point)
{
    for (size_t i = 0; i < CONTENDERS; i++) {
        if (!options->trained[i])
            continue;
        fprintf(log, "%" PRIu64 ",%zu,%s,", options->seed, point->step, log_names[i]);
        if (point->step > 0)
            fprintf(log, "%.6g", point->scores[i].training.loss);
        fprintf(log, ",%.6g,%.6g", point->scores[i].test.loss, point->scores[i].test.accuracy);
        for (size_t j = 0; j < PERCENTILES; j++)
            fprintf(log, ",%.6g", point->scores[i].inputs.values[j]);
        fputc('\n', log);
    }
}

static void log_head(FILE *log)
{
    fputs("seed,step,network,training_loss,test_loss,test_accuracy", log);
    for (size_t i = 0; i < PERCENTILES; i++)
        fprintf(log, ",input_p%d", percentiles[i]);
    fputc('\n', log);
}

static void on_steps(void *context, size_t steps)
{
    struct training_report *report = context;

    progress_update(&report->progress, report->seed * report->options->steps + steps);
}

static bool on_point(void *context, const struct training_point *point, struct failure *failure)
{
    struct training_report *report = context;
    bool any_alive = false;

    progress_clear(&report->progress);
    print_point(report->options, point);
    if (report->log.stream != NULL)
        log_point(report->log.stream, report->options, point);
    for (size_t i = 0; i < CONTENDERS; i++)
        any_alive = any_alive || (report->options->trained[i] && !has_diverged(point, i));
    return any_alive || fail(failure, "the loss is not a finite number at step %zu: a smaller learning rate than %g may help",
                             point->step, report->options->learning_rate);
}

struct training_observer training_report_observer(struct training_report *report)
{
    struct training_observer observer = { on_steps, on_point, report };

    return observer;
}

bool training_report_open(struct training_report *report, const struct training_options *options, size_t seeds,
                          const char *log_path, struct failure *failure)
{
    memset(report, 0, sizeof *report);
    report->options = options;
    report->seeds = seeds;
    report->curves = calloc(seeds, sizeof *report->curves);
    if (report->curves == NULL)
        return fail(failure, "there is no memory for the curves of %zu trainings", seeds);
    if (log_path != NULL) {
        if (!output_file_open(&report->log, log_path, failure)) {
            training_report_close(report);
            return false;
        }
        log_head(report->log.stream);
    }
    progress_start(&report->progress, "training", seeds * options->steps);
    return true;
}

void training_report_close(struct training_report *report)
{
    progress_clear(&report->progress);
    output_file_close(&report->log);
    for (size_t i = 0; report->curves != NULL && i < report->seeds; i++)
        training_curve_free(&report->curves[i]);
    free(report->curves);
    memset(report, 0, sizeof *report);
}

struct training_curve *training_report_start(struct training_report *report, size_t seed)
{
    report->seed = seed;
    progress_clear(&report->progress);
    if (report->seeds > 1)
        printf("%sSeed %" PRIu64 ":\n", seed > 0 ? "\n" : "", report->options->seed);
    printf("%8s", "steps");
    for (size_t i = 0; i < CONTENDERS; i++)
        if (report->options->trained[i])
            printf("  %18s", names[i]);
    printf("  (accuracy on the test set)\n");
    return &report->curves[seed];
}

/* A figure of one training, of one network. */
typedef double (*curve_figure)(const struct training_options *options, const struct training_curve *curve, size_t contender);

/* A figure over the seeds. */
struct span {
    double mean;
    double least;
    double greatest;
};

static void widen(struct span *span, double value, size_t count)
{
    span->mean += value / (double)count;
    span->least = fmin(span->least, value);
    span->greatest = fmax(span->greatest, value);
}

static const struct span empty_span = { 0.0, (double)INFINITY, (double)-INFINITY };

static struct span over_seeds(const struct training_report *report, curve_figure figure, size_t contender)
{
    struct span span = empty_span;

    for (size_t i = 0; i < report->seeds; i++)
        widen(&span, figure(report->options, &report->curves[i], contender), report->seeds);
    return span;
}

/* Prints a figure of each network, "2000 (1900 to 2100) without batch norm"; infinite, for the greatest, is never. */
static void print_figure(const struct training_report *report, curve_figure figure, int digits, const char *unit)
{
    printf("\n ");
    for (size_t i = 0, printed = 0; i < CONTENDERS; i++) {
        struct span span;

        if (!report->options->trained[i])
            continue;
        span = over_seeds(report, figure, i);
        printf(printed++ > 0 ? ", " : " ");
        if (isinf(span.greatest))
            printf("not reached %s", names[i]);
        else if (report->seeds == 1)
            printf("%.*f%s %s", digits, span.mean, unit, names[i]);
        else
            printf("%.*f%s (%.*f to %.*f) %s", digits, span.mean, unit, digits, span.least, digits, span.greatest, names[i]);
    }
    printf("\n");
}

static double steps_to(const struct training_curve *curve, size_t contender, double accuracy)
{
    for (size_t i = 0; i < curve->count; i++)
        if (curve->points[i].scores[contender].test.accuracy >= accuracy)
            return (double)curve->points[i].step;
    return (double)INFINITY;
}

static double best_plain(const struct training_options *options, const struct training_curve *curve, size_t contender)
{
    double best = 0.0;

    (void)options;
    (void)contender;
    for (size_t i = 0; i < curve->count; i++)
        best = fmax(best, curve->points[i].scores[CONTENDER_PLAIN].test.accuracy);
    return best;
}

static double steps_to_milestone(const struct training_options *options, const struct training_curve *curve, size_t contender)
{
    (void)options;
    return steps_to(curve, contender, milestone);
}

static double steps_to_best_plain(const struct training_options *options, const struct training_curve *curve, size_t contender)
{
    return steps_to(curve, contender, best_plain(options, curve, contender));
}

static double last_accuracy(const struct training_options *options, const struct training_curve *curve, size_t contender)
{
    (void)options;
    return 100.0 * curve->points[curve->count - 1].scores[contender].test.accuracy;
}

/* One point is noisy: with a constant learning rate the accuracy goes up and down by a percent. */
static double late_accuracy(const struct training_options *options, const struct training_curve *curve, size_t contender)
{
    double sum = 0.0;
    size_t count = 0;

    for (size_t i = 0; i < curve->count; i++) {
        if (curve->points[i].step > options->steps - (options->steps + 3) / 4) {
            sum += curve->points[i].scores[contender].test.accuracy;
            count++;
        }
    }
    return 100.0 * sum / (double)count;
}

static void print_diverged(const struct training_report *report, size_t contender)
{
    for (size_t i = 0; i < report->seeds; i++) {
        const struct training_curve *curve = &report->curves[i];
        size_t j = 0;

        while (j < curve->count && !has_diverged(&curve->points[j], contender))
            j++;
        if (j < curve->count)
            printf("The network %s diverged: after %zu steps its loss was\nnot a finite number.\n", names[contender],
                   curve->points[j].step);
    }
}

bool training_report_finish(struct training_report *report, struct failure *failure)
{
    const struct training_options *options = report->options;

    progress_clear(&report->progress);
    printf("\n");
    if (report->seeds > 1)
        printf("Means of %zu seeds, and from the least to the greatest.\n", report->seeds);
    printf("Steps to %.2f %%:", 100.0 * milestone);
    print_figure(report, steps_to_milestone, 0, "");
    if (options->trained[CONTENDER_PLAIN] && options->trained[CONTENDER_BATCH_NORM]) {
        printf("Steps to %.2f %%, the best without batch norm:", 100.0 * over_seeds(report, best_plain, CONTENDER_PLAIN).mean);
        print_figure(report, steps_to_best_plain, 0, "");
    }
    for (size_t i = 0; i < CONTENDERS; i++)
        if (options->trained[i])
            print_diverged(report, i);
    printf("Mean test accuracy over the last quarter of the steps:");
    print_figure(report, late_accuracy, 2, " %");
    printf("Test accuracy after %zu steps:", options->steps);
    print_figure(report, last_accuracy, 2, " %");
    return report->log.stream == NULL ||
           (output_file_finish(&report->log, failure) && output_file_publish(&report->log, failure));
}
