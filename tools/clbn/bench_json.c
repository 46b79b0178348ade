/* The report of 'clbn bench' for programs. */
#include "bench_limit.h"
#include "bench_report.h"
#include "device.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Jansson's functions take NULL for what could not be made, and then fail: the last one tells. */

static json_t *text_or_null(char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;

    free(text);
    return value != NULL ? value : json_null();
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_device(cl_device_id device)
{
    cl_uint compute_units = 0;

    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(compute_units), &compute_units, NULL);
    return json_pack("{s:o, s:o, s:o, s:I}", "name", text_or_null(device_text(device, CL_DEVICE_NAME)), "version",
                     text_or_null(device_text(device, CL_DEVICE_VERSION)), "driver",
                     text_or_null(device_text(device, CL_DRIVER_VERSION)), "compute_units", (json_int_t)compute_units);
}

static json_t *describe_call(const struct bench_summary *enqueue, const struct bench_summary *call)
{
    return json_pack("{s:f, s:f}", "enqueue_median_s", enqueue->median, "call_median_s", call->median);
}

static json_t *describe_costs(const struct bench_costs *costs)
{
    json_t *calls = json_object();

    for (int op = 0; op < BENCH_OPS; op++)
        json_object_set_new(calls, bench_op_names[op], describe_call(&costs->enqueue[op], &costs->call[op]));
    json_object_set_new(calls, "nothing", describe_call(&costs->enqueue_nothing, &costs->call_nothing));
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "engine_first_s", costs->engine_first, "engine_again_median_s",
                     costs->engine_again.median, "first_plan_of_kind_first_s", costs->kind_first,
                     "first_plan_of_kind_compiled_median_s", costs->kind_compiled.median, "first_plan_of_kind_cached_median_s",
                     costs->kind_cached.median, "plan_median_s", costs->plan.median, "small_calls", calls);
}

static json_t *describe_shape(const struct bench_shape *shape)
{
    json_t *sizes = json_array();

    for (cl_uint i = 0; i < shape->rank; i++)
        json_array_append_new(sizes, json_integer((json_int_t)shape->sizes[i]));
    return sizes;
}

/* The ratios are greater than 1 where this one is faster; peer is the peer's median time, NAN for none. */
static json_t *describe_time(const struct bench_row *row, const char *implementation, const char *kernels,
                             const struct bench_summary *summary, double peer)
{
    const struct bench_case *what = &row->what;

    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:I, s:f, s:f, s:o}", "op", bench_op_names[what->op],
                     "shape", describe_shape(&what->shape), "layout", bench_layout_names[what->layout], "type",
                     bench_type_names[what->type], "impl", implementation, "kernels", kernels, "median_s", summary->median,
                     "min_s", summary->minimum, "p90_s", summary->percentile_90, "samples", (json_int_t)summary->samples,
                     "gb_per_s", bench_row_rate(row, summary->median), "limit_ratio", bench_row_limit(row) / summary->median,
                     "peer_ratio", real_or_null(peer / summary->median));
}

static void append_row(json_t *records, json_t *skipped, const struct bench_row *row)
{
    enum bench_limit_kernel first = bench_limit_first(row->what.op);

    if (row->skipped[0] != '\0') {
        json_array_append_new(skipped,
                              json_pack("{s:s, s:o, s:s, s:s, s:s}", "op", bench_op_names[row->what.op], "shape",
                                        describe_shape(&row->what.shape), "layout", bench_layout_names[row->what.layout],
                                        "type", bench_type_names[row->what.type], "reason", row->skipped));
        return;
    }
    json_array_append_new(records,
                          describe_time(row, "clbn", row->kernels, &row->clbn, row->has_peer ? row->peer.median : (double)NAN));
    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++) {
        const char *name = bench_limit_name((enum bench_limit_kernel)(first + i));

        json_array_append_new(records, describe_time(row, name, name, &row->limits[i], (double)NAN));
    }
    if (row->has_peer)
        json_array_append_new(records, describe_time(row, "onednn", row->peer_implementation, &row->peer, (double)NAN));
}

bool bench_write_json(const struct bench_report *report, struct output_file *file, struct failure *failure)
{
    json_t *records = json_array();
    json_t *skipped = json_array();
    size_t expected = 0;

    for (size_t i = 0; i < report->row_count; i++) {
        const struct bench_row *row = &report->rows[i];

        append_row(records, skipped, row);
        expected += row->skipped[0] != '\0' ? 1 : 1 + BENCH_LIMIT_STORES + (size_t)(row->has_peer ? 1 : 0);
    }
    bool complete = json_array_size(records) + json_array_size(skipped) == expected;
    json_t *root = json_pack(
        "{s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "version", clbnVersion(), "device", describe_device(report->device), "peer",
        report->peer != NULL ? json_string(report->peer) : json_null(), "quick", (int)report->quick, "load_average",
        real_or_null(report->load), "costs", describe_costs(&report->costs), "records", records, "skipped", skipped);
    if (root == NULL || !complete) {
        json_decref(root);
        return fail(failure, "there is no memory for the JSON");
    }
    bool written =
        json_dumpf(root, file->stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file->stream) != EOF;
    json_decref(root);
    if (!written)
        return fail(failure, "cannot write '%s'", file->target);
    return output_file_finish(file, failure) && output_file_publish(file, failure);
}
