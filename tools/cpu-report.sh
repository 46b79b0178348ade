#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures clbn on a CPU beside oneDNN, and says which of its targets it reaches, in one command. See --help.
set -eu

usage() {
    cat <<'TEXT'
Usage: cpu-report.sh [options]

Installs what is missing, builds clbn into build-cpu/, times ResNet-50's and other shapes beside oneDNN and beside kernels that only
move the same bytes, or walk over them with the least of arithmetic, and prints a table of what clbn is to reach on a CPU, what it
reaches, and what the floor is. Each run takes ten minutes; nothing else should run meanwhile. Writes targets.txt, and what was
measured as tables, pictures and JSON. PoCL's threads are kept on their cores (POCL_AFFINITY=1, unless it is set).

Options:
  --out FOLDER       where to write (default build-cpu/report)
  --device DEVICE    as 'clbn bench' takes it (default cpu, the first CPU)
  --runs COUNT       measure so many times, each in processes of its own, and take the median of each ratio: which core wakes first
                     is the same for all of a process, and moves the rows of small tensors by a tenth (default 3)
  --quick            measure less, for a first look
  --help             print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/packages.sh
. "$root/tools/packages.sh"
build=$root/build-cpu
out=$build/report
device=cpu
runs=3
quick=

die() {
    echo "cpu-report.sh: $1" >&2
    exit "${2:-1}"
}

while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --quick) quick=--quick ;;
    --out | --device | --runs)
        [ $# -gt 1 ] || die "option $1 needs a value" 2
        case $1 in
        --out) out=$2 ;;
        --device) device=$2 ;;
        --runs) runs=$2 ;;
        esac
        shift
        ;;
    *) die "there is no option $1; see --help" 2 ;;
    esac
    shift
done
case $runs in
[1-9] | [1-9][0-9]) ;;
*) die "--runs takes a number from 1 to 99, not '$runs'" 2 ;;
esac

# bench NAME OPTION...
bench() {
    name=$1
    shift
    # An empty word is no option.
    # shellcheck disable=SC2086
    "$build/clbn" bench --device "$device" $quick --json "$out/$name.json" --plot "$out/$name.svg" "$@" >"$out/$name.txt" ||
        die "measuring failed: see $out/$name.txt"
}

install_build_packages g++ libdnnl-dev gnuplot-nox python3
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCLBN_BENCH_ONEDNN=ON
cmake --build "$build" --parallel "$(nproc)"
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)

# Else Linux at times wakes all of PoCL's threads on one core, while those of oneDNN, which wait busily, stay where they are.
POCL_AFFINITY=${POCL_AFFINITY:-1}
export POCL_AFFINITY

set --
run=1
while [ "$run" -le "$runs" ]; do
    echo "Run $run of $runs: float32 beside oneDNN"
    bench "float32-$run" --shapes resnet50+mlp+1,64,112,112+32,3,224,224+32,35,56,56 --peer onednn
    echo "Run $run of $runs: float16 and bfloat16 beside float32"
    bench "types-$run" --shapes 32,64,112,112+32,256,56,56+32,64,56,56+32,512,28,28 --type float32,float16,bfloat16
    set -- "$@" "$out/float32-$run.json" "$out/types-$run.json"
    run=$((run + 1))
done
"$root/tools/cpu_report_targets.py" "$@" >"$out/targets.txt"
echo
head -n 3 "$out/float32-1.txt"
cat "$out/targets.txt"
grep -h -A 1 '^The load average' "$out"/float32-*.txt "$out"/types-*.txt || true
echo "Written to $out"
