/* SPDX-License-Identifier: MIT */
/* The OpenCL devices of this machine, and a session on one of them. */
#ifndef CLBN_TOOL_DEVICE_H
#define CLBN_TOOL_DEVICE_H

#include "io/failure.h"
#include "io/options.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

struct device_entry {
    cl_platform_id platform;
    cl_device_id device;
    cl_device_type kind; /* CL_DEVICE_TYPE_* */
    char *name;
    char *platform_name;
};

/* All devices of all platforms, in OpenCL's order; the index is what --device takes. */
struct device_list {
    struct device_entry *entries;
    size_t count;
};

/* Fills the list with at least one device. Platforms without devices are left out. No OpenCL, or no device, is a failure. On
 * failure the list is empty. */
bool device_list_open(struct device_list *list, struct failure *failure);
void device_list_close(struct device_list *list);

/* The device of a --device option: an index, "gpu" or "cpu" for the first of that kind, or a part of a device's or its platform's name in any case, or NULL for the
 * first GPU, else the first CPU, else the first. Fails, with a list of what there is, where none or several match. */
bool device_list_find(const struct device_list *list, const char *wanted, size_t *index, struct failure *failure);

/* A string that OpenCL tells about a device, in memory that the caller frees; NULL on failure. */
char *device_text(cl_device_id device, cl_device_info name);

/* The options by which commands choose a device; all zero for the defaults. */
struct session_options {
    const char *device;
    int geometry; /* A clbn_geometry. */
};

#define DEVICE_OPTION_HELP "index in 'clbn devices', gpu, cpu, or a part of a name (default: the first GPU, else the first CPU)"

extern const char *const geometry_names[]; /* By clbn_geometry; ends with NULL. */

/* The rows of an option table that fill a struct session_options. */
#define SESSION_OPTION_ROWS(session_options)                                                                                   \
    { .name = "device",                                                                                                        \
      .kind = OPTION_STRING,                                                                                                   \
      .to.string = &(session_options).device,                                                                                  \
      .argument = "DEVICE",                                                                                                    \
      .help = DEVICE_OPTION_HELP },                                                                                            \
    {                                                                                                                          \
        .name = "geometry", .kind = OPTION_CHOICE, .to.choice = &(session_options).geometry, .choices = geometry_names,        \
        .help = "kernels for CPUs (vector) or GPUs (group); the default, auto, goes by the device"                             \
    }

/* An engine on a device, with an in-order queue. */
struct session {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    clbn_engine engine;
};

/* On failure nothing is left open, and session_close() may be called as well. */
bool session_open(struct session *session, const struct session_options *options, struct failure *failure);

/* The same for a device that is already known. */
bool session_open_device(struct session *session, cl_device_id device, clbn_geometry geometry, struct failure *failure);

/* Releases what is open; a session of zeros is closed. */
void session_close(struct session *session);

#endif
