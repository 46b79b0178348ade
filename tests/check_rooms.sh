#!/bin/sh
# SPDX-License-Identifier: MIT
# check_rooms.sh SOURCE: includes between the rooms of host/ and tools/clbn/ go one way down, and no room is left out.
set -eu
source=$1
failed=0

# check FOLDER ROOM...: rooms from the top down; a file may include its own room's and lower ones' headers.
check() {
    folder=$1
    shift
    for found in "$source/$folder"/*/; do
        case " $* " in
        *" $(basename "$found") "*) ;;
        *) echo "$found is a room that this test does not know" && failed=1 ;;
        esac
    done
    above=
    for room in "$@"; do
        for upper in $above; do
            if grep -n "#include \"$upper/" "$source/$folder/$room"/*.[ch]; then
                echo "$folder/$room includes from $upper/, which is above it"
                failed=1
            fi
        done
        above="$above $room"
    done
}

check host mpi api enqueue plan program schedule base
check tools/clbn verify train bench io system

# clbn_mpi is a library of its own: it has clbn's public functions alone.
if grep -n '#include "' "$source"/host/mpi/*.[ch] | grep -vE '#include "(mpi/[a-z_]+|clbn|clbn_mpi)\.h"'; then
    echo "host/mpi includes what is inside another library"
    failed=1
fi

# The pure core: no OpenCL call.
if grep -nE '\bcl(Get|Create|Enqueue|Release|Retain|Build|Set|Wait|Flush|Finish)[A-Za-z]*\(' "$source"/host/schedule/*.[ch]; then
    echo "host/schedule is pure, but calls OpenCL"
    failed=1
fi
[ "$failed" -eq 0 ] && echo "all includes go down"
exit "$failed"
