/* The engine, as plans see it. */
#ifndef CLBN_ENGINE_H
#define CLBN_ENGINE_H

#include "plan/device.h"
#include "program/program.h"

cl_context bn_engine_context(clbn_engine engine);
cl_device_id bn_engine_device(clbn_engine engine);
cl_uint bn_engine_flags(clbn_engine engine);
clbn_geometry bn_engine_geometry(clbn_engine engine);
const struct device_facts *bn_engine_facts(clbn_engine engine);

/* The engine's program of a variant, built if it is the first time. It lives as long as the engine. NULL and *status on
 * failure. */
struct program *bn_engine_program(clbn_engine engine, const struct variant *variant, cl_int *status);

#endif
