/* SPDX-License-Identifier: MIT */
/* What tuning has stored, in a sound file: whoever wrote it chose the numbers. A schedule made by them is refused, or divides the
 * work so that each element is met once and the workspace suffices. */
#include "fuzz.h"
#include "fuzz_entry.h"
#include "program/tuning.h"
#include "schedule_checks.h"

#include <string.h>

enum { MAX_ENTRIES = 64, MEMBERS = sizeof(struct choices) / sizeof(cl_uint), LARGE = 255 };

static const char *const key = "a program";

/* Numbers are small, but for the byte that stands before a large one. */
static cl_uint take_choice(struct fuzz_bytes *bytes)
{
    const unsigned number = fuzz_below(bytes, 256);
    return number == LARGE ? (cl_uint)fuzz_number(bytes) : number;
}

static struct tuned take_entry(struct fuzz_bytes *bytes, uint64_t problem)
{
    struct tuned tuned = { .problem = problem };
    cl_uint numbers[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++)
        numbers[i] = take_choice(bytes);
    memcpy(&tuned.choices, numbers, sizeof tuned.choices);
    return tuned;
}

static void check_choices(struct plan_of_work work, const struct choices *choices)
{
    const struct problem problem = problem_of(&work);
    if (!bn_make_chosen_schedule(&problem, choices, work.pass, &work.schedule))
        return;
    describe(&work);
    check_division(&work);
    check_sizes(&work);
    check_walk(&work, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = { data, data + size };
    struct random random = { fuzz_number(&bytes) };
    struct plan_of_work work;
    struct tuned entries[MAX_ENTRIES];
    struct tuning tuning = { NULL, 0 };
    size_t count = 0;
    random_work(&random, 500, &work);
    while (bytes.next < bytes.end && count < MAX_ENTRIES) {
        entries[count] = take_entry(&bytes, count);
        count++;
    }
    fuzz_use_cache();
    /* A last entry may be cut: then nothing is taken. */
    const size_t cut = random_below(&random, 8) == 0 && count > 0 ? 1 : 0;
    fuzz_write_entry("tuned", key, entries, count * sizeof *entries - cut);
    bn_load_tuning(&tuning, key);
    FUZZ_EXPECT(tuning.count == (cut > 0 ? 0 : count), "%zu of %zu entries", tuning.count, count);
    for (size_t i = 0; i < tuning.count; i++)
        check_choices(work, bn_find_tuned(&tuning, i));
    bn_clear_tuning(&tuning);
    return 0;
}
