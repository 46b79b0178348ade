/* SPDX-License-Identifier: MIT */
#include "schedule/contest.h"

#include <float.h>
#include <stdlib.h>

/* How much faster is clearly faster. */
#define MARGIN 1.05

/* Times of each way at first, of which the least counts: what disturbs a machine only ever takes time. */
#define TRIALS 3

/* Ways that can be tried. */
#define MAX_WAYS 64

/* Seconds that a contest may still take, and the ways so far. */
struct standing {
    const struct contest *contest;
    double spent;
    size_t timed;
    double least[MAX_WAYS]; /* seconds of each way that was timed */
};

static bool time_once(struct standing *s, size_t way, double *seconds)
{
    if (!s->contest->time(s->contest->context, way, seconds))
        return false;
    s->spent += *seconds;
    return true;
}

/* Half of the time is for trials. */
static bool try_ways(struct standing *s)
{
    double first;
    for (; s->timed < s->contest->count && s->timed < MAX_WAYS && (s->timed == 0 || s->spent < s->contest->seconds / 2);
         s->timed++) {
        if (!s->contest->time(s->contest->context, s->timed, &first))
            return false;
        s->least[s->timed] = DBL_MAX;
        for (int i = 0; i < TRIALS; i++) {
            double seconds;
            if (!time_once(s, s->timed, &seconds))
                return false;
            if (seconds < s->least[s->timed])
                s->least[s->timed] = seconds;
        }
    }
    return true;
}

/* The fastest way but the usual one, and takes it out; 0 if none is left that was faster than that. */
static size_t next_finalist(struct standing *s)
{
    size_t fastest = 0;
    for (size_t way = 1; way < s->timed; way++)
        if (s->least[way] < s->least[fastest])
            fastest = way;
    if (fastest > 0)
        s->least[fastest] = DBL_MAX;
    return fastest;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double sort_and_take(double *values, size_t count, size_t number)
{
    qsort(values, count, sizeof(*values), compare);
    return values[number];
}

/* A way and the usual one in turns. *gain: how many times as fast the way was in three pairs of four, at least; 0 as soon as too
 * many pairs have spoken against it, or if its median is no less. */
static bool meet(struct standing *s, size_t way, double *gain, struct verdict *verdict)
{
    double usual[CONTEST_PAIRS], other[CONTEST_PAIRS], ratios[CONTEST_PAIRS];
    size_t against = 0;
    *gain = 0;
    for (size_t i = 0; i < CONTEST_PAIRS && against <= CONTEST_PAIRS / 4; i++) {
        bool usual_first = i % 2 == 0;
        if (!time_once(s, usual_first ? 0 : way, usual_first ? &usual[i] : &other[i]) ||
            !time_once(s, usual_first ? way : 0, usual_first ? &other[i] : &usual[i]))
            return false;
        ratios[i] = usual[i] / other[i];
        against += ratios[i] < MARGIN;
    }
    if (against > CONTEST_PAIRS / 4)
        return true;
    const double usual_seconds = sort_and_take(usual, CONTEST_PAIRS, CONTEST_PAIRS / 2);
    const double other_seconds = sort_and_take(other, CONTEST_PAIRS, CONTEST_PAIRS / 2);
    if (other_seconds >= usual_seconds)
        return true;
    *gain = sort_and_take(ratios, CONTEST_PAIRS, CONTEST_PAIRS / 4);
    verdict->usual_seconds = usual_seconds;
    verdict->best_seconds = other_seconds;
    verdict->way = way;
    return true;
}

bool bn_hold_contest(const struct contest *contest, struct verdict *verdict)
{
    struct standing s = { .contest = contest };
    double best_gain = 0;
    if (!try_ways(&s))
        return false;
    const struct verdict usual = { 0, s.timed, s.least[0], s.least[0] };
    *verdict = usual;
    for (int i = 0; i < CONTEST_FINALISTS && (i == 0 || s.spent < contest->seconds); i++) {
        struct verdict rival = usual;
        double gain = 0;
        size_t way = next_finalist(&s);
        if (way == 0)
            break;
        if (!meet(&s, way, &gain, &rival))
            return false;
        if (gain > best_gain) {
            best_gain = gain;
            *verdict = rival;
        }
    }
    return true;
}
