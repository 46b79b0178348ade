#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh LIBRARY INCLUDE WORK RECORD [HEADER]: the symbols that the library exports and the bytes of each public struct are those recorded, so that
# programs that were compiled before still run. A new function or a longer struct is recorded by 'abi.sh --record' and the same; what was
# there may not go, shrink or move within a version of the soname.
set -eu
record=false
if [ "$1" = --record ]; then
    record=true
    shift
fi
library=$1 include=$2 work=$3 recorded=$4 header=${5:-clbn.h}
mkdir -p "$work"

# Where a member lies follows from the sizes of those before; the last one's place is the struct's size but for padding.
{
    printf '#include <%s>\n#include <stdio.h>\nint main(void)\n{\n' "$header"
    sed -n 's/^} \(clbn_[a-z_]*\);$/    printf("struct \1 %zu\\n", sizeof(\1));/p' "$include/$header"
    printf '    return 0;\n}\n'
} >"$work/sizes.c"
"${CC:-cc}" -DCL_TARGET_OPENCL_VERSION=120 -I"$include" "$work/sizes.c" -o "$work/sizes"
{
    "$work/sizes"
    nm -D --defined-only "$library" | awk '{ print "function", $NF }' | sort
} >"$work/abi.txt"

if $record; then
    cp "$work/abi.txt" "$recorded"
elif ! diff -u "$recorded" "$work/abi.txt"; then
    echo "The interface is another than recorded (-) in $recorded. Where that is meant: $0 --record $*" >&2
    exit 1
fi
echo "$(grep -c . "$work/abi.txt") functions and structs are as recorded"
