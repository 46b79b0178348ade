/* Pure: what has to be known of devices beyond what OpenCL tells of them. */
#ifndef CLBN_QUIRKS_H
#define CLBN_QUIRKS_H

#include "plan/device.h"

/* How a device is known. */
struct device_identity {
    cl_device_type type;
    cl_uint vendor; /* its number among PCI's */
    const char *name;
};

/* Corrects the facts that OpenCL has told, and adds those that it does not tell. */
void bn_apply_quirks(const struct device_identity *identity, struct device_facts *facts);

#endif
