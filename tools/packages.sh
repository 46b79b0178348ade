# SPDX-License-Identifier: MIT
# Installs Debian or Ubuntu packages. To be sourced by a POSIX shell.
# shellcheck shell=sh

# is_there PACKAGE: by dpkg, or from elsewhere a command or a library of that name; gnuplot-nox is any gnuplot, whose packages exclude
# each other.
is_there() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ||
        command -v "${1%-nox}" >/dev/null 2>&1 || pkg-config --exists "$1" 2>/dev/null
}

# run_as_root COMMAND ARGUMENT...
run_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "$0: to run '$*', be root or install sudo" >&2
        return 1
    fi
}

# install_missing PACKAGE...: installs those that are not there, asks nothing, and removes nothing: another vendor's OpenCL loader
# may stand in the place of one of them. Where there is no apt-get, what is missing shows when it is needed.
install_missing() {
    missing=
    for package in "$@"; do
        is_there "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "There is no apt-get to install$missing: going on without"
        return 0
    fi
    echo "Installing$missing"
    run_as_root apt-get --quiet --quiet update || return
    # The names are split on purpose: they hold no blanks.
    # shellcheck disable=SC2086
    run_as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get --quiet --quiet --yes --no-remove --no-install-recommends install $missing
}

# compiles PROGRAM FLAG...: whether the C compiler makes a program of this text.
compiles() {
    text=$1
    shift
    echo "$text" | "${CC:-cc}" -x c -o /dev/null - "$@" >/dev/null 2>&1
}

has_pocl() {
    for icd in "${OCL_ICD_VENDORS:-/etc/OpenCL/vendors}"/pocl*.icd; do
        [ -f "$icd" ] && return 0
    done
    return 1
}

# install_build_packages PACKAGE...: what building clbn and running it on a CPU needs, and the packages named. What is there already,
# from whatever vendor, is not installed again.
install_build_packages() {
    install_missing cmake make pkg-config || return
    compiles 'int main(void) { return 0; }' || install_missing gcc libc6-dev || return
    if ! compiles '#include <CL/cl.h>
int main(void) { return (int)clGetPlatformIDs(0, 0, 0); }' -lOpenCL; then
        set -- opencl-c-headers ocl-icd-opencl-dev "$@"
    fi
    has_pocl || set -- pocl-opencl-icd "$@"
    compiles '#include <zlib.h>
int main(void) { return zlibVersion() == 0; }' -lz || set -- zlib1g-dev "$@"
    install_missing "$@"
}
