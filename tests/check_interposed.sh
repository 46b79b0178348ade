#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether a test that interposes does: check_interposed.sh LIBRARY EXECUTABLE
#
# Every OpenCL function that the library calls must be defined in the executable, or it would be neither counted nor made to fail;
# and the library's allocations must come through the executable.
set -eu

if [ $# -ne 2 ]; then
    echo 'usage: check_interposed.sh LIBRARY EXECUTABLE' >&2
    exit 2
fi
# What looks up an extension's functions is interposed by test_command_buffers, which alone needs it.
called=$(nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $NF); print $NF }' | grep -vx clGetExtensionFunctionAddressForPlatform)
exported=$(nm -D --defined-only "$2" | awk '{ print $NF }')
missing=''
# The library looks the last of OpenCL's functions up when it needs it.
for name in $(echo "$called" | grep -E '^cl[A-Z]') clSetKernelArgSVMPointer __wrap_malloc __wrap_calloc __wrap_free; do
    echo "$exported" | grep -qx "$name" || missing="$missing $name"
done
for name in malloc calloc realloc strdup; do
    ! echo "$called" | grep -qx "$name" || missing="$missing $name"
done
if [ -n "$missing" ]; then
    echo "not interposed:$missing"
    exit 1
fi
if ! readelf -d "$2" | grep -q 'NEEDED.*libclbn_for_tests\.so' || readelf -d "$2" | grep -q 'NEEDED.*libclbn\.so'; then
    echo "not linked with libclbn_for_tests alone"
    exit 1
fi
echo "$(echo "$called" | grep -cE '^cl[A-Z]') OpenCL functions are interposed"
