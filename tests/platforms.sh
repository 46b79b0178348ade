#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs suites on each OpenCL implementation that is there, and prints a table. See --help.
set -u

usage() {
    cat <<'TEXT'
Usage: platforms.sh [options] [SUITE...]

Runs suites (default: kernels exact golden edge_cases) on PoCL, Mesa's rusticl, Oclgrind with its detection of data races, and Intel's
runtime for CPUs, as far as each is there, with its driver alone, and prints a table: passed, failed, stopped, data races, seconds, after
the faults that need no clbn to be seen (platform_faults.c). The suites are those that tools/test.sh builds. Exit code 1 where anything
failed. Oclgrind computes item by item: unless suites are named, it is given the one alone that has each kernel on small tensors.

Options:
  --limited          on PoCL alone, group geometry, with the limits of smaller devices: 16, 64, 128 and 1024 work-items to a group, 16 KiB of
                     local memory, no float64 (limited_device.c)
  --all              the suites of what a device computes (ctest's label accuracy)
  --install          fetch rusticl and Oclgrind from Debian and Intel's runtime from PyPI into the folder of --folder, and end; they are
                     unpacked, not installed, so that nothing else on the machine meets them
  --folder FOLDER    where they are (default ~/.cache/clbn-platforms)
  --build FOLDER     CMake's folder (default build-test)
  --seconds SECONDS  for a suite (default 600)
  --only NAME        PoCL, rusticl, Oclgrind or Intel alone
  --help             print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
folder=${XDG_CACHE_HOME:-$HOME/.cache}/clbn-platforms build=$root/build-test seconds=600 only='' installs=false all=false limited=false suites=

while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --install) installs=true ;;
    --all) all=true ;;
    --limited) limited=true ;;
    --folder | --build | --seconds | --only)
        [ $# -gt 1 ] || { echo "platforms.sh: option $1 needs a value" >&2 && exit 2; }
        case $1 in
        --folder) folder=$2 ;;
        --build) build=$2 ;;
        --seconds) seconds=$2 ;;
        --only) only=$2 ;;
        esac
        shift
        ;;
    -*)
        echo "platforms.sh: there is no option $1; see --help" >&2
        exit 2
        ;;
    *) suites="$suites $1" ;;
    esac
    shift
done
oclgrind_suites=${suites:-kernels}
if $all; then
    suites=$(ctest --test-dir "$build" -N -L '^accuracy$' | sed -n 's/^ *Test *#[0-9]*: //p' | tr '\n' ' ')
fi
suites=${suites:-kernels exact golden edge_cases}

install_all() {
    # What the unpacked packages need of others.
    install_missing libclang-cpp15 libclc-15 libllvm15 libllvm14 libclang-common-14-dev libreadline8 libdrm2 libdrm-amdgpu1 libdrm-nouveau2 \
        libdrm-radeon1 libelf1 libsensors5 python3-venv || return 1
    mkdir -p "$folder/packages" || return 1
    (cd "$folder/packages" && apt-get --quiet --quiet download mesa-opencl-icd libllvmspirvlib15 oclgrind liboclgrind-21.10) || return 1
    for package in "$folder"/packages/*.deb; do
        dpkg-deb --extract "$package" "$folder" || return 1
    done
    rm -rf "$folder/packages"
    python3 -m venv "$folder/venv" && "$folder/venv/bin/python" -m pip install --quiet intel-opencl-rt
}

# find_driver FILE...: the first that is there.
find_driver() {
    for file in "$@"; do
        if [ -e "$file" ]; then
            echo "$file"
            return
        fi
    done
}

# run_on NAME DEVICE FILE: the suites, with this driver alone.
run_on() {
    [ "${only:-$1}" = "$1" ] || return
    if [ -z "$3" ]; then
        printf '%-10s not here\n' "$1"
        return
    fi
    echo "$3" >"$work/vendors/driver.icd"
    $limited || [ ! -x "$build/tests/platform_faults" ] || "$build/tests/platform_faults" 2>&1 | sed "s/^/$1: /"
    for suite in $suites; do
        begun=$(date +%s) code=0
        CLBN_TEST_DEVICE=$2 timeout -k 5 "$seconds" "$build/tests/test_$suite" >"$work/suite.log" 2>&1 || code=$?
        case $code in
        0) verdict=passed ;;
        124 | 137) verdict="stopped" ;;
        *) verdict="FAILED, exit code $code" ;;
        esac
        faults=$(grep -ciE 'data race|invalid (read|write)|out of bounds' "$work/suite.log")
        [ "$code" -eq 0 ] && [ "$faults" -eq 0 ] || failed=1
        printf '%-10s %-22s %-24s %6d faults %6d s\n' "$1" "$suite" "$verdict" "$faults" $(($(date +%s) - begun))
        [ "$code" -eq 0 ] || tail -n 4 "$work/suite.log" | cut -c 1-200 | sed 's/^/    /'
    done
}

if $installs; then
    install_all
    exit
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/vendors"
export OCL_ICD_VENDORS="$work/vendors" CLBN_CACHE_DIR=
libraries=/usr/lib/$(uname -m)-linux-gnu
failed=0
pocl=$(find_driver "$libraries"/libpocl.so.2*)
if $limited; then
    export LD_PRELOAD="$build/tests/liblimited_device.so" CLBN_TEST_GEOMETRY=group
    for group in 16 64 128 1024; do
        LIMITED_GROUP=$group LIMITED_LOCAL=16384 run_on "PoCL $group" Portable "$pocl"
    done
    LIMITED_DOUBLE=0 run_on "PoCL no64" Portable "$pocl"
    exit $failed
fi
run_on PoCL Portable "$pocl"
LD_LIBRARY_PATH=$folder$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
RUSTICL_ENABLE=llvmpipe run_on rusticl llvmpipe "$(find_driver "$folder$libraries/libRusticlOpenCL.so.1" "$libraries/libRusticlOpenCL.so.1")"
run_on Intel Intel "$(find_driver "$folder"/venv/lib/libintelocl.so "$folder"/venv/lib/python3*/site-packages/lib/libintelocl.so)"
suites=$oclgrind_suites
# Inlined functions that return structs have an intrinsic that it does not know.
OCLGRIND_DATA_RACES=1 OCLGRIND_BUILD_OPTIONS=-fno-inline run_on Oclgrind Oclgrind \
    "$(find_driver "$folder/usr/lib/oclgrind/liboclgrind-rt-icd.so" /usr/lib/oclgrind/liboclgrind-rt-icd.so)"
exit $failed
