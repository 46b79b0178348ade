/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "io/device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const geometry_names[] = { "auto", "vector", "group", NULL };

/* The status with which the ICD loader says that no platform is installed (cl_khr_icd). */
enum { PLATFORM_NOT_FOUND = -1001 };

char *device_text(cl_device_id device, cl_device_info name)
{
    size_t size;
    char *text;

    if (clGetDeviceInfo(device, name, 0, NULL, &size) != CL_SUCCESS)
        return NULL;
    text = calloc(size + 1, 1);
    if (text != NULL && clGetDeviceInfo(device, name, size, text, NULL) != CL_SUCCESS) {
        free(text);
        return NULL;
    }
    return text;
}

static char *platform_text(cl_platform_id platform, cl_platform_info name)
{
    size_t size;
    char *text;

    if (clGetPlatformInfo(platform, name, 0, NULL, &size) != CL_SUCCESS)
        return NULL;
    text = calloc(size + 1, 1);
    if (text != NULL && clGetPlatformInfo(platform, name, size, text, NULL) != CL_SUCCESS) {
        free(text);
        return NULL;
    }
    return text;
}

/* Adds one device; one that cannot tell its name or kind is broken, and left out. False: there is no memory. */
static bool add_device(struct device_list *list, cl_platform_id platform, cl_device_id device)
{
    struct device_entry entry = { .platform = platform, .device = device };
    struct device_entry *entries;

    entry.name = device_text(device, CL_DEVICE_NAME);
    entry.platform_name = platform_text(platform, CL_PLATFORM_NAME);
    if (entry.name == NULL || entry.platform_name == NULL ||
        clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof(entry.kind), &entry.kind, NULL) != CL_SUCCESS) {
        free(entry.name);
        free(entry.platform_name);
        return true;
    }
    entries = realloc(list->entries, (list->count + 1) * sizeof(*entries));
    if (entries == NULL) {
        free(entry.name);
        free(entry.platform_name);
        return false;
    }
    entries[list->count] = entry;
    list->entries = entries;
    list->count++;
    return true;
}

/* Appends what a platform without devices said. */
static void note_silence(struct failure *said, cl_platform_id platform, cl_int status)
{
    char *name = platform_text(platform, CL_PLATFORM_NAME);
    size_t length = strlen(said->sentence);
    bool is_pocl = name != NULL && strstr(name, "Portable Computing Language") != NULL;

    snprintf(said->sentence + length, sizeof(said->sentence) - length, "%s'%s' said %s (%d)%s", length > 0 ? ", and " : "",
             name != NULL ? name : "?", clbnStatusName(status), (int)status,
             is_pocl ? ", as PoCL does where it cannot make its cache folder: in POCL_CACHE_DIR, XDG_CACHE_HOME or HOME" : "");
    free(name);
}

/* False: there is no memory. */
static bool add_platform(struct device_list *list, cl_platform_id platform, struct failure *said)
{
    cl_device_id *devices = NULL;
    cl_uint count = 0;
    bool added = true;
    cl_int status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);

    if (status == CL_SUCCESS && count > 0) {
        devices = calloc(count, sizeof(*devices));
        if (devices == NULL)
            return false;
        status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, devices, NULL);
    }
    if (status != CL_SUCCESS || count == 0)
        note_silence(said, platform, status);
    for (cl_uint i = 0; status == CL_SUCCESS && i < count && added; i++)
        added = add_device(list, platform, devices[i]);
    free(devices);
    return added;
}

bool device_list_open(struct device_list *list, struct failure *failure)
{
    cl_platform_id *platforms = NULL;
    cl_uint count = 0;
    bool added = true;
    struct failure said = { "" };
    cl_int status = clGetPlatformIDs(0, NULL, &count);

    memset(list, 0, sizeof(*list));
    if (status == PLATFORM_NOT_FOUND || (status == CL_SUCCESS && count == 0))
        return fail(failure,
                    "OpenCL found no platform (%d): none is installed, or its library could not be loaded; Debian's package "
                    "pocl-opencl-icd has one for CPUs",
                    (int)status);
    if (status != CL_SUCCESS)
        return fail_opencl(failure, "listing the OpenCL platforms", status);
    platforms = calloc(count, sizeof(*platforms));
    if (platforms == NULL)
        return fail(failure, "there is no memory for the list of OpenCL platforms");
    status = clGetPlatformIDs(count, platforms, NULL);
    for (cl_uint i = 0; status == CL_SUCCESS && i < count && added; i++)
        added = add_platform(list, platforms[i], &said);
    free(platforms);
    if (status == CL_SUCCESS && added && list->count > 0)
        return true;
    device_list_close(list);
    if (status != CL_SUCCESS)
        return fail_opencl(failure, "listing the OpenCL platforms", status);
    return added ? fail(failure, "no OpenCL platform has a device: %s", said.sentence)
                 : fail(failure, "there is no memory for the list of OpenCL devices");
}

void device_list_close(struct device_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].name);
        free(list->entries[i].platform_name);
    }
    free(list->entries);
    memset(list, 0, sizeof(*list));
}

/* Whether the text has the part in it, in upper or lower case. */
static bool has_part(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (part[i] != '\0' && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (part[i] == '\0')
            return true;
    }
    return false;
}

static bool entry_matches(const struct device_entry *entry, const char *part)
{
    return has_part(entry->name, part) || has_part(entry->platform_name, part);
}

/* Ends the sentence with the devices that match, or with all for a part of NULL. */
static bool fail_with_devices(const struct device_list *list, const char *part, struct failure *failure, const char *beginning)
{
    char names[1536] = "";
    size_t length = 0;

    for (size_t i = 0; i < list->count && length < sizeof(names); i++) {
        const struct device_entry *entry = &list->entries[i];

        if (part == NULL || entry_matches(entry, part)) {
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%zu '%s' (%s)", length > 0 ? ", " : "", i,
                                       entry->name, entry->platform_name);
        }
    }
    return fail(failure, "%s: %s", beginning, names);
}

static size_t default_device(const struct device_list *list)
{
    static const cl_device_type kinds[] = { CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_CPU };

    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        for (size_t i = 0; i < list->count; i++)
            if ((list->entries[i].kind & kinds[kind]) != 0)
                return i;
    }
    return 0;
}

/* Whether the text is an index of the list: "7" is, and "4090", a name's part, is not where there are few devices. */
static bool parse_index(const struct device_list *list, const char *text, size_t *index)
{
    size_t length = strlen(text);

    if (length == 0 || length > 6 || strspn(text, "0123456789") != length)
        return false;
    *index = (size_t)strtoul(text, NULL, 10);
    return *index < list->count;
}

static const struct {
    const char *word;
    cl_device_type kind;
} kind_words[] = { { "gpu", CL_DEVICE_TYPE_GPU }, { "cpu", CL_DEVICE_TYPE_CPU } };

/* Whether the text is "gpu" or "cpu", in upper or lower case: the first device of that kind. */
static bool find_kind(const struct device_list *list, const char *wanted, size_t *index)
{
    for (size_t kind = 0; kind < sizeof(kind_words) / sizeof(kind_words[0]); kind++) {
        const char *word = kind_words[kind].word;

        for (size_t i = 0; i < list->count && strlen(wanted) == strlen(word) && has_part(wanted, word); i++) {
            if ((list->entries[i].kind & kind_words[kind].kind) != 0) {
                *index = i;
                return true;
            }
        }
    }
    return false;
}

bool device_list_find(const struct device_list *list, const char *wanted, size_t *index, struct failure *failure)
{
    size_t matches = 0;
    char beginning[256];

    if (wanted == NULL) {
        *index = default_device(list);
        return true;
    }
    if (parse_index(list, wanted, index) || find_kind(list, wanted, index))
        return true;
    for (size_t i = 0; i < list->count; i++) {
        if (entry_matches(&list->entries[i], wanted)) {
            matches++;
            *index = i;
        }
    }
    if (matches == 1)
        return true;
    if (matches == 0) {
        snprintf(beginning, sizeof(beginning), "no device matches '%s'; there are", wanted);
        return fail_with_devices(list, NULL, failure, beginning);
    }
    snprintf(beginning, sizeof(beginning), "several devices match '%s'", wanted);
    return fail_with_devices(list, wanted, failure, beginning);
}

bool session_open(struct session *session, const struct session_options *options, struct failure *failure)
{
    struct device_list list;
    size_t index;
    bool opened;

    memset(session, 0, sizeof(*session));
    if (!device_list_open(&list, failure))
        return false;
    opened = device_list_find(&list, options->device, &index, failure) &&
             session_open_device(session, list.entries[index].device, (clbn_geometry)options->geometry, failure);
    device_list_close(&list);
    return opened;
}

bool session_open_device(struct session *session, cl_device_id device, clbn_geometry geometry, struct failure *failure)
{
    clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
    cl_int status;

    memset(session, 0, sizeof(*session));
    options.geometry = geometry;
    session->device = device;
    session->context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    if (session->context == NULL) {
        fail_opencl(failure, "creating an OpenCL context", status);
        goto cleanup;
    }
    session->queue = clCreateCommandQueue(session->context, device, 0, &status);
    if (session->queue == NULL) {
        fail_opencl(failure, "creating an OpenCL queue", status);
        goto cleanup;
    }
    session->engine = clbnCreateEngine(session->context, device, &options, &status);
    if (session->engine == NULL) {
        fail_clbn(failure, "creating the engine", status);
        goto cleanup;
    }
    return true;

cleanup:
    session_close(session);
    return false;
}

void session_close(struct session *session)
{
    clbnReleaseEngine(session->engine);
    if (session->queue != NULL)
        clReleaseCommandQueue(session->queue);
    if (session->context != NULL)
        clReleaseContext(session->context);
    memset(session, 0, sizeof(*session));
}
