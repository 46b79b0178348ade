/* Pure: what has to be known of devices beyond what OpenCL tells of them. */
#ifndef CLBN_QUIRKS_H
#define CLBN_QUIRKS_H

#include "plan/device.h"

/* What a device says of itself. No number of a vendor: PoCL gives every x86 CPU Intel's. */
struct device_identity {
    cl_device_type type;
    const char *vendor, *name;
};

/* Corrects the facts that OpenCL has told, and adds those that it does not tell. */
void bn_apply_quirks(const struct device_identity *identity, struct device_facts *facts);

#endif
