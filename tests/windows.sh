#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library for Windows, and runs suites by Wine on this machine's OpenCL. See --help.
set -eu

usage() {
    cat <<'TEXT'
Usage: windows.sh [--install] [--build FOLDER] [SUITE...]

Builds library and suites with MinGW-w64 and -Werror, checks what the DLL exports and needs, and, where Wine is, runs by it the disk cache's
test and suites (default: structs, core_*, exact and edge_cases). Wine passes OpenCL on to this machine's.

Options:
  --install        install Debian's MinGW-w64 and Wine first
  --build FOLDER   where to build (default build-windows)
  --help           print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
# shellcheck source=tests/opencl_headers.sh
. "$root/tests/opencl_headers.sh"
build=$root/build-windows suites='structs core_.* exact edge_cases' named=''
while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --install) install_missing gcc-mingw-w64-x86-64 wine64 ;;
    --build)
        [ $# -gt 1 ] || { echo "windows.sh: option --build needs a value" >&2 && exit 2; }
        mkdir -p "$2"
        build=$(CDPATH='' cd -- "$2" && pwd)
        shift
        ;;
    -*)
        echo "windows.sh: there is no option $1; see --help" >&2
        exit 2
        ;;
    *) named="$named $1" ;;
    esac
    shift
done
suites=${named:-$suites}
triple=x86_64-w64-mingw32
command -v $triple-gcc >/dev/null || { echo "windows.sh: $triple-gcc is not here: see --install" >&2 && exit 2; }
wine=$(command -v wine64 || command -v /usr/lib/wine/wine64 || true)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# quietly COMMAND...: what it says is shown if it fails.
quietly() {
    "$@" >"$build/log" 2>&1 || fail "$*: $(tail -n 40 "$build/log")"
}

# Khronos' headers, and what links a program with OpenCL.dll.
copy_opencl_headers "$build/opencl/include"
{
    printf 'LIBRARY OpenCL.dll\nEXPORTS\n'
    list_opencl_functions "$build/opencl/include"
} >"$build/opencl/OpenCL.def"
$triple-dlltool -d "$build/opencl/OpenCL.def" -l "$build/opencl/libOpenCL.a"

echo "-- build"
quietly cmake -S "$root" -B "$build" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_C_COMPILER=$triple-gcc \
    -DCMAKE_CXX_COMPILER=NOTFOUND \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$wine" -DCMAKE_FIND_ROOT_PATH=/usr/$triple -DCLBN_WERROR=ON -DCLBN_TEST_STAND_IN=ON \
    -DCLBN_MPI=OFF -DOpenCL_INCLUDE_DIR="$build/opencl/include" -DOpenCL_LIBRARY="$build/opencl/libOpenCL.a"
quietly cmake --build "$build" --parallel "$(nproc)" --target clbn

echo "-- the DLL exports clbn's functions alone, and needs nothing that Windows or a GPU's driver does not bring"
$triple-objdump -p "$build/host/libclbn.dll" >"$build/dll"
exported=$(sed -n '/Ordinal.Name Pointer/,/^$/ s/^\t\[.*\] //p' "$build/dll")
declared=$(grep -oE '^CLBN_API .*\bclbn[A-Z][A-Za-z]*\(' "$root/include/clbn.h" | grep -oE 'clbn[A-Z][A-Za-z]*\(' | tr -d '(' | sort)
[ "$(echo "$exported" | sort)" = "$declared" ] || fail "exported: $exported"
needed=$(sed -n 's/^.DLL Name: //p' "$build/dll" | grep -vixE 'OpenCL.dll|(kernel32|advapi32|msvcrt).dll') && fail "needed: $needed"

if [ -z "$wine" ]; then
    echo "all ok, but nothing was run: there is no Wine"
    exit 0
fi
export WINEPREFIX="$build/wine" WINEDEBUG=-all
WINEPATH="Z:$(echo "$build/host" | tr / \\\\)"
export WINEPATH

echo "-- the disk cache's files"
cd "$build"
$triple-gcc -std=c99 -Wall -Wextra -Werror -D__USE_MINGW_ANSI_STDIO=1 -DC99_PRINTF=gnu_printf -I "$root/host" -I "$root/include" -I opencl/include \
    "$root/tests/windows/cache.c" "$root/host/program/cache_folder.c" "$root/host/program/disk_cache.c" "$root/host/base/hash.c" -o cache.exe
rm -rf cache && mkdir cache
quietly "$wine" cache.exe "Z:$(echo "$build/cache" | tr / \\\\)"

echo "-- suites"
# The names are split on purpose. core_tuning starts processes by fork().
# shellcheck disable=SC2086
pattern="^($(echo $suites | tr ' ' '|'))\$"
tests=$(ctest -N -R "$pattern" -E '^core_tuning$' | sed -n 's/^ *Test *#[0-9]*: /test_/p')
# shellcheck disable=SC2086
quietly cmake --build . --parallel "$(nproc)" --target $tests
ctest --output-on-failure --no-tests=error --parallel "$(nproc)" -R "$pattern" -E '^core_tuning$'
