/* SPDX-License-Identifier: MIT */
/* Line plots and bar charts, drawn by gnuplot where it is installed. */
#ifndef CLBN_TOOL_PLOT_H
#define CLBN_TOOL_PLOT_H

#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>

struct plot_series {
    const char *title; /* NULL: not in the legend */
    size_t colour;     /* a number, from 0 */
    const double *x;
    const double *y;   /* values that are not finite leave a gap */
    const double *low; /* a band about the line, or NULL both */
    const double *high;
    size_t count;
};

struct plot {
    const char *title;
    const char *x_label;
    const char *y_label;
    const struct plot_series *series;
    size_t series_count;
    bool legend_below; /* the legend's corner: below the curves, not above */
    double y_least;    /* what is shown of the axis; both 0: all */
    double y_greatest;
};

/* Values of the categories of a bar chart; values that are not finite leave a gap. */
struct plot_bar_series {
    const char *title;
    const char *colour; /* "#rrggbb" */
    const double *values;
    bool mark; /* a level to reach, drawn as a line across the category's bars */
};

/* One chart; several share a picture, one below the other. */
struct plot_bars {
    const char *title;
    const char *y_label; /* of values from 0 */
    const char *const *categories;
    size_t category_count;
    const struct plot_bar_series *series;
    size_t series_count;
};

enum plot_result {
    PLOT_DONE,
    PLOT_NO_GNUPLOT, /* gnuplot is not installed; nothing was written */
    PLOT_FAILED
};

/* Whether the name ends in .svg or .png, the formats that plot_write writes. */
bool plot_is_format(const char *path);

/* Whether there is a gnuplot in PATH. */
bool plot_has_gnuplot(void);

/* Fails where the picture could not be written: better before the work than after it. */
bool plot_probe(const char *path, struct failure *failure);

/* Draw charts to a file, plots side by side; nothing is left of it on failure. */
enum plot_result plot_write(const struct plot *plots, size_t count, const char *path, struct failure *failure);
enum plot_result plot_write_bars(const struct plot_bars *charts, size_t count, const char *path, struct failure *failure);

#endif
