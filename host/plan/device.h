/* SPDX-License-Identifier: MIT */
/* Asks a device for its facts. */
#ifndef CLBN_DEVICE_H
#define CLBN_DEVICE_H

#include "clbn.h"
#include "schedule/device_facts.h"

cl_int bn_query_device(cl_device_id device, struct device_facts *facts);

#endif
