#!/bin/sh
# SPDX-License-Identifier: MIT
# The scripts of tools/: scripts.sh FOLDER_OF_TOOLS. Their help, what they refuse, and what packages.sh would install.
set -u

tools=${1:?usage: scripts.sh FOLDER_OF_TOOLS}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# check WHAT COMMAND...: the command succeeds.
check() {
    what=$1
    shift
    "$@" && return
    echo "FAILED: $what"
    failures=$((failures + 1))
}

# ---- Help and wrong usage ----

for path in "$tools"/*.sh "$tools"/gpu-check "$tools"/experiments "$tools"/../tests/platforms.sh "$tools"/../tests/cross.sh \
    "$tools"/../tests/windows.sh; do
    script=$(basename "$path")
    [ "$script" != packages.sh ] || continue # it is sourced
    "$path" --help >"$folder/out" 2>"$folder/err"
    check "$script --help succeeds" test $? -eq 0
    check "$script has a help text" grep -qi "usage: $script" "$folder/out"
    [ "$script" != demo.sh ] || continue # what it is given goes to clbn train
    "$path" --no-such-option >"$folder/out" 2>"$folder/err"
    code=$?
    check "$script refuses an option that it has not" test "$code" -eq 2 -a ! -s "$folder/out" -a -s "$folder/err"
done

# ---- Packages ----

# In a folder of its own: a dpkg that knows no package, and an apt-get that says what it was asked.
mkdir "$folder/bin" "$folder/icd"
touch "$folder/icd/pocl.icd"
printf '#!/bin/sh\nexit 1\n' >"$folder/bin/dpkg-query"
printf '#!/bin/sh\necho "apt-get $*"\n' >"$folder/bin/apt-get"
printf '#!/bin/sh\nexec "$@"\n' >"$folder/bin/sudo"
chmod +x "$folder"/bin/*

# ask COMMAND: what it prints with packages.sh read.
ask() {
    OCL_ICD_VENDORS=$folder/icd PATH=$folder/bin:$PATH sh -euc ". \"$tools/packages.sh\"; $1"
}

answer=$(ask 'install_build_packages')
check "nothing is installed where all is there, from whatever packages: $answer" test -z "$answer"
answer=$(ask 'install_missing no-such-package')
check "what is missing is installed: $answer" expr "$answer" : '.*apt-get.* install no-such-package' >/dev/null
check "nothing is removed for it: $answer" expr "$answer" : '.*--no-remove' >/dev/null
rm "$folder/icd/pocl.icd"
answer=$(ask 'install_build_packages')
check "PoCL is installed where it is missing: $answer" expr "$answer" : '.* install pocl-opencl-icd$' >/dev/null
touch "$folder/icd/pocl.icd"
answer=$(CC=false ask 'install_build_packages check')
check "headers and a loader are installed where nothing compiles: $answer" \
    expr "$answer" : '.* opencl-c-headers ocl-icd-opencl-dev' >/dev/null

# A system without apt: no folder but one with what such a system has.
mkdir "$folder/plain"
for command in sh env; do
    ln -s "$(command -v "$command")" "$folder/plain/$command"
done
answer=$(PATH=$folder/plain sh -euc ". \"$tools/packages.sh\"; install_missing no-such-package; echo went on")
check "without apt-get it goes on: $answer" expr "$answer" : '.*going on without.*went on' >/dev/null

# ---- Platforms ----

# Suites that pass, fail, and have a data race found in them, on PoCL and nothing else.
mkdir -p "$folder/build/tests"
printf '#!/bin/sh\nexit 0\n' >"$folder/build/tests/test_good"
printf '#!/bin/sh\necho what went wrong\nexit 3\n' >"$folder/build/tests/test_bad"
printf '#!/bin/sh\necho "Read-write data race at 4"\n' >"$folder/build/tests/test_raced"
chmod +x "$folder"/build/tests/*
for suite in good bad raced; do
    "$tools/../tests/platforms.sh" --folder "$folder" --build "$folder/build" --only PoCL $suite >"$folder/$suite" 2>&1
    echo "exit code $?" >>"$folder/$suite"
done
check "a suite passes" grep -Eq '^PoCL +good +passed +0 faults' "$folder/good"
check "then the exit code is 0" grep -q 'exit code 0' "$folder/good"
check "a suite fails" grep -Eq '^PoCL +bad +FAILED, exit code 3 +0 faults' "$folder/bad"
check "what it said is shown" grep -q '^    what went wrong' "$folder/bad"
check "then the exit code is 1" grep -q 'exit code 1' "$folder/bad"
printf 'add_test(good test_good)\nset_tests_properties(good PROPERTIES LABELS accuracy)\nadd_test(bad test_bad)\n' >"$folder/build/CTestTestfile.cmake"
"$tools/../tests/platforms.sh" --folder "$folder" --build "$folder/build" --only PoCL --all >"$folder/all" 2>&1
check "all suites of what a device computes are run, and no others: $(cat "$folder/all")" \
    test "$(grep -c '^PoCL' "$folder/all") $(grep -c 'good' "$folder/all")" = '1 1'
check "a race is a fault" grep -Eq '^PoCL +raced +passed +1 faults' "$folder/raced"
check "then, too, the exit code is 1" grep -q 'exit code 1' "$folder/raced"

[ "$failures" -eq 0 ] && echo "all ok"
exit "$failures"
