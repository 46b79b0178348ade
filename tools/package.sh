#!/bin/sh
# Builds Debian packages and the source archive into build-package/, and lists them. lintian, where it is, may find no error.
set -eu
# SPDX-License-Identifier: MIT
case ${1:-} in
-h | --help)
    echo 'Usage: package.sh'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
    ;;
?*)
    echo "package.sh: it takes nothing, but was given $1" >&2
    exit 2
    ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-package
cmake -S "$root" -B "$build" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_SKIP_INSTALL_RPATH=ON -DBUILD_TESTING=OFF -DCLBN_PYTHON=ON \
    -DCLBN_BENCH_ONEDNN=OFF -DCLBN_MPI=OFF -DCMAKE_C_FLAGS="${CFLAGS:--g -O2 -fstack-protector-strong -Wformat -Werror=format-security -D_FORTIFY_SOURCE=2}"
cmake --build "$build" --parallel "$(nproc)"
cd "$build"
cpack -G DEB
cpack --config CPackSourceConfig.cmake
if command -v lintian >/dev/null 2>&1; then
    lintian --fail-on error ./*.deb
else
    echo 'lintian is not there: the packages are not checked by it'
fi
ls -- *.deb *.tar.gz
