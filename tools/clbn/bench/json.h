/* SPDX-License-Identifier: MIT */
/* What the JSON of 'clbn bench' and 'clbn tune' has in common. */
#ifndef CLBN_TOOL_BENCH_JSON_H
#define CLBN_TOOL_BENCH_JSON_H

#include "bench/case.h"
#include "io/json.h"

/* An object "device". */
void bench_json_device(struct json *json, cl_device_id device);

/* Members of an object. */
void bench_json_case(struct json *json, const struct bench_case *what);

#endif
