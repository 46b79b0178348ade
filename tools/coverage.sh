#!/bin/sh
# Which lines and branches of host/ the tests run: builds with gcc's --coverage into build-coverage/, runs the suites (all, or those that
# a regular expression for ctest names), and prints a table and the lines that none has run.
set -eu
# SPDX-License-Identifier: MIT

case ${1:-} in
-h | --help)
    echo 'Usage: coverage.sh [SUITES]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    echo 'Environment: BUILD, the folder for the build (default build-coverage), which adds up what is run in it; JOBS (default: cores).'
    exit 0
    ;;
-*)
    echo "coverage.sh: there is no option $1; see --help" >&2
    exit 2
    ;;
esac

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
build=${BUILD:-$root/build-coverage}
jobs=${JOBS:-$(nproc)}

install_build_packages gcc check gcovr
cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DCLBN_BENCH_ONEDNN=OFF \
    -DCMAKE_C_FLAGS='--coverage -fprofile-update=atomic' >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }
cmake --build "$build" --parallel "$jobs" >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }

# The package's programs would have to link gcov, and the files that these make are no tests.
code=0
ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$jobs" -R "${1:-.}" -E '^(consumer|package|python|unload|abi)$' ||
    code=$?
gcovr --root "$root" --object-directory "$build" --filter "$root/host/" --exclude '.*kernel_sources.c' --print-summary --sort-uncovered "$build/host"
exit $code
