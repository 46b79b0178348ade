#!/bin/sh
# Installs what is missing, builds clbn with its tests into build-test/, and runs them. Ends with ctest's summary.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"

install_build_packages g++ check python3

cmake -S "$root" -B "$root/build-test" -DCLBN_WERROR=ON
cmake --build "$root/build-test" --parallel "$(nproc)"

cd "$root/build-test"
exec ctest --no-tests=error --output-on-failure --parallel "$(nproc)"
