#define _POSIX_C_SOURCE 200809L

#include "io/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

static const double redraw_seconds = 0.1;

static double now(void)
{
    struct timespec time = { 0, 0 };

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void progress_start(struct progress *progress, const char *label, size_t total)
{
    progress->label = label;
    progress->total = total;
    progress->wanted = isatty(STDERR_FILENO) == 1;
    progress->visible = false;
    progress->started = now();
    progress->drawn = progress->started;
}

static void draw(const struct progress *progress, double fraction, double elapsed)
{
    char bar[BAR_WIDTH + 1];
    int filled = (int)(fraction * BAR_WIDTH);

    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%", progress->label, bar, 100.0 * fraction);
    if (fraction > 0.0) {
        unsigned left = (unsigned)(elapsed * (1.0 - fraction) / fraction + 0.5);

        fprintf(stderr, ", %u:%02u left", left / 60, left % 60);
    }
    fputs("\033[K", stderr); /* ANSI: erase to the end of the line */
    fflush(stderr);
}

void progress_update(struct progress *progress, size_t done)
{
    if (!progress->wanted || progress->total == 0)
        return;
    double time = now();
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
