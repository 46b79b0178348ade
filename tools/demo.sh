#!/bin/sh
# Shows what batch normalization does: installs what is missing, builds clbn into build/, and trains a classifier of
# images without and with it. Needs Debian 12 or 13, or Ubuntu 24.04, and takes some two minutes on two cores.
# What else is given goes to 'clbn train'.
set -eu
# SPDX-License-Identifier: MIT

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    echo 'Usage: demo.sh [OPTION OF clbn train...]'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
fi

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"

install_build_packages gnuplot-nox dataset-fashion-mnist

cmake -S "$root" -B "$root/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
cmake --build "$root/build" --parallel "$(nproc)"

echo
"$root/build/clbn" train --compare --plot "$root/build/clbn-train.svg" "$@"
