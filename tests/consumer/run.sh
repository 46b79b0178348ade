#!/bin/sh
# SPDX-License-Identifier: MIT
# The installed package: run.sh SOURCE_DIR BUILD_DIR WORK_DIR CMAKE
#
# Installs the build into an empty folder, or takes the prefix that CLBN_INSTALLED names, and there checks the library's symbols and
# the header alone, then builds and runs a C and a C++ program against it, through the CMake package and through pkg-config, and
# README's example; then a program with clbn as a subproject; and configures clbn where Check and MPI are not installed. A static
# build of the library goes into a shared one.
# Functions replace their arguments by pkg-config's answers.
# shellcheck disable=SC2119,SC2120
set -eu

if [ $# -ne 4 ]; then
    echo 'usage: run.sh SOURCE_DIR BUILD_DIR WORK_DIR CMAKE' >&2
    exit 2
fi
source=$1
consumer=$source/tests/consumer
readme=$source/README.md
build=$2
work=$3
cmake=$4
prefix=$work/prefix
strict='-Wall -Wextra -Wpedantic -Werror'
: "${CC:=cc}" "${CXX:=c++}"

step() {
    echo "-- $*"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

install_afresh() {
    step "install"
    rm -rf "$work"
    mkdir -p "$work"
    if [ -n "${CLBN_INSTALLED:-}" ]; then
        prefix=$CLBN_INSTALLED
    else
        "$cmake" --install "$build" --prefix "$prefix" >"$work/install.log" || fail "cmake --install: $(cat "$work/install.log")"
    fi
    config=$(find "$prefix" -name clbnConfig.cmake)
    library=$(find "$prefix" -name libclbn.so)
    pc=$(find "$prefix" -name clbn.pc)
    for file in "$config" "$library" "$pc" "$prefix/include/clbn.h"; do
        [ -f "$file" ] || fail "header, library, CMake package or clbn.pc is not installed"
    done
    PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export PKG_CONFIG_PATH
}

check_symbols() {
    step "only clbn's functions are exported, and there is a soname"
    nm -D --defined-only "$library" | awk '{ print $NF }' >"$work/exported"
    grep -qx 'clbnCreateEngine' "$work/exported" || fail "clbnCreateEngine is not exported"
    strangers=$(grep -v '^clbn[A-Z]' "$work/exported") && fail "exported: $strangers"
    declared=$(grep -c '^CLBN_API' "$prefix/include/clbn.h")
    exported=$(grep -c . "$work/exported")
    [ "$declared" -eq "$exported" ] || fail "the header declares $declared functions, the library exports $exported"
    readelf -d "$library" | grep -q 'SONAME.*\[libclbn\.so\.[0-9.]*\]' || fail "the library has no soname"
}

check_imports() {
    step "OpenCL 1.2 is enough to load it"
    echo '#include <CL/cl.h>' | $CC -E -P -DCL_TARGET_OPENCL_VERSION=120 - | grep -oE '\bcl[A-Z][A-Za-z]*' | sort -u >"$work/declared"
    nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | grep -E '^cl[A-Z]' | sort -u >"$work/imported"
    grep -qx clBuildProgram "$work/imported" || fail "no OpenCL function is imported"
    newer=$(comm -23 "$work/imported" "$work/declared")
    [ -z "$newer" ] || fail "imported, and not of OpenCL 1.2: $newer"
}

# opencl_versions HEADER: what a program sees of OpenCL that includes this first.
opencl_versions() {
    eval "set -- $1 $(pkg-config --cflags clbn)"
    header=$1
    shift
    echo "#include <$header>" | $CC -E -dM "$@" - 2>/dev/null | grep -E 'define CL_VERSION_[0-9]' | sort
}

check_versions() {
    step "the header leaves OpenCL's version to the program"
    [ "$(opencl_versions clbn.h)" = "$(opencl_versions CL/cl.h)" ] || fail "clbn.h changes which OpenCL a program sees"
    [ -n "$(opencl_versions CL/cl.h)" ] || fail "OpenCL's headers name no version"
}

# compile_header COMPILER LANGUAGE STANDARD
compile_header() {
    compiler=$1 language=$2 standard=$3
    echo '#include <clbn.h>' >"$work/alone.$language"
    # pkg-config quotes blanks in what it answers for a shell. The words of $strict are options of their own.
    eval "set -- $(pkg-config --cflags clbn)"
    # shellcheck disable=SC2086
    $compiler -x "$language" -std="$standard" $strict -fsyntax-only "$@" "$work/alone.$language" ||
        fail "the header alone as $standard"
}

check_header() {
    step "the header compiles alone"
    compile_header "$CC" c c99
    compile_header "$CC" c c11
    compile_header "$CXX" c++ c++98
    compile_header "$CXX" c++ c++11
    compile_header "$CXX" c++ c++17
}

# run_consumer PROGRAM: finds the library where it is installed, not where it was built.
run_consumer() {
    answer=$(LD_LIBRARY_PATH=$(dirname "$library") "$1") || fail "$1: $answer"
    echo "$answer"
    case $answer in
    *': ok') ;;
    *) fail "$1 did not say ok" ;;
    esac
}

check_cmake_package() {
    step "find_package(clbn)"
    "$cmake" -S "$consumer" -B "$work/cmake" -Dclbn_DIR="$(dirname "$config")" >"$work/configure.log" 2>&1 ||
        fail "find_package: $(cat "$work/configure.log")"
    "$cmake" --build "$work/cmake" >"$work/build.log" 2>&1 || fail "$(cat "$work/build.log")"
    run_consumer "$work/cmake/consumer_c"
    run_consumer "$work/cmake/consumer_cpp"
}

check_pkg_config() {
    step "pkg-config clbn"
    eval "set -- $(pkg-config --cflags --libs clbn)"
    # shellcheck disable=SC2086
    $CC -std=c99 $strict "$consumer/consumer.c" -o "$work/consumer_c" "$@" || fail "the C consumer by pkg-config"
    # shellcheck disable=SC2086
    $CXX -std=c++98 $strict "$consumer/consumer.cpp" -o "$work/consumer_cpp" "$@" || fail "the C++ consumer by pkg-config"
    run_consumer "$work/consumer_c"
    run_consumer "$work/consumer_cpp"
    [ "$(pkg-config --modversion clbn)" = "$(sed -n 's/.*VERSION_\(MAJOR\|MINOR\|PATCH\) //p' \
        "$prefix/include/clbn.h" | paste -sd.)" ] || fail "clbn.pc has another version than the header"
}

# Where it was built: a process that mpirun did not start is a communicator of one.
check_mpi() {
    pkg-config --exists clbn_mpi || return 0
    step "clbn::mpi and pkg-config clbn_mpi"
    "$cmake" -S "$consumer" -B "$work/mpi" -DCONSUMER_MPI=ON -Dclbn_DIR="$(dirname "$config")" >"$work/mpi.log" 2>&1 &&
        "$cmake" --build "$work/mpi" >>"$work/mpi.log" 2>&1 || fail "find_package(clbn COMPONENTS mpi): $(cat "$work/mpi.log")"
    eval "set -- $(pkg-config --cflags --libs clbn_mpi)"
    # shellcheck disable=SC2086
    $CC -std=c99 $strict "$consumer/consumer_mpi.c" -o "$work/consumer_mpi" "$@" || fail "the MPI consumer by pkg-config"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    run_consumer "$work/mpi/consumer_mpi"
    run_consumer "$work/consumer_mpi"
}

check_readme() {
    step "README's example"
    awk '/^```c$/ { on = 1; next } /^```/ { if (on) exit } on' "$readme" >"$work/readme.c"
    [ "$(grep -c clbnEnqueueForwardTraining "$work/readme.c")" -eq 1 ] || fail "README has no example in C"
    cat "$consumer/readme_main.c" >>"$work/readme.c"
    eval "set -- $(pkg-config --cflags --libs clbn)"
    # shellcheck disable=SC2086
    $CC -std=c99 $strict -DCL_TARGET_OPENCL_VERSION=120 "$work/readme.c" -o "$work/readme" "$@" || fail "README's example"
    run_consumer "$work/readme"
}

# As someone does who has clbn's sources alone.
check_subproject() {
    for fetched in ON OFF; do
        step "clbn within another project, FetchContent $fetched"
        "$cmake" -S "$consumer/subproject" -B "$work/subproject" -DCLBN_SOURCE="$source" -DFETCHED=$fetched \
            >"$work/configure.log" 2>&1 || fail "a subproject: $(cat "$work/configure.log")"
    done
    "$cmake" --build "$work/subproject" --parallel 2 >"$work/build.log" 2>&1 || fail "$(cat "$work/build.log")"
    run_consumer "$work/subproject/consumer_c"
}

# CMake makes a target of an MPI, too, that it has not found.
check_without_others() {
    step "without Check there are no tests, without MPI no clbn_mpi"
    PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH='' "$cmake" -S "$source" -B "$work/plain" -DMPI_C_COMPILER=false \
        -DMPI_C_HEADER_DIR="$consumer" -DMPI_C_LIB_NAMES='' -DMPI_ASSUME_NO_BUILTIN_MPI=ON >"$work/configure.log" 2>&1 ||
        fail "without Check and MPI: $(cat "$work/configure.log")"
    grep -q 'Check is missing: the tests are left out' "$work/configure.log" || fail "nothing says that the tests are left out"
    made=$("$cmake" --build "$work/plain" --target help | grep clbn_mpi) && fail "without MPI: $made"
    return 0
}

# expect_hidden LIBRARY: one that has a static clbn inside.
expect_hidden() {
    nm -D --defined-only "$1" | grep -q plugin_version || fail "$1 does not export what it should"
    strangers=$(nm -D --defined-only "$1" | grep -E ' (clbn|bn_)') && fail "$1 exports $strangers"
    nm "$1" | grep -q clbnCreatePlan || fail "$1 has no clbn inside"
}

check_static() {
    step "a static library, in a shared one that exports nothing of it"
    "$cmake" -S "$source" -B "$work/static" -DBUILD_SHARED_LIBS=OFF -DCLBN_BUILD_TOOLS=OFF -DBUILD_TESTING=OFF \
        -DCMAKE_INSTALL_PREFIX="$work/static-prefix" -DCMAKE_INSTALL_LIBDIR=lib >"$work/static.log" 2>&1 &&
        "$cmake" --build "$work/static" --target install >>"$work/static.log" 2>&1 || fail "$(cat "$work/static.log")"
    "$cmake" -S "$consumer" -B "$work/plugin" -DCONSUMER_PLUGIN=ON -Dclbn_DIR="$work/static-prefix/lib/cmake/clbn" \
        >"$work/plugin.log" 2>&1 && "$cmake" --build "$work/plugin" >>"$work/plugin.log" 2>&1 || fail "$(cat "$work/plugin.log")"
    expect_hidden "$work/plugin/libplugin.so"
    PKG_CONFIG_PATH=$work/static-prefix/lib/pkgconfig
    eval "set -- $(pkg-config --static --cflags --libs clbn)"
    # shellcheck disable=SC2086
    $CC -std=c99 $strict -fPIC -shared -Wl,-z,defs "$consumer/plugin.c" -o "$work/libplugin.so" "$@" ||
        fail "the shared library by pkg-config"
    expect_hidden "$work/libplugin.so"
}

install_afresh
check_symbols
check_imports
check_header
check_versions
check_cmake_package
check_pkg_config
check_mpi
check_readme
if [ -z "${CLBN_INSTALLED:-}" ]; then # what follows takes the sources
    check_subproject
    check_without_others
    check_static
fi
echo "all ok"
