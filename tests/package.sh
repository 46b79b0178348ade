#!/bin/sh
# SPDX-License-Identifier: MIT
# package.sh SOURCE BUILD WORK CMAKE: Debian packages of the build have what they are for; programs can be compiled against what they
# install, and lintian, where it is, finds no error.
set -eu
source=$1 build=$2 work=$3 cmake=$4

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

rm -rf "$work"
mkdir -p "$work"
(cd "$work" && "$(dirname "$cmake")/cpack" --config "$build/CPackConfig.cmake" -G DEB -B "$work/packages") >"$work/cpack.log" 2>&1 ||
    fail "cpack: $(cat "$work/cpack.log")"
for package in "$work"/packages/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
    echo "$(basename "$package"): $(dpkg-deb --field "$package" Depends)"
done
[ "$(find "$work/packages" -name '*.deb' | wc -l)" -ge 3 ] || fail "packages are missing"
for file in include/clbn.h bin/clbn share/man/man1/clbn.1.gz share/man/man1/clbn-verify.1.gz share/doc/clbn-tools/copyright \
    share/doc/libclbn-dev/copyright share/bash-completion/completions/clbn; do
    [ -f "$work/root/usr/$file" ] || fail "/usr/$file is in no package"
done
if command -v lintian >/dev/null 2>&1; then
    # A build for the tests has a path to its library in the command, and is not hardened: tools/package.sh builds what is to be installed.
    lintian --fail-on error --allow-root --suppress-tags custom-library-search-path "$work"/packages/*.deb || fail "lintian"
fi
CLBN_INSTALLED=$work/root/usr "$source/tests/consumer/run.sh" "$source" "$build" "$work/consumer" "$cmake"
