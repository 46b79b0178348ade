#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library and the command for machines of 32 bits and of the other byte order, and runs there what needs no device. See --help.
set -u

usage() {
    cat <<'TEXT'
Usage: cross.sh [--install] [--build FOLDER]

For each of i686 (32 bits), s390x (64 bits, big-endian) and powerpc (32 bits, big-endian) whose compiler is there: builds library, command and
suites with -Werror, and runs the suites and fuzz targets that need no device, against an OpenCL that has all functions and does
nothing; of another architecture by qemu. Prints a table; exit code 1 where anything failed, or nothing was there.

Options:
  --install        install Debian's cross compilers and qemu first
  --build FOLDER   where to build (default build-cross)
  --help           print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
# shellcheck source=tests/opencl_headers.sh
. "$root/tests/opencl_headers.sh"
build=$root/build-cross installs=false
while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --install) installs=true ;;
    --build)
        [ $# -gt 1 ] || { echo "cross.sh: option --build needs a value" >&2 && exit 2; }
        build=$2
        shift
        ;;
    *)
        echo "cross.sh: there is no option $1; see --help" >&2
        exit 2
        ;;
    esac
    shift
done
if $installs; then
    install_missing qemu-user-static gcc-i686-linux-gnu libc6-dev-i386-cross libc6-i386 gcc-s390x-linux-gnu libc6-dev-s390x-cross \
        gcc-powerpc-linux-gnu libc6-dev-powerpc-cross || exit 1
fi

# Not those that wrap functions of files, which have other names with 32 bits.
suites='core_.*|scalar|npy|npy_hostile|json|output_file|progress|cache_folder|disk_cache|cache_sharing|program_key|kinds'
suites="^($suites|fuzz_npy|fuzz_options|fuzz_cache|fuzz_tuning)\$"

# Signals and processes of several threads that fork are more than qemu can do.
not_by_qemu='^(output_file|cache_folder|cache_sharing|core_tuning)$'

# make_opencl COMPILER FOLDER: headers, and a library of all their functions, none of which is called.
make_opencl() {
    copy_opencl_headers "$2/include" || return 1
    list_opencl_functions "$2/include" |
        sed 's/.*/int &(void); int &(void) { return -1; }/' >"$2/opencl.c"
    "$1" -shared -fPIC -Wl,-soname,libOpenCL.so -o "$2/libOpenCL.so" "$2/opencl.c"
}

# run_for TRIPLE [QEMU]: one row of the table. Without qemu this machine runs it itself.
run_for() {
    set -- "$1" "${2:+$2;-L;/usr/$1}"
    left_out=${2:+$not_by_qemu}
    folder=$build/$1
    mkdir -p "$folder" || return 1
    make_opencl "$1-gcc" "$folder/opencl" || return 1
    cmake -S "$root" -B "$folder" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="${1%%-*}" -DCMAKE_C_COMPILER="$1-gcc" \
        -DCMAKE_CROSSCOMPILING_EMULATOR="$2" -DCMAKE_FIND_ROOT_PATH="/usr/$1" -DCLBN_WERROR=ON -DCLBN_TEST_STAND_IN=ON \
        -DCLBN_BENCH_ONEDNN=OFF -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON -DOpenCL_INCLUDE_DIR="$folder/opencl/include" \
        -DOpenCL_LIBRARY="$folder/opencl/libOpenCL.so" >"$folder/log" 2>&1 &&
        cmake --build "$folder" --parallel "$(nproc)" --target clbn clbn_tool >>"$folder/log" 2>&1 || return 1
    tests=$(ctest --test-dir "$folder" -N -R "$suites" -E "${left_out:-^$}" | sed -n 's/^ *Test *#[0-9]*: //p' | sed 's/^fuzz_/-&/; s/^[^-]/test_&/; s/^-//')
    # The names are split on purpose.
    # shellcheck disable=SC2086
    cmake --build "$folder" --parallel "$(nproc)" --target $tests >>"$folder/log" 2>&1 || return 1
    CLBN_CACHE_DIR='' ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "$(nproc)" -R "$suites" \
        -E "${left_out:-^$}" >>"$folder/log" 2>&1
}

# is_run QEMU: whether programs can be run.
is_run() {
    if [ -n "$1" ]; then
        command -v "$1" >/dev/null
    else
        [ -e /lib/ld-linux.so.2 ]
    fi
}

failed=0 done=0
for machine in 'i686-linux-gnu:' 's390x-linux-gnu:qemu-s390x-static' 'powerpc-linux-gnu:qemu-ppc-static'; do
    triple=${machine%:*} qemu=${machine#*:}
    if ! command -v "$triple-gcc" >/dev/null || ! is_run "$qemu"; then
        printf '%-20s not here\n' "$triple"
        continue
    fi
    done=1
    if run_for "$triple" "$qemu"; then
        printf '%-20s passed  %s\n' "$triple" "$(grep -oE 'out of [0-9]+' "$build/$triple/log" | tail -n 1 | sed 's/out of //') suites"
    else
        failed=1
        printf '%-20s FAILED  see %s\n' "$triple" "$build/$triple/log"
        tail -n 20 "$build/$triple/log"
    fi
done
[ "$done" -eq 1 ] || echo "no cross compiler is here: see --install"
[ "$failed" -eq 0 ] && [ "$done" -eq 1 ]
