#!/bin/sh
# Fuzzes with clang's libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer: each target of tests/fuzz/ for so many minutes, on
# the stored corpus and on what earlier runs found. Prints how many inputs were tried, and keeps those that fail.
set -eu
# SPDX-License-Identifier: MIT

usage() {
    echo 'Usage: fuzz.sh MINUTES [TARGET...]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    echo 'Environment: BUILD, the folder for the build and for what is found (default build-fuzz); CC (default clang).'
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
'' | 0* | *[!0-9]*)
    echo "fuzz.sh: it takes a number of minutes first, but was given '${1:-}'; see --help" >&2
    exit 2
    ;;
esac
minutes=$1
shift

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
build=${BUILD:-$root/build-fuzz}
install_build_packages clang check
cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER="${CC:-clang}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCLBN_BENCH_ONEDNN=OFF \
    -DCLBN_SANITIZE=fuzzer-no-link,address,undefined >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }
[ $# -gt 0 ] || set -- npy npz idx cache tuning options plans
targets=
for target in "$@"; do
    targets="$targets fuzz_$target"
done
# The names are split on purpose.
# shellcheck disable=SC2086
cmake --build "$build" --parallel "$(nproc)" --target $targets >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }

# What plans compile is kept from one run to the next.
asan=${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
export CLBN_CACHE_DIR="$build/cache"
status=0
for target in "$@"; do
    found=$build/found/$target
    mkdir -p "$found"
    code=0
    leaks=1
    [ "$target" != plans ] || leaks=0 # its driver's compiler leaks; of the library test_failures counts every object
    ASAN_OPTIONS="detect_leaks=$leaks:allocator_may_return_null=1$asan" "$build/tests/fuzz/fuzz_$target" -detect_leaks=$leaks -max_total_time=$((minutes * 60)) -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$build/found/$target-" -close_fd_mask=1 "$found" "$root/tests/fuzz/corpus/$target" \
        >"$build/found/$target.log" 2>&1 || code=$?
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$target.log")
    [ "$code" -eq 0 ] || status=1
    printf '%-10s %12s inputs  %s\n' "$target" "${tried:-?}" "$([ "$code" -eq 0 ] && echo 'nothing found' || echo "FAILED: $build/found/$target.log")"
done
exit $status
