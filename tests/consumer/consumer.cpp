// SPDX-License-Identifier: MIT
// The C++ consumer: the same source, compiled as C++.
#include "consumer.c"
