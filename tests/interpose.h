/* SPDX-License-Identifier: MIT */
/*
 * Stands between the library and what it calls: counts the calls and the live objects, and makes chosen calls fail.
 *
 * A test that links this has the OpenCL functions of interpose_opencl.c in its executable, where they win over the ICD
 * loader's, and is linked with clbn_for_tests, whose allocations come through interpose_memory.c. The calls of the tests
 * are counted too, so that counts before and after a piece of work can be compared; calls fail only where a test asks
 * for it.
 */
#ifndef CLBN_TESTS_INTERPOSE_H
#define CLBN_TESTS_INTERPOSE_H

#include "clbn.h"

#include <stdbool.h>

/* What an OpenCL function gives when it is made to fail. */
#define INJECTED_STATUS CL_OUT_OF_RESOURCES

enum object_kind {
    OBJECT_CONTEXT,
    OBJECT_DEVICE,
    OBJECT_QUEUE,
    OBJECT_MEMORY,
    OBJECT_PROGRAM,
    OBJECT_KERNEL,
    OBJECT_EVENT,
    OBJECT_ALLOCATION,
    OBJECT_LOCK,
    OBJECT_KINDS
};

/* References: creations and retains, less releases. */
struct live_objects {
    long count[OBJECT_KINDS];
};

struct live_objects count_live_objects(void);
/* Fails the test where another number of objects is alive than before. */
void expect_live_objects(const struct live_objects *before);

/* Calls, since the process began, of functions whose names begin so. */
unsigned long calls_of(const char *prefix);

enum failure_kind { FAILS_ONCE, FAILS_FROM_THEN_ON };

/* From now on the number-th call (from 1) fails. Only calls of the named function count; with NULL, all that can fail. */
void fail_call_number(unsigned long number, const char *function, enum failure_kind kind);
/* No call fails any more. Gives the name of the function that failed first, NULL if none has. */
const char *stop_failing(void);
/* How often a call has failed so, since the process began. */
unsigned long count_failures(void);
/* The status that the library is to give when a function has failed. */
cl_int status_of_failed(const char *function);

/* From now on devices seem to have no float64, or, with false, again what they have. */
void hide_float64(bool hidden);
/* Likewise, devices seem to have no shared virtual memory. */
void hide_svm(bool hidden);
/* Likewise, parts of a device seem to be devices of their own. */
void hide_parents(bool hidden);
/* Likewise, devices have another name. */
void hide_device_name(bool hidden);

/* From now on clBuildProgram waits, after it was counted, or, with false, goes on. */
void hold_builds(bool held);

/* ---- For the interposed functions ----------------------------------------------------------------------------------------- */

struct interposed {
    const char *name;
    void (*real)(void); /* the next definition of the name, after the executable's; set by the first call */
    unsigned long calls;
    struct interposed *next;
};

/* To be asked at every call: counts it. True: the call is to fail, without being made. */
bool interposed_fails(struct interposed *function);
/* Likewise, of a function that never fails. */
void interposed_succeeds(struct interposed *function);
void count_object(enum object_kind kind, long change);
bool float64_is_hidden(void);
bool svm_is_hidden(void);
bool parents_are_hidden(void);
bool device_name_is_hidden(void);
/* Returns when builds are not held. */
void wait_for_builds(void);

#endif
