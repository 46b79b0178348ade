#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of 'clbn verify': verify.sh PATH_TO_CLBN PATH_TO_CLBN_WRONG, of which the second is made wrong by CLBN_WRONG (tests/wrong.c).
# shellcheck source=tests/tool/lib.sh
. "${0%/*}/lib.sh"
case $2 in
/*) wrong=$2 ;;
*) wrong=$OLDPWD/$2 ;;
esac

# verdict: the last line of the last report.
verdict() {
    tail -n 1 "$folder/out"
}

fails 2 'give one' 'two ways of choosing' verify --quick --full
fails 2 'an integer from 0 to' 'a seed below 0' verify --replay=-1
fails 1 'no device matches' 'a device that is not there' verify --device 'no such device'
fails 1 'no case of seed 9' 'a seed without a case' verify --replay 999

succeeds 'a part is right' verify --part --json report.json
check 'the report fits 80 columns' fits
check 'the verdict is the last line' expr "$(verdict)" : 'right: all [0-9]* cases agree'
check 'JSON says it, too' grep -q '"right": true' report.json
seed=$(sed -n 's/^  seed \([0-9]*\):.*/\1/p' "$folder/out")
succeeds 'the worst case is repeated by its seed' verify --replay "$seed"
check 'alone' grep -q 'right: all 1 cases' "$folder/out"

# is_wrong HOW CELL PART NAME: exit code 1 and, on stdout, the cell in the table, the part and the verdict.
is_wrong() {
    code=0
    CLBN_WRONG=$1 "$wrong" verify --part >"$folder/out" 2>"$folder/err" || code=$?
    if [ "$code" -ne 1 ]; then
        not_ok "$4" "exit code $code: $(cat "$folder/out" "$folder/err")"
    elif ! grep -qE "$2" "$folder/out" || ! grep -qE "$3" "$folder/out" || ! verdict | grep -q '^WRONG: '; then
        not_ok "$4" "said $(cat "$folder/out")"
    else
        pass "$4"
    fi
}
# Columns: forward, inference, backward, frozen, fold, phases, again, event.
is_wrong result 'NHWC +[0-9]+% WRONG' 'y\[0\] is .*, not' 'a wrong result is found'
is_wrong guard 'NHWC +[0-9]+% WRONG' 'beside a view has changed' 'a write beside a view is found'
is_wrong repeated ' WRONG' 'not bit for bit' 'a call that is not repeatable is found'
is_wrong late ' WRONG$' 'before its wait list|not bit for bit' 'a call that does not wait is found'
is_wrong dies 'NHWC +[0-9]+% WRONG +[0-9]+%' 'ended by signal 6' 'a process that dies is survived'
check 'the report fits 80 columns where all is wrong' fits
seed=$(sed -n 's/^  seed \([0-9]*\)$/\1/p' "$folder/out" | head -n 1)
CLBN_WRONG=dies "$wrong" verify --replay "$seed" >"$folder/out"
check 'what was wrong is repeated by its seed' test $? -eq 1
succeeds 'and is right elsewhere' verify --replay "$seed"
CLBN_WRONG=hangs "$wrong" verify --replay "$seed" --patience 20 >"$folder/out"
check 'a process that hangs is wrong' test $? -eq 1
check 'and is ended' grep -q 'no answer within 20 seconds' "$folder/out"
fails 2 'from 1 to' 'no patience' verify --patience 0

finish
