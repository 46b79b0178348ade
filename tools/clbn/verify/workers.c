/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "verify/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Deaths after which the rest of a program is given up, and processes at once. */
enum { MAX_DEATHS = 2, MAX_PROCESSES = 4 };

struct worker {
    pid_t process;
    int pipe;
};

struct work {
    const char *wanted;
    const struct verify_selection *selection; /* NULL: the device is to be described */
    size_t first;
};

/* What drivers print is no part of the report. */
static void work_in_child(const struct work *work, int pipe)
{
    dup2(STDERR_FILENO, STDOUT_FILENO);
    setenv("CLBN_CACHE_DIR", "", 1); /* what is on the disk is not what is to be checked */
    if (work->selection == NULL)
        verify_worker_describe(work->wanted, pipe);
    else
        verify_worker_check(work->wanted, work->selection, work->first, pipe);
    _exit(EXIT_SUCCESS);
}

static bool start(struct worker *worker, const struct work *work, struct failure *failure)
{
    int ends[2];
    if (pipe(ends) != 0)
        return fail(failure, "cannot make a pipe: %s", strerror(errno));
    worker->process = fork();
    if (worker->process == 0) {
        close(ends[0]);
        work_in_child(work, ends[1]);
    }
    close(ends[1]);
    worker->pipe = ends[0];
    if (worker->process > 0)
        return true;
    close(ends[0]);
    return fail(failure, "cannot start a process: %s", strerror(errno));
}

/* False at the end. */
static bool read_message(const struct worker *worker, struct verify_message *message)
{
    ssize_t size;
    do
        size = read(worker->pipe, message, sizeof *message);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof *message;
}

/* Says how the process ended. */
static void end(struct worker *worker, char *how, size_t size)
{
    int status = 0;
    close(worker->pipe);
    while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(how, size, "the process was ended by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, size, "the process ended by itself, with exit code %d", WEXITSTATUS(status));
}

bool verify_describe_device(const char *wanted, struct verify_device *device, struct failure *failure)
{
    struct worker worker;
    struct verify_message message;
    const struct work work = { .wanted = wanted };
    char how[200];
    if (!start(&worker, &work, failure))
        return false;
    const bool answered = read_message(&worker, &message);
    end(&worker, how, sizeof how);
    if (!answered)
        return fail(failure, "asking for the device: %s", how);
    if (message.word == VERIFY_UNABLE)
        return fail(failure, "%s", message.text);
    *device = message.device;
    return true;
}

/* A place for a process, and what it works on. */
struct slot {
    struct worker worker;
    struct verify_row *row; /* NULL: free */
    size_t seed;            /* the last case that was begun */
    time_t heard;           /* when its last word came */
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

/* Seconds of a monotonic clock. */
static time_t now(void)
{
    struct timespec time = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static bool start_from(struct crew *crew, struct slot *slot, size_t first, struct failure *failure)
{
    const struct work work = { crew->wanted, &crew->report->selection, first };
    slot->seed = first;
    slot->heard = now();
    if (start(&slot->worker, &work, failure))
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
    slot->heard = now();
    if (!read_message(&slot->worker, &message)) {
        end(&slot->worker, how, sizeof how);
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
        end(&slot->worker, how, sizeof how);
        return bury(crew, slot, message.text, failure);
    case VERIFY_ENDS:
        end(&slot->worker, how, sizeof how);
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
    kill(slot->worker.process, SIGKILL);
    end(&slot->worker, how, sizeof how);
}

static bool bury_silent(struct crew *crew, struct failure *failure)
{
    char how[200];
    snprintf(how, sizeof how, "no answer within %d seconds", crew->patience);
    for (int i = 0; i < MAX_PROCESSES; i++) {
        struct slot *slot = &crew->slots[i];
        if (slot->row == NULL || now() - slot->heard < crew->patience)
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
    struct pollfd pipes[MAX_PROCESSES];
    int ready;
    for (int i = 0; i < MAX_PROCESSES; i++) {
        pipes[i].fd = crew->slots[i].row != NULL ? crew->slots[i].worker.pipe : -1;
        pipes[i].events = POLLIN;
        pipes[i].revents = 0;
    }
    do
        ready = poll(pipes, MAX_PROCESSES, 1000);
    while (ready < 0 && errno == EINTR);
    for (int i = 0; i < MAX_PROCESSES; i++)
        if (pipes[i].revents != 0 && !take_message(crew, &crew->slots[i], failure))
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
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
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
