#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of what tools/cpu-report.sh makes of records, and of its arguments: report.sh FOLDER_OF_TOOLS. Needs a shell and Python 3.
set -u

tools=${1:?usage: report.sh FOLDER_OF_TOOLS}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# check NAME COMMAND...: the command succeeds.
check() {
    name=$1
    shift
    if "$@"; then
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $*"
    fi
}

# document MEMBERS: the records of the standard input, each with a comma at its end, as a file that has the members, too.
document() {
    echo "{ $1 \"records\": ["
    sed '$ s/,$//'
    echo ']}'
}

# timed OP SHAPE LAYOUT TYPE BYTES, then IMPL SECONDS for each of several
timed() {
    head="\"op\": \"$1\",
\"shape\": [$2],
\"layout\": \"$3\",
\"type\": \"$4\","
    bytes=$5
    shift 5
    while [ $# -gt 0 ]; do
        printf '{\n%s\n"impl": "%s",\n"kernels": "one",\n"median_s": %s,\n"bytes": %s\n},\n' "$head" "$1" "$2" "$bytes"
        shift 2
    done
}

# small_call NAME SECONDS SECONDS_ON_THE_HOST
small_call() {
    printf '"%s": { "enqueue_median_s": %s, "call_median_s": %s }' "$1" "$3" "$2"
}

# device CACHE_BYTES
device() {
    printf '"device": { "compute_units": 2, "cache_bytes": %s },' "$1"
}

costs='"plan_median_s": 60e-6, "first_plan_of_kind_cached_median_s": 0.019,'
costs="$costs $(small_call nothing 20e-6 5e-6),"
costs="$costs \"small_calls\": { $(small_call forward 30e-6 13e-6), $(small_call backward 44e-6 16e-6),"
costs="$costs $(small_call inference 25e-6 13e-6) },"
costs="$costs \"floor_of_small_calls\": { $(small_call forward 28e-6 12e-6), $(small_call backward 36e-6 12e-6),"
costs="$costs $(small_call inference 24e-6 13e-6) }"

# A cache of 1 MB, float32 beside oneDNN, then a second file with float16.
{
    # 5 times as fast; 3 times, at 0.95 of a floor of 3.16; and 2 times, at half of a floor of 4.
    timed forward '32, 64, 56, 56' nchw float32 4000000 clbn 0.002 copy 0.0017 floor 0.0019 onednn 0.010
    timed forward '32, 256, 56, 56' nchw float32 4000000 clbn 0.002 copy 0.001 floor 0.0019 floor-nontemporal 0.0025 onednn 0.006
    timed forward '32, 512, 7, 7' nchw float32 4000 clbn 0.002 copy 0.001 floor 0.001 onednn 0.004
    timed forward '32, 64, 56, 56' nhwc float32 4000000 clbn 0.002 copy 0.0015 floor 0.002 onednn 0.004
    timed forward '32, 256, 56, 56' nhwc float32 4000000 clbn 0.002 copy 0.0015 floor 0.0019 onednn 0.0018
    timed inference '32, 64, 56, 56' nhwc float32 4000000 clbn 0.002 copy 0.0019 onednn 0.004
    timed forward '60, 100' nc float32 48000 clbn 30e-6 copy 20e-6 onednn 5e-6
    timed forward '1, 64, 112, 112' nchw float32 6000 clbn 0.002 copy 0.001 floor 0.0015 onednn 0.004
} | document "$(device 1000000) \"costs\": { $costs }," >"$folder/first.json"
{
    timed forward '32, 64, 56, 56' nchw float32 4000000 clbn 0.004 copy 0.0001
    timed forward '32, 64, 56, 56' nchw float16 4000000 clbn 0.002 copy 0.001 floor 0.0015
    timed forward '32, 256, 56, 56' nchw float32 4000000 clbn 0.002 copy 0.0001
    timed forward '32, 256, 56, 56' nchw float16 4000000 clbn 0.002 copy 0.001 floor 0.0019
} | document '' >"$folder/second.json"
"$tools/cpu_report_targets.py" "$folder/first.json" "$folder/second.json" >"$folder/targets"

# target TEXT REST: a line of the table.
target() {
    check "target '$1'" grep -qE "^$1 +$2\$" "$folder/targets"
}
target "ResNet-50, NCHW, forward: oneDNN's NCHW" '4 +3 +1 +1 +2.00 +3.11 +3.16 +4.05 +0.50 +0.77 +1 short'
target "ResNet-50, NHWC, forward: oneDNN's NHWC, mean" '1.5 +2 +1 +1 +0.90 +1.34 .* at the floor'
target "ResNet-50, NHWC, forward: oneDNN's NHWC, each" '1 +2 +1 +1 .* at the floor'
target "ResNet-50, NCHW, forward: oneDNN's best, mean" '1.3 +3 +2 +1 +0.90 +1.53 .* met'
target 'larger than the cache, NCHW, forward: the limit' '0.8 +2 +1 +1 +0.50 .* at the floor'
target 'larger than the cache, inference: the limit' '0.9 +1 +1 +0 +0.95 .* met'
target '1x64x112x112, 32x3x224x224: the limit' '0.6 +1 +0 +0 +0.50 .* 1 short'
target 'float16, from memory: times as fast as float32' '1.5 +2 +1 +1 +1.00 .* at the floor'
target 'bfloat16, from memory: times as fast as float32' '1.5 +0 +nothing was measured'
target '60x100 and 256x784 in one kernel' 'met'
target '60x100 forward, with its wait: times an empty kernel' '1.3 x +1.5 +1.4 +at the floor'
target '60x100 backward, with its wait: times an empty kernel' '1.3 x +2.2 +1.8 +short'
target '60x100 inference, with its wait: times an empty kernel' '1.3 x +1.25 +1.2 +met'
target '60x100 forward, on the host: times its bare OpenCL calls' '1.3 x +1.083 +- +met'
target '60x100 backward, on the host: times its bare OpenCL calls' '1.3 x +1.333 +- +short'
target '60x100 inference, on the host: times its bare OpenCL calls' '1.3 x +1 +- +met'
target 'a plan for a new shape' '50 us +60 +- +short'
target 'the first plan of a kind, program in the disk cache' '20 ms +19 +- +met'
check 'a short row is named' grep -qE '^forward  32x512x7x7  nchw  float32 +2.00 of 4, 0.50 of the floor$' "$folder/targets"
check 'only such are' test "$(grep -c 'of the floor' "$folder/targets")" -eq 2

# Three runs, of which the second has the medians.
for run in second third; do
    case $run in second) ours=0.001 plan=6e-6 ;; third) ours=0.004 plan=6e-2 ;; esac
    costs="\"plan_median_s\": $plan, $(small_call nothing 10e-6 5e-6)"
    costs="$costs, \"small_calls\": { $(small_call backward "$plan" 5e-6) }"
    costs="$costs, \"floor_of_small_calls\": { $(small_call backward 18e-6 5e-6) }"
    {
        timed forward '32, 512, 7, 7' nchw float32 4000 clbn "$ours" copy 0.001 floor 0.0006 onednn 0.003
        timed forward '60, 100' nc float32 48000 clbn 30e-6 copy 20e-6 onednn 5e-6
    } | document "$(device 1000000) \"costs\": { $costs }," >"$folder/$run.json"
    timed forward '32, 64, 56, 56' nchw float32 4000000 clbn "$ours" copy 0.0001 | document '' >"$folder/$run-types.json"
done
"$tools/cpu_report_targets.py" "$folder/second.json" "$folder/second-types.json" \
    "$folder/first.json" "$folder/second-types.json" "$folder/third.json" "$folder/third-types.json" >"$folder/targets"
check 'runs are named' grep -qx 'Medians of 3 runs.' "$folder/targets"
# 3, 2 and 0.75 times as fast, at 0.6, 0.5 and 0.15 of the floor.
check 'the median of the rows' grep -qE '^forward  32x512x7x7  nchw  float32 +2.00 of 4, 0.50 of the floor$' "$folder/targets"
# 0.6, 2.2 and 6000 times an empty kernel, the floor 1.8 times; 6, 60 and 60000 us.
target '60x100 backward, with its wait: times an empty kernel' '1.3 x +2.2 +1.8 +short'
target 'a plan for a new shape' '50 us +60 +- +short'

# A cache of 32 MiB on two cores is theirs, of one of 33 only 32 count.
for cache in 33554432 34603008; do
    {
        timed forward '32, 64, 56, 56' nchw float32 67108864 clbn 0.002 copy 0.0017
        timed forward '32, 256, 56, 56' nchw float32 67108866 clbn 0.002 copy 0.0017
    } | document "$(device $cache)" >"$folder/first.json"
    "$tools/cpu_report_targets.py" "$folder/first.json" "$folder/first.json" >"$folder/targets"
    target 'larger than the cache, NCHW, forward: the limit' '0.8 +1 +1 .* met'
done

# A ratio that bench says means nothing is none.
timed forward '32, 64, 56, 56' nchw float32 4000000 clbn 0.002 copy 0.001 onednn 1.522 |
    sed 's/"impl": "clbn"/"peer_ratio": null,&/' | document '' >"$folder/first.json"
"$tools/cpu_report_targets.py" "$folder/first.json" "$folder/second.json" >"$folder/targets"
target "ResNet-50, NCHW, forward: oneDNN's NCHW" '4 +0 +nothing was measured'

for script in cpu-report.sh; do
    for arguments in '--nonsense' '--out' '--device'; do
        code=0
        # The words are arguments.
        # shellcheck disable=SC2086
        "$tools/$script" $arguments >"$folder/out" 2>"$folder/err" || code=$?
        check "$script $arguments is wrong usage" test "$code" -eq 2 -a ! -s "$folder/out" -a "$(wc -l <"$folder/err")" -eq 1
    done
    "$tools/$script" --help >"$folder/out"
    check "$script has a help text" grep -q "^Usage: $script" "$folder/out"
done
for runs in 0 many 1.5; do
    code=0
    "$tools/cpu-report.sh" --runs $runs >"$folder/out" 2>"$folder/err" || code=$?
    check "--runs $runs is wrong usage" test "$code" -eq 2 -a ! -s "$folder/out" -a "$(wc -l <"$folder/err")" -eq 1
done
test "$failed" -eq 0
