#!/bin/sh
# Installs what is missing, builds clbn with its tests into build-test/, and runs them. Ends with ctest's summary.
# With --all-platforms: the suites of what a device computes on each OpenCL that is there instead, with a table; tests/platforms.sh
# --install fetches rusticl, Oclgrind and Intel's.
# The tests run the kinds of programs in which every pair of properties occurs, with --full a product of them: tests/kinds.c.
set -eu
# SPDX-License-Identifier: MIT

all_platforms=false
case ${1:-} in
-h | --help)
    echo 'Usage: test.sh [--full | --all-platforms]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
    ;;
--full)
    export CLBN_TEST_FULL=1
    ;;
--all-platforms)
    all_platforms=true
    unset CLBN_TEST_FULL
    ;;
?*)
    echo "test.sh: it takes --full or --all-platforms alone, but was given $1" >&2
    exit 2
    ;;
*)
    unset CLBN_TEST_FULL
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"

install_build_packages g++ opencl-clhpp-headers dpkg-dev file check python3 python3-pyopencl python3-pytest libopenmpi-dev openmpi-bin

cmake -S "$root" -B "$root/build-test" -DCLBN_WERROR=ON -DCLBN_PYTHON=ON
cmake --build "$root/build-test" --parallel "$(nproc)"

if $all_platforms; then
    exec "$root/tests/platforms.sh" --all --build "$root/build-test"
fi
cd "$root/build-test"
exec ctest --no-tests=error --output-on-failure --parallel "$(nproc)"
