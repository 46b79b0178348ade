/* SPDX-License-Identifier: MIT */
#include "io/progress.h"

#include "system/clock.h"
#include "system/terminal.h"

#include <stdio.h>
#include <string.h>

/* Characters: of the longest bar, of what stands beside one, and of a terminal that does not tell. */
enum { BAR_WIDTH = 30, BESIDE_BAR = 28, USUAL_COLUMNS = 80 };

static const double redraw_seconds = 0.1;

/* A line that is as wide as the terminal wraps in some. */
static int room(void)
{
    int columns = terminal_columns();

    return (columns > 0 ? columns : USUAL_COLUMNS) - 1;
}

void progress_start(struct progress *progress, const char *label, size_t total)
{
    progress->label = label;
    progress->total = total;
    progress->wanted = terminal_can_erase();
    progress->visible = false;
    progress->started = clock_seconds();
    progress->drawn = progress->started;
}

/* Cut to what there is room for; the terminal may have been made narrower since. */
static void draw(const struct progress *progress, double fraction, double elapsed)
{
    static const char full[] = "##############################", empty[] = "..............................";
    char line[256];
    int columns = room();
    int width = columns - (int)strlen(progress->label) - BESIDE_BAR;
    int length;

    width = width < 0 ? 0 : width < BAR_WIDTH ? width : BAR_WIDTH;
    int filled = (int)(fraction * width);
    length = snprintf(line, sizeof(line), "%s [%.*s%.*s] %3.0f %%", progress->label, filled, full, width - filled, empty,
                      100.0 * fraction);
    if (fraction > 0.0 && length > 0 && (size_t)length < sizeof(line)) {
        unsigned long left = (unsigned long)(elapsed * (1.0 - fraction) / fraction + 0.5);

        snprintf(line + length, sizeof(line) - (size_t)length, ", %lu:%02lu left", left / 60, left % 60);
    }
    fprintf(stderr, "\r%.*s\033[K", columns, line); /* ANSI: erase to the end of the line */
    fflush(stderr);
}

void progress_update(struct progress *progress, size_t done)
{
    if (!progress->wanted || progress->total == 0)
        return;
    double time = clock_seconds();
    if (time - progress->drawn < redraw_seconds)
        return;
    double fraction = (double)done / (double)progress->total;
    draw(progress, fraction < 1.0 ? fraction : 1.0, time - progress->started);
    progress->drawn = time;
    progress->visible = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->visible) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->visible = false;
    }
}
