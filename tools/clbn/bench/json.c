/* SPDX-License-Identifier: MIT */
/* The report of 'clbn bench' for programs. */
#include "bench/json.h"
#include "bench/limit.h"
#include "bench/report.h"
#include "io/activation.h"
#include "io/device.h"
#include "io/json.h"

#include <math.h>
#include <stdlib.h>

static void write_text(struct json *json, const char *key, char *text)
{
    json_string(json, key, text);
    free(text);
}

void bench_json_device(struct json *json, cl_device_id device)
{
    cl_uint compute_units = 0;
    cl_ulong cache_size = 0;

    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(compute_units), &compute_units, NULL);
    clGetDeviceInfo(device, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof(cache_size), &cache_size, NULL);
    json_open(json, "device", '{');
    write_text(json, "name", device_text(device, CL_DEVICE_NAME));
    write_text(json, "version", device_text(device, CL_DEVICE_VERSION));
    write_text(json, "driver", device_text(device, CL_DRIVER_VERSION));
    json_integer(json, "compute_units", compute_units);
    json_integer(json, "cache_bytes", (size_t)cache_size);
    json_close(json);
}

static void write_call(struct json *json, const char *name, const struct bench_call_costs *costs)
{
    json_open(json, name, '{');
    json_real(json, "enqueue_median_s", costs->enqueue.median);
    json_real(json, "call_median_s", costs->whole.median);
    json_close(json);
}

static void write_calls(struct json *json, const char *name, const struct bench_call_costs *costs)
{
    json_open(json, name, '{');
    for (int op = 0; op < BENCH_OPS; op++)
        write_call(json, bench_op_names[op], &costs[op]);
    json_close(json);
}

static void write_costs(struct json *json, const struct bench_costs *costs)
{
    json_open(json, "costs", '{');
    json_real(json, "engine_first_s", costs->engine_first);
    json_real(json, "engine_again_median_s", costs->engine_again.median);
    json_real(json, "first_plan_of_kind_first_s", costs->kind_first);
    json_real(json, "first_plan_of_kind_compiled_median_s", costs->kind_compiled.median);
    json_real(json, "first_plan_of_kind_cached_median_s", costs->kind_cached.median);
    json_real(json, "plan_median_s", costs->plan.median);
    write_call(json, "nothing", &costs->nothing);
    write_calls(json, "small_calls", costs->call);
    write_calls(json, "floor_of_small_calls", costs->floor);
    json_close(json);
}

void bench_json_case(struct json *json, const struct bench_case *what)
{
    json_string(json, "op", bench_op_names[what->op]);
    json_sizes(json, "shape", what->shape.sizes, what->shape.rank);
    json_string(json, "layout", bench_layout_names[what->layout]);
    json_string(json, "type", bench_type_names[what->type]);
    json_string(json, "activation", activation_names[what->activation]);
    json_bool(json, "residual", what->residual);
}

/* One implementation of a row's operation, which moves that many bytes. The ratios are greater than 1 where this one is faster;
 * device is the seconds on the device, NAN for none. */
static void write_record(struct json *json, const struct bench_row *row, const char *implementation, const char *kernels,
                         const struct bench_summary *wall, double device, size_t bytes, double peer_ratio)
{
    double rate = 1e-9 * (double)bytes / wall->median;

    json_open(json, NULL, '{');
    bench_json_case(json, &row->what);
    json_string(json, "impl", implementation);
    json_string(json, "kernels", kernels);
    json_real(json, "median_s", wall->median);
    json_real(json, "min_s", wall->minimum);
    json_real(json, "p90_s", wall->percentile_90);
    json_real(json, "device_s", device);
    json_integer(json, "samples", wall->samples);
    json_integer(json, "bytes", bytes);
    json_real(json, "gb_per_s", rate);
    json_real(json, "limit_ratio", rate / bench_row_limit_rate(row));
    json_real(json, "peer_ratio", peer_ratio);
    json_close(json);
}

static void write_records(struct json *json, const struct bench_row *row)
{
    size_t bytes = bench_moved_bytes(&row->what);

    write_record(json, row, "clbn", row->kernels, &row->clbn.wall, row->clbn.device_seconds, bytes, bench_row_peer_ratio(row));
    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++) {
        enum bench_limit_kernel kernel = (enum bench_limit_kernel)(bench_limit_first(&row->what) + i);
        const char *name = bench_limit_name(kernel);

        write_record(json, row, name, name, &row->limits[i].wall, row->limits[i].device_seconds,
                     bench_limit_bytes(kernel, &row->what), (double)NAN);
    }
    for (size_t i = 0; i < BENCH_LIMIT_STORES && bench_row_has_floors(row); i++)
        write_record(json, row, bench_floor_name(i), bench_floor_name(i), &row->floors[i].wall, row->floors[i].device_seconds,
                     bytes, (double)NAN);
    if (row->has_peer)
        write_record(json, row, "onednn", row->peer_implementation, &row->peer, (double)NAN, bytes, (double)NAN);
}

static void write_rows(struct json *json, const struct bench_report *report)
{
    json_open(json, "records", '[');
    for (size_t i = 0; i < report->row_count; i++)
        if (report->rows[i].skipped[0] == '\0')
            write_records(json, &report->rows[i]);
    json_close(json);
    json_open(json, "skipped", '[');
    for (size_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].skipped[0] == '\0')
            continue;
        json_open(json, NULL, '{');
        bench_json_case(json, &report->rows[i].what);
        json_string(json, "reason", report->rows[i].skipped);
        json_close(json);
    }
    json_close(json);
}

bool bench_write_json(const struct bench_report *report, struct output_file *file, struct failure *failure)
{
    struct json json = json_start(file->stream);

    json_open(&json, NULL, '{');
    json_string(&json, "version", clbnVersion());
    bench_json_device(&json, report->device);
    json_string(&json, "peer", report->peer);
    json_bool(&json, "quick", report->quick);
    json_real(&json, "load_average", report->load);
    if (report->has_costs)
        write_costs(&json, &report->costs);
    write_rows(&json, report);
    json_close(&json);
    return output_file_finish(file, failure) && output_file_publish(file, failure);
}
