#include "train/training_report.h"

#include "io/plot.h"

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

static void print_head(const struct training_options *options)
{
    printf("%8s", "steps");
    for (size_t i = 0; i < CONTENDERS; i++)
        if (options->trained[i])
            printf("  %18s", names[i]);
    printf("  (accuracy on the test set)\n");
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
        fprintf(log, "%zu,%s,", point->step, log_names[i]);
        if (point->step > 0)
            fprintf(log, "%.6g", point->scores[i].training.loss);
        fprintf(log, ",%.6g,%.6g\n", point->scores[i].test.loss, point->scores[i].test.accuracy);
    }
}

static bool keep_point(struct training_report *report, const struct training_point *point, struct failure *failure)
{
    if (report->point_count == report->point_capacity) {
        size_t capacity = 2 * report->point_capacity + 16;
        struct training_point *larger = realloc(report->points, capacity * sizeof *larger);

        if (larger == NULL)
            return fail(failure, "there is no memory for the curve of the accuracies");
        report->points = larger;
        report->point_capacity = capacity;
    }
    report->points[report->point_count++] = *point;
    return true;
}

static void on_steps(void *context, size_t steps)
{
    struct training_report *report = context;

    progress_update(&report->progress, steps);
}

static bool on_point(void *context, const struct training_point *point, struct failure *failure)
{
    struct training_report *report = context;
    bool any_alive = false;

    progress_clear(&report->progress);
    print_point(report->options, point);
    if (report->log.stream != NULL)
        log_point(report->log.stream, report->options, point);
    for (size_t i = 0; i < CONTENDERS; i++) {
        bool diverged = report->options->trained[i] && has_diverged(point, i);

        if (diverged && report->diverged_at[i] == 0)
            report->diverged_at[i] = point->step;
        any_alive = any_alive || (report->options->trained[i] && !diverged);
    }
    if (!any_alive) {
        return fail(failure, "the loss is not a finite number at step %zu: a smaller learning rate than %g may help",
                    point->step, report->options->learning_rate);
    }
    return keep_point(report, point, failure);
}

struct training_observer training_report_observer(struct training_report *report)
{
    struct training_observer observer = { on_steps, on_point, report };

    return observer;
}

bool training_report_open(struct training_report *report, const struct training_options *options, const char *log_path,
                          struct failure *failure)
{
    memset(report, 0, sizeof *report);
    report->options = options;
    if (log_path != NULL) {
        if (!output_file_open(&report->log, log_path, failure))
            return false;
        fputs("step,network,training_loss,test_loss,test_accuracy\n", report->log.stream);
    }
    print_head(options);
    progress_start(&report->progress, "training", options->steps);
    return true;
}

void training_report_close(struct training_report *report)
{
    progress_clear(&report->progress);
    output_file_close(&report->log);
    free(report->points);
    memset(report, 0, sizeof *report);
}

/* Prints how long each network took to an accuracy. */
static void print_milestone(const struct training_report *report, double accuracy, const char *description)
{
    printf("Steps to %.2f %%%s:\n ", 100.0 * accuracy, description);
    for (size_t i = 0, printed = 0; i < CONTENDERS; i++) {
        size_t j = 0;

        if (!report->options->trained[i])
            continue;
        while (j < report->point_count && !(report->points[j].scores[i].test.accuracy >= accuracy))
            j++;
        printf(printed++ > 0 ? ", " : " ");
        if (j < report->point_count)
            printf("%zu %s", report->points[j].step, names[i]);
        else
            printf("not reached %s", names[i]);
    }
    printf("\n");
}

static double best_accuracy(const struct training_report *report, size_t contender)
{
    double best = 0.0;

    for (size_t i = 0; i < report->point_count; i++)
        best = fmax(best, report->points[i].scores[contender].test.accuracy);
    return best;
}

/* One point is noisy: with a constant learning rate the accuracy goes up and down by a percent. */
static double late_mean(const struct training_report *report, size_t contender)
{
    double sum = 0.0;
    size_t count = 0;

    for (size_t i = 0; i < report->point_count; i++) {
        if (report->points[i].step > report->options->steps - (report->options->steps + 3) / 4) {
            sum += report->points[i].scores[contender].test.accuracy;
            count++;
        }
    }
    return sum / (double)count;
}

static void print_accuracies(const struct training_report *report, bool late)
{
    const struct training_point *last = &report->points[report->point_count - 1];

    for (size_t i = 0, printed = 0; i < CONTENDERS; i++) {
        if (report->options->trained[i]) {
            double accuracy = late ? late_mean(report, i) : last->scores[i].test.accuracy;

            printf("%s %.2f %% %s", printed++ > 0 ? "," : "", 100.0 * accuracy, names[i]);
        }
    }
    printf("\n");
}

bool training_report_finish(struct training_report *report, struct failure *failure)
{
    const struct training_options *options = report->options;

    progress_clear(&report->progress);
    printf("\n");
    print_milestone(report, milestone, "");
    if (options->trained[CONTENDER_PLAIN] && options->trained[CONTENDER_BATCH_NORM])
        print_milestone(report, best_accuracy(report, CONTENDER_PLAIN), ", the best without batch norm");
    for (size_t i = 0; i < CONTENDERS; i++) {
        if (options->trained[i] && report->diverged_at[i] > 0) {
            printf("The network %s diverged: after %zu steps its loss was\nnot a finite number.\n", names[i],
                   report->diverged_at[i]);
        }
    }
    printf("Mean test accuracy over the last quarter of the steps:\n ");
    print_accuracies(report, true);
    printf("Test accuracy after %zu steps:\n ", options->steps);
    print_accuracies(report, false);
    return report->log.stream == NULL ||
           (output_file_finish(&report->log, failure) && output_file_publish(&report->log, failure));
}

static bool plot_points(const struct training_report *report, double *values, const char *path, struct failure *failure)
{
    struct plot_series series[CONTENDERS];
    struct plot plot = { "Accuracy on the test set", "steps", "accuracy (%)", series, 0, true };
    size_t count = report->point_count;

    for (size_t i = 0; i < count; i++)
        values[i] = (double)report->points[i].step;
    for (size_t i = 0; i < CONTENDERS; i++) {
        double *accuracies = values + (1 + i) * count;
        struct plot_series one = { names[i], values, accuracies, count };

        if (report->options->trained[i]) {
            for (size_t j = 0; j < count; j++) {
                bool diverged = has_diverged(&report->points[j], i);

                accuracies[j] = diverged ? (double)NAN : 100.0 * report->points[j].scores[i].test.accuracy;
            }
            series[plot.series_count++] = one;
        }
    }
    switch (plot_write(&plot, path, failure)) {
    case PLOT_DONE:
        printf("Picture: %s\n", path);
        return true;
    case PLOT_NO_GNUPLOT:
        printf("No picture: gnuplot is not installed.\n");
        return true;
    case PLOT_FAILED:
        break;
    }
    return false;
}

bool training_report_plot(const struct training_report *report, const char *path, struct failure *failure)
{
    double *values = calloc(report->point_count, (1 + CONTENDERS) * sizeof *values);

    if (values == NULL)
        return fail(failure, "there is no memory for the picture");
    bool done = plot_points(report, values, path, failure);
    free(values);
    return done;
}
