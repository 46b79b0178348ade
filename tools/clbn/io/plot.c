/* SPDX-License-Identifier: MIT */
#include "io/plot.h"

#include "io/output_file.h"
#include "system/program.h"
#include "system/stream.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text);
    size_t ending_length = strlen(ending);

    return length > ending_length && strcmp(text + length - ending_length, ending) == 0;
}

bool plot_is_format(const char *path)
{
    return ends_with(path, ".svg") || ends_with(path, ".png");
}

bool plot_has_gnuplot(void)
{
    return program_is_there("gnuplot");
}

bool plot_probe(const char *path, struct failure *failure)
{
    struct output_file file = { 0 };
    bool opened;

    if (!plot_has_gnuplot())
        return fail(failure, "cannot draw '%s': gnuplot is not installed", path);
    opened = output_file_open(&file, path, failure);
    output_file_close(&file);
    return opened;
}

/* A text in gnuplot's single quotes, where only the quote itself has a meaning. */
static void write_quoted(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', script);
        fputc(*text == '\n' ? ' ' : *text, script);
    }
    fputc('\'', script);
}

static void write_setting(FILE *script, const char *name, const char *text)
{
    fprintf(script, "set %s ", name);
    write_quoted(script, text);
    fputc('\n', script);
}

/* What plot_write() draws. */
struct line_plots {
    const struct plot *plots;
    size_t count;
};

/* Rows "x y low high"; what is not finite leaves a gap in the line. */
static void write_data(FILE *script, size_t index, const struct plot_series *series)
{
    fprintf(script, "$series%zu << EOD\n", index);
    for (size_t i = 0; i < series->count; i++) {
        bool finite = isfinite(series->x[i]) && isfinite(series->y[i]);

        if (finite && series->low != NULL)
            fprintf(script, "%.9g %.9g %.9g %.9g\n", series->x[i], series->y[i], series->low[i], series->high[i]);
        else if (finite)
            fprintf(script, "%.9g %.9g\n", series->x[i], series->y[i]);
        else
            fputc('\n', script);
    }
    fputs("EOD\n", script);
}

static void write_series(FILE *script, size_t index, const struct plot_series *series)
{
    static const char *const colours[] = { "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9" };
    const char *colour = colours[series->colour % (sizeof colours / sizeof *colours)];

    fputs(index == 0 ? "plot " : ", ", script);
    if (series->low != NULL)
        fprintf(script, "$series%zu using 1:3:4 with filledcurves notitle linecolor '%s' fill transparent solid 0.2 noborder, ",
                index, colour);
    fprintf(script, "$series%zu using 1:2 with lines linewidth 2.5 linecolor '%s' ", index, colour);
    if (series->title == NULL) {
        fputs("notitle", script);
    } else {
        fputs("title ", script);
        write_quoted(script, series->title);
    }
}

static void write_plot(FILE *script, const struct plot *plot)
{
    write_setting(script, "title", plot->title);
    write_setting(script, "xlabel", plot->x_label);
    write_setting(script, "ylabel", plot->y_label);
    if (plot->y_least < plot->y_greatest)
        fprintf(script, "set yrange [%.9g:%.9g]\n", plot->y_least, plot->y_greatest);
    if (plot->series_count > 0 && plot->series[0].title == NULL)
        fputs("unset key\n", script);
    else
        fprintf(script, "set key %s right box linecolor '#d0d0d0' opaque samplen 2 spacing 1.3 width 1\n",
                plot->legend_below ? "bottom" : "top");
    for (size_t i = 0; i < plot->series_count; i++)
        write_data(script, i, &plot->series[i]);
    for (size_t i = 0; i < plot->series_count; i++)
        write_series(script, i, &plot->series[i]);
    fputc('\n', script);
}

static void write_plots(FILE *script, const void *subject, bool svg)
{
    const struct line_plots *plots = subject;
    bool alone = plots->count == 1;

    fprintf(script, "set terminal %s noenhanced size %zu,%d font 'sans,13' background '#ffffff'\n", svg ? "svg" : "pngcairo",
            alone ? 800 : 480 * plots->count, alone ? 500 : 420);
    fputs("set grid linetype 1 linecolor '#d8d8d8'\nset border 3\nset tics nomirror\n", script);
    fputs(alone ? "set xtics format '%.12g'\n" : "set xtics format '%.0s%c'\n", script);
    if (!alone)
        fprintf(script, "set multiplot layout 1,%zu\n", plots->count);
    for (size_t i = 0; i < plots->count; i++)
        write_plot(script, &plots->plots[i]);
    if (!alone)
        fputs("unset multiplot\n", script);
}

/* What plot_write_bars() draws. */
struct bar_charts {
    const struct plot_bars *charts;
    size_t count;
};

/* Pixels. */
enum { CHART_MARGIN = 180, CHART_CATEGORY = 70, CHART_WIDTH_LEAST = 900, CHART_WIDTH_MOST = 2800, CHART_HEIGHT = 340 };

static size_t chart_width(const struct bar_charts *subject)
{
    size_t categories = 0;

    for (size_t i = 0; i < subject->count; i++) {
        size_t count = subject->charts[i].category_count;

        categories = count > categories ? count : categories;
    }
    if (categories > (CHART_WIDTH_MOST - CHART_MARGIN) / CHART_CATEGORY)
        return CHART_WIDTH_MOST;
    size_t width = CHART_MARGIN + CHART_CATEGORY * categories;
    return width > CHART_WIDTH_LEAST ? width : CHART_WIDTH_LEAST;
}

static void write_categories(FILE *script, const struct plot_bars *chart)
{
    fprintf(script, "set xrange [-0.6:%g]\nset xtics rotate by 25 right scale 0 (", (double)chart->category_count - 0.4);
    for (size_t i = 0; i < chart->category_count; i++) {
        fputs(i > 0 ? ", " : "", script);
        write_quoted(script, chart->categories[i]);
        fprintf(script, " %zu", i);
    }
    fputs(")\n", script);
}

/* Rows "centre height width" of a series of bars, "start height length 0" of marks. */
static void write_bars(FILE *script, size_t index, const struct plot_bars *chart, size_t bar, size_t bar_count)
{
    const struct plot_bar_series *series = &chart->series[index];
    double width = 0.8 / (double)(bar_count > 0 ? bar_count : 1);

    fprintf(script, "$series%zu << EOD\n", index);
    for (size_t i = 0; i < chart->category_count; i++) {
        if (!isfinite(series->values[i]))
            continue;
        if (series->mark)
            fprintf(script, "%g %.9g 0.9 0\n", (double)i - 0.45, series->values[i]);
        else
            fprintf(script, "%g %.9g %g\n", (double)i - 0.4 + ((double)bar + 0.5) * width, series->values[i], width);
    }
    fputs("EOD\n", script);
}

static void write_chart(FILE *script, const struct plot_bars *chart)
{
    size_t bar_count = 0;
    size_t bar = 0;

    for (size_t i = 0; i < chart->series_count; i++)
        bar_count += chart->series[i].mark ? 0 : 1;
    write_setting(script, "title", chart->title);
    write_setting(script, "ylabel", chart->y_label);
    write_categories(script, chart);
    for (size_t i = 0; i < chart->series_count; i++) {
        write_bars(script, i, chart, bar, bar_count);
        bar += chart->series[i].mark ? 0 : 1;
    }
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct plot_bar_series *series = &chart->series[i];

        fprintf(script, "%s$series%zu %s '%s' title ", i == 0 ? "plot " : ", ", i,
                series->mark ? "using 1:2:3:4 with vectors nohead linewidth 2.5 linecolor"
                             : "using 1:2:3 with boxes fill solid 1 noborder linecolor",
                series->colour);
        write_quoted(script, series->title);
    }
    fputc('\n', script);
}

static void write_charts(FILE *script, const void *subject, bool svg)
{
    const struct bar_charts *charts = subject;

    fprintf(script, "set terminal %s noenhanced size %zu,%zu font 'sans,12' background '#ffffff'\n", svg ? "svg" : "pngcairo",
            chart_width(charts), CHART_HEIGHT * charts->count);
    fputs("set grid ytics linetype 1 linecolor '#d8d8d8'\nset border 3\nset tics nomirror\nset yrange [0:*]\n"
          "set key outside right top Left reverse samplen 1.5 spacing 1.3\n",
          script);
    fprintf(script, "set multiplot layout %zu,1\n", charts->count);
    for (size_t i = 0; i < charts->count; i++)
        write_chart(script, &charts->charts[i]);
    fputs("unset multiplot\n", script);
}

/* Runs gnuplot on a script, a file at its beginning, with a file for its output. Names never reach it. */
static bool run_gnuplot(FILE *script, FILE *picture, struct failure *failure)
{
    bool drawn;

    if (!program_run("gnuplot", "-d", script, picture, &drawn)) /* -d: without the user's settings */
        return fail(failure, "cannot run gnuplot: %s", strerror(errno));
    return drawn || fail(failure, "gnuplot did not draw the picture");
}

/* Draws what a function writes a script for. */
static enum plot_result draw(void (*write_script)(FILE *script, const void *subject, bool svg), const void *subject,
                             const char *path, struct failure *failure)
{
    enum plot_result result = PLOT_FAILED;
    struct output_file picture = { 0 };
    FILE *script = NULL;

    if (!plot_has_gnuplot())
        return PLOT_NO_GNUPLOT;
    script = stream_open_temporary();
    if (script == NULL) {
        fail(failure, "cannot create a temporary file: %s", strerror(errno));
        goto cleanup;
    }
    write_script(script, subject, ends_with(path, ".svg"));
    if (fflush(script) != 0 || ferror(script) || fseek(script, 0, SEEK_SET) != 0) {
        fail(failure, "cannot write a temporary file: %s", strerror(errno));
        goto cleanup;
    }
    if (!output_file_open(&picture, path, failure))
        goto cleanup;
    if (run_gnuplot(script, picture.stream, failure) && output_file_finish(&picture, failure) &&
        output_file_publish(&picture, failure))
        result = PLOT_DONE;
cleanup:
    output_file_close(&picture);
    if (script != NULL)
        fclose(script);
    return result;
}

enum plot_result plot_write(const struct plot *plots, size_t count, const char *path, struct failure *failure)
{
    const struct line_plots subject = { plots, count };

    return draw(write_plots, &subject, path, failure);
}

enum plot_result plot_write_bars(const struct plot_bars *charts, size_t count, const char *path, struct failure *failure)
{
    const struct bar_charts subject = { charts, count };

    return draw(write_charts, &subject, path, failure);
}
