#include "plan/quirks.h"

#include <string.h>

#define VENDOR_AMD    0x1002u
#define VENDOR_INTEL  0x8086u
#define VENDOR_NVIDIA 0x10deu

/* A unit of which nothing is known has so many bytes of registers: enough for the smallest size of host/schedule/tiling.c. */
#define LEAST_REGISTERS ((size_t)64 << 10)

struct quirk {
    /* Whom it concerns: a device of the type, vendor and name, or a part of that, that are not 0. */
    cl_device_type type;
    cl_uint vendor;
    const char *name;
    /* What is so; 0: as OpenCL says. */
    bool computes_items; /* it is not a vector CPU */
    bool cannot_fetch;
    bool reads_streams;
    size_t register_size;
    size_t unit_cache; /* bytes of cache to a unit, at most */
    const char *reason;
};

static const struct quirk quirks[] = {
    { .vendor = VENDOR_NVIDIA,
      .register_size = (size_t)256 << 10,
      .reason = "all since compute capability 3.0 have 65536 registers of 4 bytes to a multiprocessor" },
    { .vendor = VENDOR_AMD,
      .register_size = (size_t)256 << 10,
      .reason = "all since GCN have 256 KiB of vector registers to a compute unit, or more" },
    { .vendor = VENDOR_AMD,
      .name = "gfx1",
      .register_size = LEAST_REGISTERS,
      .reason = "RDNA: its compilers give a work-item 128 registers, and put into memory what a group keeps beyond the least" },
    { .type = CL_DEVICE_TYPE_GPU,
      .vendor = VENDOR_INTEL,
      .register_size = LEAST_REGISTERS,
      .reason = "a work-item has 64 registers of 4 bytes where 16 share a thread's: room for the least that a group keeps" },
    { .type = CL_DEVICE_TYPE_CPU,
      .register_size = (size_t)256 << 10,
      .reason = "what a group keeps lies in a core's cache: it need not be less than on a GPU" },
    { .type = CL_DEVICE_TYPE_CPU,
      .vendor = VENDOR_INTEL,
      .reads_streams = true,
      .unit_cache = (size_t)2 << 20,
      .reason =
          "more is the cache of a large server, of which the device has some cores: to these it is as far as memory, and what "
          "it holds beside others' data is not known (tools/PERFORMANCE.md)" },
    { .name = "llvmpipe",
      .computes_items = true,
      .cannot_fetch = true,
      .reason = "a CPU that computes work-items in vectors, as a GPU does; Mesa 22.3 gets kernels' own vectors wrong in "
                "part, and 25.0 ends the process at the instruction that clang's __builtin_prefetch makes" },
    { .name = "Oclgrind",
      .cannot_fetch = true,
      .reason = "it does not know the instruction that clang's __builtin_prefetch makes, and ends the process" },
};

static bool concerns(const struct quirk *q, const struct device_identity *identity)
{
    return (q->type == 0 || (identity->type & q->type)) && (q->vendor == 0 || identity->vendor == q->vendor) &&
           (!q->name || strstr(identity->name, q->name));
}

void bn_apply_quirks(const struct device_identity *identity, struct device_facts *facts)
{
    facts->register_size = LEAST_REGISTERS;
    for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
        const struct quirk *q = &quirks[i];
        if (!concerns(q, identity))
            continue;
        if (q->register_size > 0)
            facts->register_size = q->register_size;
        if (q->computes_items)
            facts->is_vector_cpu = false;
        if (q->cannot_fetch)
            facts->can_fetch = false;
        if (q->reads_streams)
            facts->reads_streams = true;
        if (q->unit_cache > 0 && facts->cache_size / q->unit_cache >= facts->compute_units)
            facts->cache_size = q->unit_cache * facts->compute_units;
    }
}
