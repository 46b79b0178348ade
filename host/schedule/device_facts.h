/* SPDX-License-Identifier: MIT */
/* What clbn needs to know of a device (plan/device.h asks it). */
#ifndef CLBN_DEVICE_FACTS_H
#define CLBN_DEVICE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

struct device_facts {
    bool is_vector_cpu; /* a CPU whose OpenCL computes vectors as such, and work-items one after another */
    bool is_cpu;        /* work-items' registers are memory in its cache */
    bool can_fetch;     /* compilers know how to ask for what will be read soon */
    bool has_double;
    bool miscompiles_groups;      /* its compiler gets kernels for groups wrong where it optimizes them */
    bool miscompiles_unoptimized; /* it gets kernels wrong where it does not optimize them */
    bool has_large_registers;     /* Intel's: twice the registers to a work-item where a program asks for it */
    bool has_svm;                 /* shared virtual memory, which this build can use */
    size_t compute_units;         /* at least 1 */
    size_t max_group_size;        /* work-items */
    size_t cache_size;            /* bytes of cache that are of use to it; 0 if there is none or it is not known */
    size_t register_size;         /* bytes of registers to a unit, at least */
    size_t address_limit;         /* bytes that can be addressed */
};

#endif
