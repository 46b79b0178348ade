#!/bin/sh
# Builds everything under AddressSanitizer with UndefinedBehaviorSanitizer and runs all tests, then under ThreadSanitizer, with the
# tests that have several threads: sanitize.sh [FOLDER_FOR_BUILDS]. CC chooses the compiler. Ends with what has passed, what has
# failed, and what could not be run.
set -u
# SPDX-License-Identifier: MIT

case ${1:-} in
-h | --help)
    echo 'Usage: sanitize.sh [FOLDER_FOR_BUILDS]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
    ;;
-*)
    echo "sanitize.sh: there is no option $1; see --help" >&2
    exit 2
    ;;
esac

source=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
builds=${1:-$source/build-sanitize}
jobs=$(nproc 2>/dev/null || echo 2)
: "${CC:=cc}"
report=''
status=0

say() {
    echo "== $*"
}

note() {
    report="$report$1
"
}

fail() {
    note "FAILED: $1"
    status=1
}

# Loading an implementation of OpenCL runs its code, whether or not its devices are used; that of Mesa leaks.
choose_implementation() {
    if [ -z "${OCL_ICD_VENDORS:-}" ] && [ -f /etc/OpenCL/vendors/pocl.icd ]; then
        OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd
        export OCL_ICD_VENDORS
        note "PoCL alone was loaded; set OCL_ICD_VENDORS for another implementation."
    fi
}

# Whether the compiler has a sanitizer, and its runtime starts on this machine. Sets $launch to what it must be started with.
sanitizer_works() {
    echo 'int main(void) { return 0; }' >"$builds/probe.c"
    launch=''
    if ! $CC "-fsanitize=$1" "$builds/probe.c" -o "$builds/probe" 2>"$builds/probe.log"; then
        note "NOT RUN: $1: $CC cannot link it: $(head -n 1 "$builds/probe.log")"
        return 1
    fi
    "$builds/probe" >"$builds/probe.log" 2>&1 && return 0
    # Older runtimes do not cope with the kernel's address space randomisation.
    launch='setarch -R'
    $launch "$builds/probe" >/dev/null 2>&1 && return 0
    note "NOT RUN: $1: its runtime does not start here: $(head -n 1 "$builds/probe.log")"
    return 1
}

build() {
    cmake -S "$source" -B "$2" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCLBN_SANITIZE=$1" \
        >"$2.log" 2>&1 && cmake --build "$2" --parallel "$jobs" >>"$2.log" 2>&1
}

# run SANITIZERS FOLDER TESTS: a regular expression of ctest's.
run() {
    say "$1"
    sanitizer_works "$1" || return 0
    if ! build "$1" "$2"; then
        tail -n 30 "$2.log"
        fail "$1: the build, see $2.log"
        return 0
    fi
    # The words of $launch are a command and its options.
    # shellcheck disable=SC2086
    if $launch ctest --test-dir "$2" --output-on-failure --no-tests=error --timeout 7200 --parallel "$jobs" -R "$3"; then
        note "passed: $1"
    else
        fail "$1: tests, see above"
    fi
}

mkdir -p "$builds" || exit 1
choose_implementation
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="suppressions=$source/tests/lsan.supp:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
export TSAN_OPTIONS="second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

run address,undefined "$builds/address" .
run thread "$builds/thread" '^(threads|events|lifetime|kernel_objects|program_cache|cache_sharing|tuning)$'
note "NOT RUN: the test of the installed package: its consumers would have to link the sanitizer too."
note "NOT SEEN: what kernels do, and races inside the OpenCL implementation: neither is compiled with a sanitizer. Nor is the
tests' reference with ThreadSanitizer: it has one thread."

say "summary"
printf '%s' "$report"
exit $status
