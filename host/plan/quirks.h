/* SPDX-License-Identifier: MIT */
/* Pure: facts of devices that OpenCL does not tell, or tells wrong. */
#ifndef CLBN_QUIRKS_H
#define CLBN_QUIRKS_H

#include "plan/device.h"

/* What a device says of itself. The vendor's number is not used: PoCL gives every x86 CPU Intel's. */
struct device_identity {
    cl_device_type type;
    const char *vendor, *name;
    const char *version, *driver; /* CL_DEVICE_VERSION, which names the implementation, and CL_DRIVER_VERSION */
};

/* Corrects the facts that OpenCL told, and adds those that it does not tell. */
void bn_apply_quirks(const struct device_identity *identity, struct device_facts *facts);

#endif
