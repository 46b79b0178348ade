/* SPDX-License-Identifier: MIT */
#include "verify/workers.h"

#include "system/child.h"
#include "system/clock.h"
#include "system/environment.h"
#include "system/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Deaths after which the rest of a program is given up, and processes at once. */
enum { MAX_DEATHS = 2, MAX_PROCESSES = 4 };

/* Characters of the --device option that a child gets: no device has a longer name. */
enum { WANTED_SIZE = 1024 };

struct work {
    char wanted[WANTED_SIZE]; /* "": what is taken without the option */
    bool describes;           /* the device, and checks nothing */
    struct verify_selection selection;
    size_t first;
};

/* Compiles only if a child can be given it. */
typedef char work_fits[sizeof(struct work) <= CHILD_WORK_SIZE ? 1 : -1];

void verify_work(const void *bytes, int pipe)
{
    const struct work *work = bytes;
    const char *wanted = work->wanted[0] != '\0' ? work->wanted : NULL;
    environment_set("CLBN_CACHE_DIR", ""); /* what is on the disk is not what is to be checked */
    if (work->describes)
        verify_worker_describe(wanted, pipe);
    else
        verify_worker_check(wanted, &work->selection, work->first, pipe);
}

static bool start(struct child *child, const char *wanted, struct work work, struct failure *failure)
{
    snprintf(work.wanted, sizeof work.wanted, "%s", wanted != NULL ? wanted : "");
    return child_start(child, verify_work, &work, sizeof work) || fail(failure, "cannot start a process: %s", strerror(errno));
}

bool verify_describe_device(const char *wanted, struct verify_device *device, struct failure *failure)
{
    struct child child;
    struct verify_message message;
    char how[200];
    if (!start(&child, wanted, (struct work){ .describes = true }, failure))
        return false;
    const bool answered = child_hear(&child, &message, sizeof message);
    child_end(&child, how, sizeof how);
    if (!answered)
        return fail(failure, "asking for the device: %s", how);
    if (message.word == VERIFY_UNABLE)
        return fail(failure, "%s", message.text);
    *device = message.device;
    return true;
}

/* A place for a process, and what it works on. */
struct slot {
    struct child child;
    struct verify_row *row; /* NULL: free */
    size_t seed;            /* the last case that was begun */
    double heard;           /* when its last word came, in seconds */
    int deaths;
};

struct crew {
    struct verify_report *report;
    const char *wanted;
    int patience; /* seconds without a word after which a process is taken to hang */
    struct progress *progress;
    struct slot slots[MAX_PROCESSES];
    size_t next;    /* row that no process has had yet */
    size_t printed; /* rows */
};

static bool start_from(struct crew *crew, struct slot *slot, size_t first, struct failure *failure)
{
    const struct work work = { .selection = crew->report->selection, .first = first };
    slot->seed = first;
    slot->heard = clock_seconds();
    if (start(&slot->child, crew->wanted, work, failure))
        return true;
    slot->row = NULL;
    return false;
}

static bool start_next_row(struct crew *crew, struct slot *slot, struct failure *failure)
{
    slot->row = &crew->report->rows[crew->next++];
    slot->deaths = 0;
    return start_from(crew, slot, slot->row->program * VERIFY_CASES_OF_PROGRAM, failure);
}

static void complete_row(struct crew *crew, struct slot *slot)
{
    struct verify_report *report = crew->report;
    slot->row->complete = true;
    slot->row = NULL;
    if (!report->rows[crew->printed].complete)
        return;
    progress_clear(crew->progress);
    while (crew->printed < report->row_count && report->rows[crew->printed].complete)
        verify_print_row(&report->rows[crew->printed++]);
}

/* A process that ends before it says so has died in a case, which is wrong: another one goes on after it. */
static bool bury(struct crew *crew, struct slot *slot, const char *how, struct failure *failure)
{
    const size_t next = slot->seed + 1;
    verify_note_failed(crew->report, slot->row, slot->seed, VERIFY_RESULTS, how);
    if (++slot->deaths < MAX_DEATHS && next % VERIFY_CASES_OF_PROGRAM != 0)
        return start_from(crew, slot, next, failure);
    complete_row(crew, slot);
    return true;
}

static bool take_message(struct crew *crew, struct slot *slot, struct failure *failure)
{
    struct verify_message message;
    char how[200];
    slot->heard = clock_seconds();
    if (!child_hear(&slot->child, &message, sizeof message)) {
        child_end(&slot->child, how, sizeof how);
        return bury(crew, slot, how, failure);
    }
    switch (message.word) {
    case VERIFY_PASSED:
        verify_note_passed(crew->report, slot->row, &message);
        break;
    case VERIFY_FAILED:
        verify_note_failed(crew->report, slot->row, message.seed, message.stage, message.text);
        break;
    case VERIFY_UNABLE:
        child_end(&slot->child, how, sizeof how);
        return bury(crew, slot, message.text, failure);
    case VERIFY_ENDS:
        child_end(&slot->child, how, sizeof how);
        complete_row(crew, slot);
        return true;
    default:
        slot->seed = message.seed;
    }
    progress_update(crew->progress, crew->report->case_count);
    return true;
}

static void stop(struct slot *slot)
{
    char how[200];
    child_kill(&slot->child);
    child_end(&slot->child, how, sizeof how);
}

static bool bury_silent(struct crew *crew, struct failure *failure)
{
    char how[200];
    snprintf(how, sizeof how, "no answer within %d seconds", crew->patience);
    for (int i = 0; i < MAX_PROCESSES; i++) {
        struct slot *slot = &crew->slots[i];
        if (slot->row == NULL || clock_seconds() - slot->heard < crew->patience)
            continue;
        stop(slot);
        if (!bury(crew, slot, how, failure))
            return false;
    }
    return true;
}

/* Waits a second for a word of any process. */
static bool listen_to_all(struct crew *crew, struct failure *failure)
{
    const struct child *children[MAX_PROCESSES];
    bool ready[MAX_PROCESSES];
    for (int i = 0; i < MAX_PROCESSES; i++)
        children[i] = crew->slots[i].row != NULL ? &crew->slots[i].child : NULL;
    child_await(children, MAX_PROCESSES, 1000, ready);
    for (int i = 0; i < MAX_PROCESSES; i++)
        if (ready[i] && !take_message(crew, &crew->slots[i], failure))
            return false;
    return bury_silent(crew, failure);
}

static bool is_busy(const struct crew *crew)
{
    for (int i = 0; i < MAX_PROCESSES; i++)
        if (crew->slots[i].row != NULL)
            return true;
    return false;
}

/* So many as have a processor to compile on. */
static int process_count(void)
{
    const long processors = machine_processors();
    return processors < 1 ? 1 : processors < MAX_PROCESSES ? (int)processors : MAX_PROCESSES;
}

static void end_all(struct crew *crew)
{
    for (int i = 0; i < MAX_PROCESSES; i++)
        if (crew->slots[i].row != NULL)
            stop(&crew->slots[i]);
}

bool verify_check_rows(struct verify_report *report, const char *wanted, int patience, struct progress *progress,
                       struct failure *failure)
{
    struct crew crew = { .report = report, .wanted = wanted, .patience = patience, .progress = progress };
    const int processes = process_count();
    bool going = true;
    do {
        for (int i = 0; i < processes && going; i++)
            if (crew.slots[i].row == NULL && crew.next < report->row_count)
                going = start_next_row(&crew, &crew.slots[i], failure);
        going = going && listen_to_all(&crew, failure);
    } while (going && (is_busy(&crew) || crew.next < report->row_count));
    end_all(&crew);
    return going;
}
