#!/bin/sh
# Tests of what tools/gpu-report.sh makes of records, and of its arguments: report.sh FOLDER_OF_TOOLS. Needs a shell and awk.
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

# record IMPL SHAPE MEDIAN DEVICE BYTES
record() {
    cat <<TEXT
    {
      "op": "forward",
      "shape": [$2],
      "layout": "nchw",
      "type": "float32",
      "activation": "none",
      "impl": "$1",
      "median_s": $3,
      "device_s": $4,
      "bytes": $5
    },
TEXT
}

# report KIND: the records in clbn.json and torch.json.
report() {
    awk -f "$tools/gpu_report_records.awk" -f "$tools/gpu_report_$1.awk" "$folder/clbn.json" "$folder/torch.json"
}

{
    record clbn '2, 3, 5' 0.002 0.001 4000000
    record copy '2, 3, 5' 0.004 0.002 4000000
    record copy-nontemporal '2, 3, 5' 0.001 0.0005 4000000
    record clbn '7, 3' 0.5 null 1000
} >"$folder/clbn.json"
{
    record torch-cudnn '2, 3, 5' 0.009 0.003 4000000
    record torch-native '2, 3, 5' 0.009 0.0005 4000000
} >"$folder/torch.json"
report table >"$folder/table"
# 4 MB in 1 ms are 4 GB/s, half of the better copy's; cuDNN takes three times as long, PyTorch alone half.
row='forward +2x3x5 +nchw +float32 +1.0000 +2.0000 +4.0 +0.50 +3.0000 +0.5000 +3.00x +0.50x'
check 'a row has its figures' grep -qE "^$row\$" "$folder/table"
check 'what was not measured is a dash' grep -qE '^forward +7x3 +nchw +float32 +- +500.0000 +- +- +- +- +- +-$' "$folder/table"
check 'a row for each case' test "$(grep -c '^forward .*x.* - *\|^forward .*x$' "$folder/table")" -eq 2
check 'a geometric mean' grep -qE '^forward +nchw +float32 +against torch-cudnn: 3.00x over 1 shapes$' "$folder/table"
report picture >"$folder/picture"
check 'the picture begins' grep -q '^<svg ' "$folder/picture"
check 'the picture ends' grep -q '^</svg>' "$folder/picture"
check 'the picture has a chart' grep -q 'forward float32: GB/s' "$folder/picture"
# Three in the legend, and one for each implementation of the first shape.
check 'the picture has bars' test "$(grep -c '<rect x' "$folder/picture")" -eq 6
check 'the picture has a limit' test "$(grep -c 'stroke="#000000"' "$folder/picture")" -eq 2

for arguments in '--nonsense' '--out' '--minutes soon'; do
    code=0
    # The words are arguments.
    # shellcheck disable=SC2086
    "$tools/gpu-report.sh" $arguments >"$folder/out" 2>"$folder/err" || code=$?
    check "gpu-report.sh $arguments is wrong usage" test "$code" -eq 2 -a ! -s "$folder/out" -a "$(wc -l <"$folder/err")" -eq 1
done
"$tools/gpu-report.sh" --help >"$folder/out"
check 'gpu-report.sh has a help text' grep -q '^Usage: gpu-report.sh' "$folder/out"

test "$failed" -eq 0
