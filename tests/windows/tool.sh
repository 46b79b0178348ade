#!/bin/sh
# SPDX-License-Identifier: MIT
# What the clbn command does otherwise on Windows: tool.sh PATH_TO_CLBN PATH_TO_LIST_CACHE, absolute, which run it and list_cache.c by
# Wine, with gnuplot.c in its PATH.
# shellcheck source=tests/tool/lib.sh
. "${0%/*}/../tool/lib.sh"
list_cache=$2

prints 'clbn ' 'clbn --version' --version
prints 'Usage: clbn COMMAND' 'clbn --help' --help
fails 2 '--inference takes no value' 'flag with a value' forward --inference=1
fails 2 'no option --nonsense' 'unknown option with a value' forward --nonsense=1
fails 2 'options begin with --' 'help with a value' forward --help=1
fails 2 '--y needs a value' 'value missing at the end' forward --x x.npy --y
prints 'geometry' 'devices prints a table' devices
prints '"devices": [' 'devices --json' devices --json

# ---- Files

f4 x.npy '(4, 2)' 1 2 1 2 3 6 3 6
f4 y.want '(4, 2)' -1 -1 -1 -1 1 1 1 1
mkdir sub
cp x.npy sub/x.npy
succeeds 'backslashes' forward --x 'sub\x.npy' --y 'sub\y.npy' --epsilon 0
same 'y' sub/y.npy y.want
absolute=Z:$(echo "$PWD" | tr / \\\\)
succeeds 'a drive' forward --x "$absolute\\x.npy" --y "$absolute\\sub\\x.npy" --epsilon 0
same 'y over a file' sub/x.npy y.want
fails 2 'both write' 'two outputs to one new file' forward --x x.npy --y z.npy --save-mean Z.NPY --save-invstd si.npy
fails 1 'not a regular file' 'a device for y' forward --x x.npy --y NUL
"$clbn" forward --x - --y - --epsilon 0 <x.npy >y.npy
same 'standard input and output are binary' y.npy y.want
f4 dy.npy '(4, 2)' 4 8 0 0 0 0 8 16
f4 dx.want '(4, 2)' 2 2 -2 -2 -4 -4 4 4
f4 dgamma.want '(2,)' 4 8
succeeds 'a backward' backward --x x.npy --dy dy.npy --dx dx.npy --dgamma dgamma.npy --epsilon 0
same 'dx' dx.npy dx.want
same 'dgamma' dgamma.npy dgamma.want
{
    header '<f4' False '(512, 1024)'
    head -c 2097152 /dev/zero
} >zeros.npy
cp zeros.npy zeros.want
succeeds 'y over a large x' forward --x zeros.npy --y zeros.npy
same 'zeros stay zeros' zeros.npy zeros.want

# ---- Other processes

run bench --shapes 2,3 --quick --plot bench.svg --json bench.json
check 'bench draws' grep -q '^set terminal svg' bench.svg
check 'bench --json' grep -q '"load_average": null' bench.json
check 'the benchmark leaves no cache' test -z "$(find "$WINEPREFIX" -name 'clbn-bench-*')"
succeeds 'a part is right' verify --part --json report.json
check 'the verdict is the last line' expr "$(tail -n 1 "$folder/out")" : 'right: all [0-9]* cases agree'
check 'JSON says it, too' grep -q '"right": true' report.json
fails 1 'no device matches' 'a device that is not there' verify --device 'no such device'

# ---- Ctrl-C, typed at a console

if command -v script >/dev/null; then
    {
        for _ in $(seq 300); do
            [ -z "$(find . -name '.clbn-*')" ] || break
            sleep 0.1
        done
        find . -name '.clbn-*' >begun
        printf '\003'
    } | TERM=xterm timeout 120 script -qec "'$clbn' bench --json ended.json" /dev/null >/dev/null
    check 'a benchmark has begun' test -s begun
    check 'it is ended' test ! -e ended.json
fi

# ---- Cache: by Wine the command has none

fails 1 'there is no cache' 'no cache' cache
clbn=$list_cache
CLBN_CACHE_DIR=$absolute\\cache
export CLBN_CACHE_DIR
prints '0 files' 'a cache that is not there'
mkdir cache
echo 'not ours' >cache/notes
head -c 3000000 /dev/zero >cache/program-0123456789abcdef
head -c 2000000 /dev/zero >cache/tuned-0123456789abcdef
touch -d '2001-01-01 12:00' cache/program-0123456789abcdef
prints '2 files, 5.000 MB' 'the cache is listed'
check 'the oldest is first, with its date' grep -q '^program-.* 3.000 MB  2001-01-01' "$folder/out"
prints 'removed 0 of 2' 'a cache within its limit' --limit 5
prints 'removed 1 of 2 files, 2.000 MB are left' 'the oldest goes' --limit 2
check 'it has gone' test ! -e cache/program-0123456789abcdef -a -e cache/tuned-0123456789abcdef
prints 'removed 1 of 1' 'the cache is removed' --clear
check 'what is not its own stays' test "$(ls cache)" = notes

finish
