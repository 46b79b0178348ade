# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the tests of the clbn command share, which source it: TEST.sh PATH_TO_CLBN. Needs a shell and an OpenCL device.
#
# Arrays are made with printf, and results are compared byte for byte: all numbers are chosen so that mean, variance and
# the results are exact. Everything happens in a temporary folder.
set -u

case ${1:-} in
'')
    echo "usage: $0 PATH_TO_CLBN" >&2
    exit 2
    ;;
/*) clbn=$1 ;;
*) clbn=$PWD/$1 ;;
esac

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$folder/work" && cd "$folder/work" || exit 1

passed=0
failed=0

pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}

not_ok() {
    failed=$((failed + 1))
    echo "FAILED: $1: $2"
}

# check NAME COMMAND...: the command succeeds.
check() {
    name=$1
    shift
    if "$@"; then pass "$name"; else not_ok "$name" "$*"; fi
}

# run ARGUMENTS...: clbn with them; its code, output and errors go to $code and the two files.
run() {
    code=0
    "$clbn" "$@" >"$folder/out" 2>"$folder/err" || code=$?
}

# succeeds NAME ARGUMENTS...: exit code 0 and no errors.
succeeds() {
    name=$1
    shift
    run "$@"
    if [ "$code" -ne 0 ]; then
        not_ok "$name" "exit code $code, $(cat "$folder/err")"
    elif [ -s "$folder/err" ]; then
        not_ok "$name" "said $(cat "$folder/err")"
    else
        pass "$name"
    fi
}

# fails CODE PART NAME ARGUMENTS...: that exit code, nothing on stdout, on stderr one line that begins with "clbn: " and
# has the part in it, and no temporary file.
fails() {
    expected=$1
    part=$2
    name=$3
    shift 3
    run "$@"
    if [ "$code" -ne "$expected" ]; then
        not_ok "$name" "exit code $code, not $expected: $(cat "$folder/err")"
    elif [ -s "$folder/out" ]; then
        not_ok "$name" "printed $(cat "$folder/out")"
    elif [ "$(wc -l <"$folder/err")" -ne 1 ] || ! grep -q '^clbn: ' "$folder/err"; then
        not_ok "$name" "not one sentence: $(cat "$folder/err")"
    elif ! grep -qF -e "$part" "$folder/err"; then
        not_ok "$name" "no '$part' in: $(cat "$folder/err")"
    elif [ -n "$(find . -name '.clbn-*')" ]; then
        not_ok "$name" "left $(find . -name '.clbn-*')"
    else
        pass "$name"
    fi
}

# prints PART NAME ARGUMENTS...: exit code 0 and the part on stdout.
prints() {
    part=$1
    name=$2
    shift 2
    run "$@"
    if [ "$code" -ne 0 ]; then
        not_ok "$name" "exit code $code, $(cat "$folder/err")"
    elif ! grep -qF -e "$part" "$folder/out"; then
        not_ok "$name" "no '$part' in: $(cat "$folder/out")"
    else
        pass "$name"
    fi
}

# fits: what the last command printed is at most 80 columns wide.
fits() {
    awk 'length > 80 { print "too wide: " $0; wide = 1 } END { exit wide }' "$folder/out"
}

# same NAME FILE EXPECTED
same() {
    if cmp -s "$2" "$3"; then pass "$1"; else not_ok "$1" "$(od -An -tf4 -j128 "$2" 2>&1 | tr -s ' \n' ' ')"; fi
}

# is_posix: CLBN_TEST_WINE says that the command is Windows's, and Wine shows it neither links to nothing nor this system's processes.
is_posix() {
    [ -z "${CLBN_TEST_WINE:-}" ]
}

# ---- Arrays

# header DESCR FORTRAN_ORDER SHAPE: 128 bytes, as NumPy writes it.
header() {
    printf '\223NUMPY\001\000\166\000'
    printf '%-117s\n' "{'descr': '$1', 'fortran_order': $2, 'shape': $3, }"
}

# The upper two bytes of a float32, the upper three of a float64, and a float16, in octal.
bits() {
    case $2 in
    0) high='\000\000' long='\000\000\000' half='\000\000' ;;
    0.25) high='\200\076' long='\000\320\077' half='\000\064' ;;
    0.5) high='\000\077' long='\000\340\077' half='\000\070' ;;
    1) high='\200\077' long='\000\360\077' half='\000\074' ;;
    1.5) high='\300\077' long='\000\370\077' half='\000\076' ;;
    2) high='\000\100' long='\000\000\100' half='\000\100' ;;
    2.5) high='\040\100' long='\000\004\100' half='\000\101' ;;
    3) high='\100\100' long='\000\010\100' half='\000\102' ;;
    4) high='\200\100' long='\000\020\100' half='\000\104' ;;
    5) high='\240\100' long='\000\024\100' half='\000\105' ;;
    6) high='\300\100' long='\000\030\100' half='\000\106' ;;
    8) high='\000\101' long='\000\040\100' half='\000\110' ;;
    12) high='\100\101' long='\000\050\100' half='\000\112' ;;
    10) high='\040\101' long='\000\044\100' half='\000\111' ;;
    16) high='\200\101' long='\000\060\100' half='\000\114' ;;
    20) high='\240\101' long='\000\064\100' half='\000\115' ;;
    24) high='\300\101' long='\000\070\100' half='\000\116' ;;
    -0.5) high='\000\277' long='\000\340\277' half='\000\270' ;;
    -1) high='\200\277' long='\000\360\277' half='\000\274' ;;
    -2) high='\000\300' long='\000\000\300' half='\000\300' ;;
    -3) high='\100\300' long='\000\010\300' half='\000\302' ;;
    -4) high='\200\300' long='\000\020\300' half='\000\304' ;;
    -8) high='\000\301' long='\000\040\300' half='\000\310' ;;
    *)
        echo "lib.sh has no bits for $2" >&2
        exit 1
        ;;
    esac
    # The octal numbers are escapes of printf's format.
    # shellcheck disable=SC2059
    case $1 in
    '<f2') printf "$half" ;;
    '<f4') printf '\000\000'"$high" ;;
    *) printf '\000\000\000\000\000'"$long" ;;
    esac
}

# array FILE DESCR FORTRAN_ORDER SHAPE VALUE...
array() {
    file=$1
    descr=$2
    header "$2" "$3" "$4" >"$file"
    shift 4
    for value in "$@"; do
        bits "$descr" "$value" >>"$file"
    done
}

# f4 FILE SHAPE VALUE...
f4() {
    file=$1
    shape=$2
    shift 2
    array "$file" '<f4' False "$shape" "$@"
}

finish() {
    check 'no temporary file is left' test -z "$(find . -name '.clbn-*')"
    echo "$passed passed, $failed failed"
    test "$failed" -eq 0
}
