/* SPDX-License-Identifier: MIT */
/* Failures: a status and a sentence. */
#ifndef CLBN_STATUS_H
#define CLBN_STATUS_H

#include "clbn.h"

/* Sets clbnLastError() and returns status. The sentence says what was wrong and what was expected. */
__attribute__((format(C99_PRINTF, 2, 3))) cl_int bn_fail(cl_int status, const char *format, ...);

/* bn_fail() for an OpenCL call that returned status. */
cl_int bn_fail_call(cl_int status, const char *function);

#ifdef CLBN_ANALYZED /* tools/lint.sh: analyzers see one file at a time, and are told here which status comes back */
#define bn_fail(status, ...)           ((void)bn_fail(status, __VA_ARGS__), (status))
#define bn_fail_call(status, function) ((void)bn_fail_call(status, function), (status))
#endif

/* Sets *errcode_ret, which may be NULL, as OpenCL's creating functions do. */
void bn_set_errcode(cl_int *errcode_ret, cl_int status);

#endif
