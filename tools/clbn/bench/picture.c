/* SPDX-License-Identifier: MIT */
/* The picture of 'clbn bench': a chart of GB/s for each operation, with bars for each layout and implementation. */
#include "bench/report.h"
#include "io/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bars of clbn and of the peer for each layout and type, and the limit for each type. */
enum { MAX_SERIES = BENCH_TYPES * (2 * BENCH_LAYOUTS + 1) };

/* What is drawn of a row. */
enum quantity { OURS, THEIRS, LIMIT };

struct picture {
    const struct bench_report *report;
    char (*shapes)[BENCH_SHAPE_TEXT]; /* the categories, in the order of the rows */
    const char **categories;
    size_t category_count;
    double *values; /* MAX_SERIES series of BENCH_OPS charts */
    struct plot_bar_series series[BENCH_OPS][MAX_SERIES];
    char titles[BENCH_OPS][MAX_SERIES][64];
    struct plot_bars charts[BENCH_OPS];
    char chart_titles[BENCH_OPS][64];
    size_t chart_count;
};

static size_t find_category(const struct picture *picture, const struct bench_shape *shape)
{
    char text[BENCH_SHAPE_TEXT];
    size_t i = 0;

    bench_shape_format(shape, text);
    while (i < picture->category_count && strcmp(picture->shapes[i], text) != 0)
        i++;
    return i;
}

static void list_categories(struct picture *picture)
{
    for (size_t i = 0; i < picture->report->row_count; i++) {
        const struct bench_shape *shape = &picture->report->rows[i].what.shape;

        if (find_category(picture, shape) == picture->category_count) {
            bench_shape_format(shape, picture->shapes[picture->category_count]);
            picture->categories[picture->category_count] = picture->shapes[picture->category_count];
            picture->category_count++;
        }
    }
}

static double quantity_of(const struct bench_row *row, enum quantity quantity)
{
    switch (quantity) {
    case OURS:
        return bench_row_rate(row, row->clbn.wall.median);
    case THEIRS:
        return row->has_peer ? bench_row_rate(row, row->peer.median) : (double)NAN;
    case LIMIT:
        return bench_row_limit_rate(row);
    }
    return (double)NAN;
}

/* Adds a series to a chart, unless it is empty. layout: BENCH_LAYOUTS for the best of all. */
static void add_series(struct picture *picture, struct plot_bars *chart, enum bench_op op, enum bench_layout layout,
                       enum bench_type type, enum quantity quantity)
{
    static const char *const colours[][BENCH_TYPES] = {
        { "#0072b2", "#004c78", "#5fa8d3", "#8ec5e8" }, /* clbn, by layout */
        { "#56b4e9", "#2f86b8", "#9fd4f3", "#c3e4f8" }, { "#009e73", "#006b4e", "#5cc4a4", "#94dac4" },
        { "#d55e00", "#8f3f00", "#e89a5c", "#f2bf97" }, /* the peer, by layout */
        { "#e69f00", "#a87400", "#f0c45f", "#f6dc9e" }, { "#cc79a7", "#97567a", "#dea9c6", "#eccbdd" },
        { "#000000", "#808080", "#404040", "#606060" }, /* the limit */
    };
    size_t index = chart->series_count;
    char *title = picture->titles[op][index];
    size_t colour = quantity == LIMIT ? (size_t)2 * BENCH_LAYOUTS : (quantity == THEIRS ? BENCH_LAYOUTS : 0) + (size_t)layout;
    double *values = picture->values + ((size_t)op * MAX_SERIES + index) * picture->category_count;
    bool any = false;

    for (size_t i = 0; i < picture->category_count; i++)
        values[i] = (double)NAN;
    for (size_t i = 0; i < picture->report->row_count; i++) {
        const struct bench_row *row = &picture->report->rows[i];
        bool matches = row->what.op == op && row->what.type == type && row->skipped[0] == '\0' &&
                       (layout == BENCH_LAYOUTS || row->what.layout == layout);

        if (matches && isfinite(quantity_of(row, quantity))) {
            double *value = &values[find_category(picture, &row->what.shape)];

            *value = fmax(*value, quantity_of(row, quantity)); /* fmax(NAN, v) is v */
            any = true;
        }
    }
    if (!any)
        return;
    snprintf(title, sizeof(picture->titles[op][index]), "%s%s%s %s",
             quantity == OURS     ? "clbn"
             : quantity == THEIRS ? picture->report->peer
                                  : "limit",
             layout == BENCH_LAYOUTS ? "" : " ", layout == BENCH_LAYOUTS ? "" : bench_layout_names[layout],
             bench_type_names[type]);
    picture->series[op][index].title = title;
    picture->series[op][index].colour = colours[colour][type];
    picture->series[op][index].values = values;
    picture->series[op][index].mark = quantity == LIMIT;
    chart->series_count++;
}

static void add_chart(struct picture *picture, enum bench_op op)
{
    struct plot_bars *chart = &picture->charts[picture->chart_count];
    char *title = picture->chart_titles[op];

    snprintf(title, sizeof(picture->chart_titles[op]), "%s: the bytes that must move, over the median time",
             bench_op_names[op]);
    chart->title = title;
    chart->y_label = "GB/s";
    chart->categories = picture->categories;
    chart->category_count = picture->category_count;
    chart->series = picture->series[op];
    for (int type = 0; type < BENCH_TYPES; type++) {
        for (int layout = 0; layout < BENCH_LAYOUTS; layout++)
            add_series(picture, chart, op, (enum bench_layout)layout, (enum bench_type)type, OURS);
        for (int layout = 0; layout < BENCH_LAYOUTS; layout++)
            add_series(picture, chart, op, (enum bench_layout)layout, (enum bench_type)type, THEIRS);
        add_series(picture, chart, op, BENCH_LAYOUTS, (enum bench_type)type, LIMIT);
    }
    if (chart->series_count > 0)
        picture->chart_count++;
}

bool bench_draw(const struct bench_report *report, const char *path, struct failure *failure)
{
    struct picture picture = { .report = report };
    enum plot_result result = PLOT_FAILED;

    picture.shapes = calloc(report->row_count, sizeof(*picture.shapes));
    picture.categories = calloc(report->row_count, sizeof(*picture.categories));
    picture.values = calloc(report->row_count, sizeof(*picture.values) * BENCH_OPS * MAX_SERIES);
    if (picture.shapes == NULL || picture.categories == NULL || picture.values == NULL) {
        fail(failure, "there is no memory for the picture");
        goto cleanup;
    }
    list_categories(&picture);
    for (int op = 0; op < BENCH_OPS; op++)
        add_chart(&picture, (enum bench_op)op);
    result = plot_write_bars(picture.charts, picture.chart_count, path, failure);
    if (result == PLOT_DONE)
        printf("\nPicture: %s\n", path);
    else if (result == PLOT_NO_GNUPLOT)
        printf("\nNo picture: gnuplot is not installed.\n");

cleanup:
    free(picture.shapes);
    free(picture.categories);
    free(picture.values);
    return result != PLOT_FAILED;
}
