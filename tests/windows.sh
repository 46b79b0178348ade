#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds library and command for Windows, and runs command and suites by Wine on this machine's OpenCL. See --help.
set -eu

usage() {
    cat <<'TEXT'
Usage: windows.sh [--install] [--build FOLDER] [SUITE...]

Builds library, command and suites with MinGW-w64 and -Werror, checks what the DLL exports, and what it and clbn.exe need, and,
where Wine is, runs by it the disk cache's test, the command's, and suites (default: structs, core_*, scalar, bench*, network,
exact and edge_cases). Wine passes OpenCL on to this machine's.

Options:
  --install        install Debian's MinGW-w64, with zlib, and Wine first
  --build FOLDER   where to build (default build-windows)
  --help           print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
# shellcheck source=tests/opencl_headers.sh
. "$root/tests/opencl_headers.sh"
build=$root/build-windows suites='structs core_.* scalar bench bench_floor bench_mask network exact edge_cases' named=''
while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --install) install_missing gcc-mingw-w64-x86-64 libz-mingw-w64-dev wine64 ;;
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
library=/usr/$triple/lib/libz.a
zlib=-DZLIB_LIBRARY=$library
if [ ! -f "$library" ]; then
    zlib=-DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON
    echo "there is no zlib for Windows: the command is built without, and its files are not tested"
fi
quietly cmake -S "$root" -B "$build" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_C_COMPILER=$triple-gcc \
    -DCMAKE_CXX_COMPILER=NOTFOUND \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$wine" -DCMAKE_FIND_ROOT_PATH=/usr/$triple -DCLBN_WERROR=ON -DCLBN_TEST_STAND_IN=ON \
    -DCLBN_MPI=OFF -DCLBN_BENCH_ONEDNN=OFF "$zlib" -DOpenCL_INCLUDE_DIR="$build/opencl/include" -DOpenCL_LIBRARY="$build/opencl/libOpenCL.a"
quietly cmake --build "$build" --parallel "$(nproc)" --target clbn clbn_tool

# list_needed FILE: the DLLs that it needs beside those which Windows or a GPU's driver brings.
list_needed() {
    $triple-objdump -p "$1" | sed -n 's/^.DLL Name: //p' | grep -vixE 'OpenCL.dll|(kernel32|advapi32|msvcrt).dll' || true
}

echo "-- the DLL exports clbn's functions alone, and needs nothing that Windows or a GPU's driver does not bring; clbn.exe needs the DLL"
$triple-objdump -p "$build/host/libclbn.dll" >"$build/dll"
exported=$(sed -n '/Ordinal.Name Pointer/,/^$/ s/^\t\[.*\] //p' "$build/dll")
declared=$(grep -oE '^CLBN_API .*\bclbn[A-Z][A-Za-z]*\(' "$root/include/clbn.h" | grep -oE 'clbn[A-Z][A-Za-z]*\(' | tr -d '(' | sort)
[ "$(echo "$exported" | sort)" = "$declared" ] || fail "exported: $exported"
needed=$(list_needed "$build/host/libclbn.dll")
[ -z "$needed" ] || fail "needed: $needed"
needed=$(list_needed "$build/clbn.exe")
[ "$needed" = libclbn.dll ] || fail "needed by clbn.exe: $needed"

if [ -z "$wine" ]; then
    echo "all ok, but nothing was run: there is no Wine"
    exit 0
fi
export WINEPREFIX="$build/wine" WINEDEBUG=-all
WINEPATH="$(echo "Z:$build/host;Z:$build" | tr / \\\\)" # libclbn.dll, and what stands in for gnuplot
export WINEPATH

# Wine's server else ends with the last of its programs, and now and then refuses one that comes just then.
server=$(command -v wineserver64 || command -v /usr/lib/wine/wineserver64 || command -v wineserver || true)
if [ -n "$server" ]; then
    mkdir -p "$WINEPREFIX"
    "$server" -k || true # one of an earlier run
    "$server" -p
    trap '"$server" -k || true' EXIT
    trap 'exit 1' HUP INT TERM
fi

# compile NAME SOURCE...: tests/windows/NAME.c and what it is linked with, to NAME.exe.
compile() {
    name=$1
    shift
    $triple-gcc -std=c99 -Wall -Wextra -Werror -D__USE_MINGW_ANSI_STDIO=1 -DC99_PRINTF=gnu_printf -D_FILE_OFFSET_BITS=64 \
        -DCL_TARGET_OPENCL_VERSION=120 -I "$root/host" -I "$root/tools/clbn" -I "$root/include" -I opencl/include \
        "$root/tests/windows/$name.c" "$@" -o "$name.exe"
}

# by_wine NAME: makes NAME.sh, which runs NAME.exe.
by_wine() {
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wine" "$build/$1.exe" >"$1.sh"
    chmod +x "$1.sh"
}

echo "-- the disk cache's files"
cd "$build"
compile cache "$root/host/program/cache_folder.c" "$root/host/program/disk_cache.c" "$root/host/base/hash.c"
rm -rf cache && mkdir cache
quietly "$wine" cache.exe "Z:$(echo "$build/cache" | tr / \\\\)"

echo "-- the command"
system=$root/tools/clbn/system
compile child "$system/child_windows.c" "$system/windows_error.c"
quietly "$wine" child.exe
compile gnuplot
compile list_cache tools/libclbn_tool_core.a host/libclbn.dll.a opencl/libOpenCL.a
by_wine clbn
by_wine list_cache
export CLBN_TEST_WINE=1 CLBN_CACHE_DIR=
quietly "$root/tests/windows/tool.sh" "$build/clbn.sh" "$build/list_cache.sh"
tail -n 1 log
if [ -f "$library" ]; then
    quietly "$root/tests/tool/files.sh" "$build/clbn.sh"
    tail -n 1 log
fi

echo "-- suites"
# The names are split on purpose. core_tuning starts processes by fork().
# shellcheck disable=SC2086
pattern="^($(echo $suites | tr ' ' '|'))\$"
tests=$(ctest -N -R "$pattern" -E '^core_tuning$' | sed -n 's/^ *Test *#[0-9]*: /test_/p')
# shellcheck disable=SC2086
quietly cmake --build . --parallel "$(nproc)" --target $tests
ctest --output-on-failure --no-tests=error --parallel "$(nproc)" -R "$pattern" -E '^core_tuning$'
