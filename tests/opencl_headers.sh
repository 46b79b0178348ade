# SPDX-License-Identifier: MIT
# Khronos' headers, for other machines' compilers. To be sourced by a POSIX shell.
# shellcheck shell=sh

# copy_opencl_headers FOLDER: this machine's, into FOLDER/CL.
copy_opencl_headers() {
    mkdir -p "$1" || return 1
    found=$(echo '#include <CL/cl.h>' | "${CC:-cc}" -DCL_TARGET_OPENCL_VERSION=300 -E -M -x c - | tr ' ' '\n' | grep 'CL/cl[.]h$')
    cp -r "$(dirname "$found")" "$1/"
}

# list_opencl_functions FOLDER: the names of all that its headers declare.
list_opencl_functions() {
    grep -oE '\bcl[A-Z][A-Za-z]+\(' "$1/CL/cl.h" | tr -d '(' | sort -u
}
