/* SPDX-License-Identifier: MIT */
#include "plan/quirks.h"

#include "base/integers.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of registers to a compute unit where nothing is known: enough for the smallest size in schedule/tiling.c. */
#define LEAST_REGISTERS ((size_t)64 << 10)

struct quirk {
    /* Devices that it is for: of this type, unless 0, whose vendor, name and version contain these, unless NULL, and whose driver's major
     * version is the first one or later, and, unless 0, before the second. */
    cl_device_type type;
    const char *vendor, *name, *version;
    unsigned long first_driver, before_driver;
    /* What is true of them; 0: what OpenCL says. */
    bool computes_items; /* it is not a vector CPU */
    bool cannot_fetch;
    bool miscompiles_groups, miscompiles_unoptimized;
    size_t register_size;
    size_t believed_cache, unit_cache; /* a cache of more bytes to a compute unit than the first counts as the second */
    const char *reason;
};

static const struct quirk quirks[] = {
    { .type = CL_DEVICE_TYPE_GPU,
      .vendor = "NVIDIA",
      .register_size = (size_t)256 << 10,
      .reason = "all since compute capability 3.0 have 65536 registers of 4 bytes to a multiprocessor" },
    { .type = CL_DEVICE_TYPE_GPU,
      .vendor = "Advanced Micro Devices",
      .register_size = (size_t)256 << 10,
      .reason = "all since GCN have 256 KiB of vector registers to a compute unit, or more" },
    { .type = CL_DEVICE_TYPE_GPU,
      .vendor = "Advanced Micro Devices",
      .name = "gfx1",
      .register_size = LEAST_REGISTERS,
      .reason = "RDNA: its compilers (LLVM 15, 16) put into memory what a group keeps beyond the least" },
    { .type = CL_DEVICE_TYPE_GPU,
      .vendor = "Intel",
      .register_size = LEAST_REGISTERS,
      .reason = "a work-item has 64 registers of 4 bytes where 16 share a thread's: room for the least that a group keeps" },
    { .type = CL_DEVICE_TYPE_CPU,
      .register_size = (size_t)256 << 10,
      .reason = "what a group keeps lies in a core's cache: it need not be less than on a GPU" },
    { .type = CL_DEVICE_TYPE_CPU,
      .believed_cache = (size_t)16 << 20,
      .unit_cache = (size_t)2 << 20,
      .reason = "no CPU has more to a core: the device is some cores of a server, whose last cache is as far as memory to them "
                "and is filled by others; what is left is a core's own" },
    { .type = CL_DEVICE_TYPE_CPU,
      .version = "PoCL",
      .first_driver = 4,
      .before_driver = 7,
      .miscompiles_groups = true,
      .reason = "PoCL 6 computes sums of groups wrong where its compiler optimizes them; 3.1 does not, nor do 5 and 6 without "
                "optimization, 4 was not tried. On a CPU groups are there to be tested" },
    { .type = CL_DEVICE_TYPE_CPU,
      .version = "PoCL",
      .first_driver = 7,
      .miscompiles_unoptimized = true,
      .reason =
          "PoCL 7.1 gets sums in pairs and groups wrong without optimization; with it vectors are right, groups are not" },
    { .name = "llvmpipe",
      .computes_items = true,
      .cannot_fetch = true,
      .reason = "a CPU that computes work-items in vectors, as a GPU does; Mesa 22.3 gets kernels' own vectors wrong in "
                "part, and 25.0 ends the process at the instruction that clang's __builtin_prefetch makes" },
    { .name = "Oclgrind",
      .cannot_fetch = true,
      .reason = "it does not know the instruction that clang's __builtin_prefetch makes, and ends the process" },
};

static bool contains(const char *text, const char *part)
{
    return !part || strstr(text, part);
}

/* A driver that names no version is taken for a new one. */
static bool is_since(const char *driver, unsigned long major)
{
    char *end;
    const unsigned long own = strtoul(driver, &end, 10);
    return end == driver || own >= major;
}

static bool concerns(const struct quirk *q, const struct device_identity *identity)
{
    return (q->type == 0 || (identity->type & q->type)) && contains(identity->vendor, q->vendor) &&
           contains(identity->name, q->name) && contains(identity->version, q->version) &&
           (q->first_driver == 0 || is_since(identity->driver, q->first_driver)) &&
           (q->before_driver == 0 || !is_since(identity->driver, q->before_driver));
}

void bn_apply_quirks(const struct device_identity *identity, struct device_facts *facts)
{
    facts->register_size = LEAST_REGISTERS;
    for (size_t i = 0; i < COUNT_OF(quirks); i++) {
        const struct quirk *q = &quirks[i];
        if (!concerns(q, identity))
            continue;
        if (q->register_size > 0)
            facts->register_size = q->register_size;
        if (q->computes_items)
            facts->is_vector_cpu = false;
        if (q->cannot_fetch)
            facts->can_fetch = false;
        if (q->miscompiles_groups)
            facts->miscompiles_groups = true;
        if (q->miscompiles_unoptimized)
            facts->miscompiles_unoptimized = true;
        if (q->believed_cache > 0 && facts->cache_size / facts->compute_units > q->believed_cache)
            facts->cache_size = q->unit_cache * facts->compute_units;
    }
}
