/* SPDX-License-Identifier: MIT */
#include "program/program_cache.h"

#include "base/hash.h"
#include "program/cache_folder.h"
#include "program/disk_cache.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names of entries begin so: binaries, and marks. A mark is empty, or has the time when storing failed. */
#define BINARY "program"
#define MARK   "compiled"

#define SECONDS_TO_RETRY INT64_C(86400) /* a day */

/* Bytes of a key, and devices of a context: beyond these nothing is cached. */
enum { KEY_SIZE = 4096, MAX_DEVICES = 64 };

/* ---- The key -------------------------------------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t length;
};

/* Ends a line of so many bytes, a final zero included, that has been written behind the key. */
static bool end_line(struct text *key, cl_int status, size_t size)
{
    if (status != CL_SUCCESS || size == 0)
        return false;
    key->length += size;
    key->bytes[key->length - 1] = '\n';
    return true;
}

static bool add_device_line(struct text *key, cl_device_id device, cl_device_info name)
{
    size_t size = 0;
    cl_int status = clGetDeviceInfo(device, name, KEY_SIZE - key->length, key->bytes + key->length, &size);
    return end_line(key, status, size);
}

static bool add_platform_line(struct text *key, cl_platform_id platform, cl_platform_info name)
{
    size_t size = 0;
    cl_int status = clGetPlatformInfo(platform, name, KEY_SIZE - key->length, key->bytes + key->length, &size);
    return end_line(key, status, size);
}

/* The device and its driver. Address bits: the same driver may have a twin for processes of other pointers. */
static bool add_device(struct text *key, cl_device_id device)
{
    cl_platform_id platform = NULL;
    cl_uint address_bits = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL) != CL_SUCCESS ||
        clGetDeviceInfo(device, CL_DEVICE_ADDRESS_BITS, sizeof(address_bits), &address_bits, NULL) != CL_SUCCESS)
        return false;
    if (!add_platform_line(key, platform, CL_PLATFORM_NAME) || !add_platform_line(key, platform, CL_PLATFORM_VERSION) ||
        !add_device_line(key, device, CL_DEVICE_NAME) || !add_device_line(key, device, CL_DEVICE_VENDOR) ||
        !add_device_line(key, device, CL_DEVICE_VERSION) || !add_device_line(key, device, CL_DRIVER_VERSION))
        return false;
    int length = snprintf(key->bytes + key->length, KEY_SIZE - key->length, "%u bits\n", (unsigned)address_bits);
    return length > 0 && (size_t)length < KEY_SIZE - key->length;
}

/* The library, its kernels, and what they are compiled with. The sources are those of one variant, in the compiler's order. */
static bool add_program(struct text *key, cl_uint count, const char *const *sources, const size_t *lengths, const char *options)
{
    uint64_t hash = BN_HASH_START;
    for (cl_uint i = 0; i < count; i++)
        hash = bn_hash(hash, sources[i], lengths[i]);
    int length = snprintf(key->bytes, KEY_SIZE, "clbn %s\nsources %016" PRIx64 "\n%s\n", clbnVersion(), hash, options);
    if (length < 0 || length >= KEY_SIZE)
        return false;
    key->length = (size_t)length;
    return true;
}

char *bn_program_key(cl_device_id device, cl_uint count, const char *const *sources, const size_t *lengths, const char *options)
{
    struct text key = { bn_cache_is_on() ? malloc(KEY_SIZE) : NULL, 0 };
    if (key.bytes && add_program(&key, count, sources, lengths, options) && add_device(&key, device))
        return key.bytes;
    free(key.bytes);
    return NULL;
}

/* ---- Restoring ------------------------------------------------------------------------------------------------------------ */

/* Builds a program from a binary. Some drivers take one that they cannot use, and give a program without kernels. */
static bool build_restored(cl_program program, cl_device_id device, const char *options)
{
    size_t kernels = 0;
    return clBuildProgram(program, 1, &device, options, NULL, NULL) == CL_SUCCESS &&
           clGetProgramInfo(program, CL_PROGRAM_NUM_KERNELS, sizeof(kernels), &kernels, NULL) == CL_SUCCESS && kernels > 0;
}

cl_program bn_restore_program(cl_context context, cl_device_id device, const char *key, const char *options)
{
    void *binary = NULL;
    size_t size = 0;
    cl_int status = CL_SUCCESS, binary_status = CL_SUCCESS;
    if (!key || !bn_cache_read(BINARY, key, strlen(key), &binary, &size))
        return NULL;
    const unsigned char *bytes = binary;
    cl_program program = clCreateProgramWithBinary(context, 1, &device, &size, &bytes, &binary_status, &status);
    free(binary);
    if (program && (status != CL_SUCCESS || binary_status != CL_SUCCESS || !build_restored(program, device, options))) {
        clReleaseProgram(program);
        return NULL;
    }
    return program;
}

/* ---- Storing -------------------------------------------------------------------------------------------------------------- */

/* A program's binaries, one for each device of its context: of those that it was not built for they are empty. */
struct binaries {
    cl_uint count;
    size_t sizes[MAX_DEVICES];
    unsigned char *bytes[MAX_DEVICES];
};

static bool query_sizes(cl_program program, struct binaries *all)
{
    return clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof(all->count), &all->count, NULL) == CL_SUCCESS &&
           all->count <= MAX_DEVICES &&
           clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(all->sizes), all->sizes, NULL) == CL_SUCCESS;
}

/* The only binary is the device's, since the program was built for no other. CL_PROGRAM_DEVICES would not do: for sub-devices some
 * OpenCLs list the parent. False if there are none, or several. */
static bool find_binary(const struct binaries *all, cl_uint *index)
{
    cl_uint found = 0;
    for (cl_uint i = 0; i < all->count; i++) {
        if (all->sizes[i] == 0)
            continue;
        *index = i;
        found++;
    }
    return found == 1;
}

enum program_fate bn_fate_of_program(const char *key)
{
    void *data = NULL;
    size_t size = 0;
    int64_t failed = 0;
    if (!key)
        return PROGRAM_LEFT;
    if (!bn_cache_read(MARK, key, strlen(key), &data, &size))
        return PROGRAM_MARKED;
    if (size == sizeof(failed))
        memcpy(&failed, data, sizeof(failed));
    free(data);
    const int64_t now = (int64_t)time(NULL);
    return failed <= now && now - failed < SECONDS_TO_RETRY ? PROGRAM_LEFT : PROGRAM_STORED;
}

static bool store(cl_program program, const char *key)
{
    struct binaries all = { .count = 0 };
    cl_uint index = 0;
    if (!query_sizes(program, &all) || !find_binary(&all, &index))
        return false;
    unsigned char *binary = malloc(all.sizes[index]);
    all.bytes[index] = binary;
    bool stored = binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(all.bytes), all.bytes, NULL) == CL_SUCCESS &&
                  bn_cache_write(BINARY, key, strlen(key), binary, all.sizes[index]);
    free(binary);
    return stored;
}

/* The mark holds the time of the failure. */
static void note_failure(const char *key)
{
    const int64_t now = (int64_t)time(NULL);
    if (!bn_cache_write(MARK, key, strlen(key), &now, sizeof(now)))
        bn_cache_delete(MARK, key, strlen(key));
}

void bn_end_program(enum program_fate fate, cl_program program, const char *key)
{
    if (fate == PROGRAM_MARKED)
        bn_cache_write(MARK, key, strlen(key), "", 0);
    else if (fate == PROGRAM_STORED && bn_cache_is_writable() && !store(program, key))
        note_failure(key);
}
