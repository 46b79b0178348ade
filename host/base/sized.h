/* SPDX-License-Identifier: MIT */
/* Structs with a struct_size: their defaults, and how those of callers that know fewer or more members are read. */
#ifndef CLBN_SIZED_H
#define CLBN_SIZED_H

#include "clbn.h"

/* A caller's struct as this library knows it: members that the caller does not have take their defaults. taken: of the struct's
 * type. Members that this library does not have must be 0. */
cl_int bn_take_struct(clbn_struct which, const void *given, void *taken);

/* Gives a caller what it knows of a struct, whose size is checked, and leaves its struct_size. */
void bn_give_struct(clbn_struct which, const void *filled, void *given);

#endif
