#!/bin/sh
# Static analysis of host/ and tools/, which is to find nothing: gcc -fanalyzer, clang-tidy by .clang-tidy, and cppcheck. Exceptions
# stand in .clang-tidy, or beside what they are for, with their reasons.
set -eu
# SPDX-License-Identifier: MIT

case ${1:-} in
-h | --help)
    echo 'Usage: lint.sh [FOLDER_FOR_BUILD]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
    ;;
-*)
    echo "lint.sh: there is no option $1; see --help" >&2
    exit 2
    ;;
esac

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
build=${1:-$root/build-lint}
jobs=$(nproc)

install_build_packages gcc clang-tidy cppcheck
cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS='-fanalyzer -DCLBN_ANALYZED -Wno-unused-value' \
    -DCLBN_WERROR=ON -DCLBN_BENCH_ONEDNN=OFF -DBUILD_TESTING=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$build.log" 2>&1 ||
    { cat "$build.log" && exit 1; }

echo "== gcc -fanalyzer"
cmake --build "$build" --parallel "$jobs"

echo "== clang-tidy"
sed -i 's/-fanalyzer//' "$build/compile_commands.json"
files=$(sed -n 's/.*"file": "\(.*\)".*/\1/p' "$build/compile_commands.json" | grep -E "^$root/(host|tools)/" | sort -u)
# The names are split on purpose: a checkout whose path has blanks is not for this script.
# shellcheck disable=SC2086
printf '%s\n' $files | xargs -n 1 -P "$jobs" clang-tidy -p "$build" --quiet

echo "== cppcheck"
cppcheck --project="$build/compile_commands.json" --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --quiet -j "$jobs" --suppress=missingIncludeSystem

echo "== nothing found in $(printf '%s\n' "$files" | wc -l) files"
