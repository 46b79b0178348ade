/* SPDX-License-Identifier: MIT */
/* The picture of a training: Figure 1 of the paper. */
#include "io/plot.h"
#include "train/training_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LINES = PERCENTILES, MOST_CHARTS = 1 + CONTENDERS };

/* The paper shows accuracies from 70 % on. */
#define PAPER_LEAST 70.0

/* One line of a chart: its values at each point, over the seeds. */
struct line {
    double *steps;
    double *mean;
    double *least;
    double *greatest;
};

enum { LINE_ARRAYS = 4 };

/* A figure of a point, of one network; which: of several. NaN leaves a gap. */
typedef double (*point_figure)(const struct training_point *point, size_t contender, size_t which);

static double accuracy(const struct training_point *point, size_t contender, size_t which)
{
    double loss = point->scores[contender].test.loss;

    (void)which;
    return isfinite(loss) ? 100.0 * point->scores[contender].test.accuracy : (double)NAN;
}

static double input(const struct training_point *point, size_t contender, size_t which)
{
    return point->scores[contender].inputs.values[which];
}

/* All seeds have points at the same steps. */
static size_t point_count(const struct training_report *report)
{
    return report->curves[0].count;
}

static struct plot_series make_series(const struct training_report *report, point_figure figure, size_t contender, size_t which,
                                      struct line *line)
{
    struct plot_series series = { NULL, contender, line->steps, line->mean, NULL, NULL, point_count(report) };

    for (size_t i = 0; i < series.count; i++) {
        line->steps[i] = (double)report->curves[0].points[i].step;
        line->mean[i] = 0.0;
        line->least[i] = (double)INFINITY;
        line->greatest[i] = (double)-INFINITY;
        for (size_t j = 0; j < report->seeds; j++) {
            double value = figure(&report->curves[j].points[i], contender, which);

            line->mean[i] += value / (double)report->seeds;
            line->least[i] = fmin(line->least[i], value);
            line->greatest[i] = fmax(line->greatest[i], value);
        }
    }
    if (report->seeds > 1) {
        series.low = line->least;
        series.high = line->greatest;
    }
    return series;
}

/* The lines of all charts, in one block. */
struct picture {
    double *block;
    struct plot_series series[MOST_CHARTS][MOST_LINES];
    struct plot charts[MOST_CHARTS];
    size_t chart_count;
    size_t line_count;
};

static struct line take_line(struct picture *picture, size_t count)
{
    double *start = picture->block + picture->line_count++ * LINE_ARRAYS * count;
    struct line line = { start, start + count, start + 2 * count, start + 3 * count };

    return line;
}

/* least: per cent, from where accuracies are shown; 0: all. */
static void add_accuracies(struct picture *picture, const struct training_report *report, double least)
{
    static const char *const titles[CONTENDERS] = { "without batch norm", "with batch norm" };
    struct plot_series *series = picture->series[picture->chart_count];
    struct plot chart = {
        "Accuracy on the test set", "steps", "accuracy (%)", series, 0, true, least, least > 0.0 ? 100.0 : 0.0
    };

    for (size_t i = 0; i < CONTENDERS; i++) {
        struct line line;

        if (!report->options->trained[i])
            continue;
        line = take_line(picture, point_count(report));
        series[chart.series_count] = make_series(report, accuracy, i, 0, &line);
        series[chart.series_count++].title = titles[i];
    }
    picture->charts[picture->chart_count++] = chart;
}

static void add_inputs(struct picture *picture, const struct training_report *report, size_t contender, double range)
{
    static const char *const titles[CONTENDERS] = { "Input of a sigmoid, without batch norm", "with batch norm" };
    struct plot_series *series = picture->series[picture->chart_count];
    struct plot chart = {
        titles[contender], "steps", "15th, 50th, 85th percentile", series, PERCENTILES, false, -range, range
    };

    for (size_t i = 0; i < PERCENTILES; i++) {
        struct line line = take_line(picture, point_count(report));

        series[i] = make_series(report, input, contender, i, &line);
    }
    picture->charts[picture->chart_count++] = chart;
}

/* The greatest absolute value of all networks' inputs, which are drawn on one scale. */
static double input_range(const struct training_report *report)
{
    double range = 0.0;

    for (size_t i = 0; i < report->seeds; i++)
        for (size_t j = 0; j < report->curves[i].count; j++)
            for (size_t k = 0; k < CONTENDERS; k++)
                for (size_t l = 0; l < PERCENTILES; l++) {
                    double value = fabs(input(&report->curves[i].points[j], k, l));

                    range = isfinite(value) ? fmax(range, value) : range;
                }
    return range;
}

bool training_report_plot(const struct training_report *report, bool inputs, const char *path, struct failure *failure)
{
    struct picture picture = { .block = calloc(point_count(report),
                                               sizeof(double) * (CONTENDERS + CONTENDERS * PERCENTILES) * LINE_ARRAYS) };
    enum plot_result result;

    if (picture.block == NULL)
        return fail(failure, "there is no memory for the picture");
    add_accuracies(&picture, report, inputs ? PAPER_LEAST : 0.0);
    for (size_t i = 0; inputs && i < CONTENDERS; i++)
        if (report->options->trained[i])
            add_inputs(&picture, report, i, input_range(report));
    result = plot_write(picture.charts, picture.chart_count, path, failure);
    free(picture.block);
    if (result == PLOT_DONE)
        printf("Picture: %s\n", path);
    else if (result == PLOT_NO_GNUPLOT)
        printf("No picture: gnuplot is not installed.\n");
    return result != PLOT_FAILED;
}
