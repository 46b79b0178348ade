# Installs Debian or Ubuntu packages. To be sourced by a POSIX shell.
# shellcheck shell=sh

# is_installed PACKAGE
is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
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

# install_missing PACKAGE...: installs those that are not installed, and asks nothing.
install_missing() {
    missing=
    for package in "$@"; do
        is_installed "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$0: there is no apt-get to install$missing" >&2
        return 1
    fi
    echo "Installing$missing"
    run_as_root apt-get --quiet --quiet update || return
    # The names are split on purpose: they hold no blanks.
    # shellcheck disable=SC2086
    run_as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get --quiet --quiet --yes --no-install-recommends install $missing
}

# install_build_packages PACKAGE...: what building clbn and running it on a CPU needs, and the packages named.
install_build_packages() {
    install_missing cmake gcc libc6-dev make pkg-config opencl-c-headers ocl-icd-opencl-dev pocl-opencl-icd zlib1g-dev "$@"
}
