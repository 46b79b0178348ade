#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures and tests clbn on a GPU machine that one has for minutes. See --help.
set -u

usage() {
    cat <<'TEXT'
Usage: gpu-report.sh [options]

What a GPU says of clbn, in at most 8 minutes, most valuable first; after each step the files in the folder of --out are complete for
what was done so far, so a run that is cut short loses its last step alone:
    report.txt      for people: the machine, each step's outcome, times beside PyTorch's and the limit, accuracy
    results.json    every record that was measured
    picture.svg     the same as bars
    all.tar.gz      every log, the programs with their binaries and compilers' logs

Steps: facts of the machine; an OpenCL driver, or the reason why there is none; clbn, built here or carried; every program that the
shapes need, compiled in parallel; ResNet-50 of batch 256 in float32 and float16, each shape a process; PyTorch on the same, with cuDNN
and without; batch 32 and (m, d); PyTorch; DenseNet; the accuracy suites with GPUs' kernels, in parallel.

What to carry: the tree, and the folder that `gpu-report.sh --pack FOLDER` fills on a machine of the same system: the command, the
library, the suites, an OpenCL loader. Then the GPU machine needs a driver and nothing else: no compiler, no network. Without such a
folder it needs cmake, a C compiler, OpenCL's headers and a loader. Python 3 makes the tables (without it there are only logs); PyTorch
with CUDA is measured where that Python has it.

Options:
  --pack FOLDER             build, fill the folder, and end
  --carried FOLDER          such a folder (default: "carried" in the tree, if it is there)
  --out FOLDER              where to write (default build-gpu/report)
  --device DEVICE           GPU (the default), CPU, or a part of a device's name
  --geometry GEOMETRY       auto (the default), group, vector: the kernels to time; group tries a GPU's on a CPU
  --quick                   a few small shapes, to try the script itself
  --minutes MINUTES         what does not fit is left out (default 8)
  --opencl-headers FOLDER   the folder with CL/cl.h (default: found)
  --opencl-loader FILE      libOpenCL.so (default: the carried one, else found); used by all, whatever the driver brings
  --driver FILE             an OpenCL driver that is not registered (default: NVIDIA's, AMD's and Intel's are found)
  --python PROGRAM          a Python that may have PyTorch (default python3)
  --help                    print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
build=$root/build-gpu
out=$build/report carried=$root/carried pack='' device=GPU geometry=auto quick=false minutes=8 headers='' loader='' driver=''
python=python3

die() {
    echo "gpu-report.sh: $1" >&2
    exit "${2:-1}"
}

while [ $# -gt 0 ]; do
    option=$1
    case $option in
    --help)
        usage
        exit 0
        ;;
    --quick)
        quick=true
        shift
        continue
        ;;
    --out | --pack | --carried | --device | --geometry | --minutes | --opencl-headers | --opencl-loader | --driver | --python) ;;
    *) die "there is no option $option; see --help" 2 ;;
    esac
    [ $# -gt 1 ] || die "option $option needs a value" 2
    case $option in
    --out) out=$2 ;;
    --pack) pack=$2 ;;
    --carried) carried=$2 ;;
    --device) device=$2 ;;
    --geometry) geometry=$2 ;;
    --minutes) minutes=$2 ;;
    --opencl-headers) headers=$2 ;;
    --opencl-loader) loader=$2 ;;
    --driver) driver=$2 ;;
    --python) python=$2 ;;
    esac
    shift 2
done
case $minutes in
'' | *[!0-9]*) die "--minutes takes a whole number, not '$minutes'" 2 ;;
esac

start=$(date +%s)
jobs=$(nproc 2>/dev/null || echo 2)
machine=$(uname -m)
suites_of_accuracy='exact forward backward numerics edge_cases phases fold storage views activations activation_gradients gradients
    determinism golden'

# ---- Steps

left() {
    echo $((60 * minutes - 5 - $(date +%s) + start))
}

note() {
    echo "[$(($(date +%s) - start)) s] $1" | tee -a "$work/notes.txt"
}

# The files that are handed over, as far as things are.
summarize() {
    if [ -n "$tables" ]; then
        "$tables" "$root/tools/gpu_report/report.py" "$work" "$out" >"$work/summary.log" 2>&1 || cp "$work/notes.txt" "$out/report.txt"
    else
        cat "$work/notes.txt" "$work"/bench-*.log >"$out/report.txt" 2>/dev/null
    fi
    tar -C "$work" --exclude=./cache -cf - . 2>/dev/null | gzip -1 >"$out/all.tar.gz.new" && mv "$out/all.tar.gz.new" "$out/all.tar.gz"
}

# bounded SECONDS NAME COMMAND...: runs it for at most so long and no longer than there is time; its output goes to NAME.log. Its exit
# code; 124: stopped, or there was no time.
bounded() {
    seconds=$1 name=$2
    shift 2
    [ "$(left)" -ge "$seconds" ] || seconds=$(left)
    if [ "$seconds" -lt 5 ]; then
        note "$name: left out, there was no time"
        return 124
    fi
    begun=$(date +%s) code=0
    timeout -k 5 "$seconds" "$@" >"$work/$name.log" 2>&1 || code=$?
    case $code in
    0) note "$name: done in $(($(date +%s) - begun)) s" ;;
    124 | 137) note "$name: STOPPED after $seconds s" ;;
    *) note "$name: FAILED with exit code $code: $(tail -n 1 "$work/$name.log")" ;;
    esac
    return "$code"
}

# ---- Facts, and a driver

folders="/usr/lib/$machine-linux-gnu /usr/lib64 /usr/lib /usr/local/lib /usr/local/nvidia/lib64 /usr/local/nvidia/lib
    /usr/local/cuda/lib64 /usr/local/cuda/targets/$machine-linux/lib /usr/local/cuda/compat /opt/cuda/lib64 /opt/rocm/lib
    /opt/rocm/opencl/lib /opt/amdgpu-pro/lib/x86_64-linux-gnu /usr/lib/wsl/lib /usr/lib/$machine-linux-gnu/intel-opencl"

# Prints the path of the first library of these names: in the usual folders, or of ldconfig's, without 32-bit ones.
find_library() {
    for name in "$@"; do
        for folder in $folders; do
            if [ -e "$folder/$name" ]; then
                echo "$folder/$name"
                return
            fi
        done
        path=$( (ldconfig -p || /sbin/ldconfig -p) 2>/dev/null | sed -n "s/^[[:space:]]*$name (libc6,.*=> //p" | head -n 1)
        if [ -n "$path" ]; then
            echo "$path"
            return
        fi
    done
}

find_headers() {
    for folder in "$carried/include" /usr/include /usr/local/include /usr/local/cuda/include \
        "/usr/local/cuda/targets/$machine-linux/include" /opt/cuda/include /opt/rocm/include; do
        if [ -e "$folder/CL/cl.h" ]; then
            echo "$folder"
            return
        fi
    done
}

list_facts() {
    uname -a
    id
    grep -m 1 'model name' /proc/cpuinfo
    echo "$jobs processors"
    grep MemTotal /proc/meminfo
    nvidia-smi
    rocm-smi
    for path in /dev/nvidia* /dev/kfd /dev/dri/* /etc/OpenCL/vendors/*; do
        [ ! -e "$path" ] || ls -ld "$path"
    done
    cat /etc/OpenCL/vendors/*.icd
    (ldconfig -p || /sbin/ldconfig -p) | grep -iE 'opencl|libcuda|nvvm|amdocl|igdrcl'
    for program in cmake cc python3 nvcc ncu; do
        command -v "$program"
    done
}

# Where OCL_ICD_VENDORS says which drivers there are, no others are looked for. What a driver loads lies beside it; a loader that lies
# there, too, comes after the one that was chosen.
use_drivers() {
    drivers=$driver
    if [ -z "$driver" ] && [ -z "${OCL_ICD_VENDORS:-}" ]; then
        for name in libnvidia-opencl.so.1 libamdocl64.so libigdrcl.so; do
            drivers="$drivers $(find_library "$name")"
        done
    fi
    for file in $drivers; do
        [ -e "$file" ] || die "there is no '$file'"
        mkdir -p "$work/vendors"
        echo "$file" >"$work/vendors/$(basename "$file").icd"
        libraries=$libraries:$(dirname "$file")
        note "driver: $file"
    done
    if [ -d "$work/vendors" ]; then
        for file in /etc/OpenCL/vendors/*.icd; do
            [ ! -e "$file" ] || cp "$file" "$work/vendors/"
        done
        OCL_ICD_VENDORS=$work/vendors
        export OCL_ICD_VENDORS
    fi
}

use_loader() {
    [ -n "$loader" ] || loader=$(ls "$carried/lib/libOpenCL.so.1" 2>/dev/null)
    [ -n "$loader" ] || loader=$(find_library libOpenCL.so.1 libOpenCL.so)
    libraries=
    if [ -z "$loader" ]; then
        note "there is no libOpenCL.so.1: name it with --opencl-loader, or carry one (--pack)"
        return 1
    fi
    [ -e "$loader" ] || die "there is no '$loader'"
    mkdir -p "$work/loader"
    cp -L "$loader" "$work/loader/libOpenCL.so.1"
    ln -sf libOpenCL.so.1 "$work/loader/libOpenCL.so"
    libraries=$work/loader
    note "loader: $loader"
}

# Why there is no device, as far as can be told.
say_why() {
    sed 's/^/    /' "$work/probe.log" | tee -a "$work/notes.txt"
    if [ -n "$(find_library libcuda.so.1)" ] && [ -z "$(find_library libnvidia-opencl.so.1)" ]; then
        note "CUDA's driver is here (libcuda.so.1), but not its OpenCL (libnvidia-opencl.so.1): the container or package leaves it out"
    fi
    for file in $drivers; do
        ldd "$file" 2>/dev/null | grep 'not found' | sed 's/^[[:space:]]*/    needed: /' | tee -a "$work/notes.txt"
    done
    [ -d "$work/vendors" ] || ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 || note "no OpenCL driver is installed, nor found in the usual folders"
}

# ---- clbn

compile() {
    [ -n "$headers" ] || headers=$(find_headers)
    if ! command -v cmake >/dev/null || ! command -v cc >/dev/null || [ -z "$headers" ] || [ -z "$loader" ]; then
        note "clbn cannot be built here (cmake, cc, CL/cl.h and libOpenCL.so are needed), and no folder of --pack is carried"
        return 1
    fi
    bounded 60 configure cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCLBN_TEST_STAND_IN=ON -DCLBN_BENCH_ONEDNN=OFF \
        "-DOpenCL_INCLUDE_DIR=$headers" "-DOpenCL_LIBRARY=$loader" &&
        bounded 120 build cmake --build "$build" --parallel "$jobs" --target clbn_tool clbn_gpu_plans clbn_gpu_probe
}

# Sets the folders where programs are.
find_clbn() {
    if [ -x "$carried/bin/clbn" ]; then
        programs=$carried/bin suites=$carried/bin
        libraries=$libraries:$carried/lib
        note "clbn: carried in $carried"
    else
        compile || return 1
        programs=$build/tools suites=$build/tests
        cp "$build/clbn" "$build/tools/" 2>/dev/null
    fi
}

pack_all() {
    mkdir -p "$pack/bin" "$pack/lib" "$pack/include"
    minutes=60
    use_loader && compile && bounded 600 suites cmake --build "$build" --parallel "$jobs" --target accuracy || return 1
    cp "$build/clbn" "$build/tools/clbn_gpu_plans" "$build/tools/clbn_gpu_probe" "$pack/bin/"
    for suite in $suites_of_accuracy; do
        cp "$build/tests/test_$suite" "$pack/bin/"
    done
    cp -P "$build"/host/libclbn.so* "$pack/lib/"
    cp -L "$loader" "$pack/lib/libOpenCL.so.1"
    cp -RL "$headers/CL" "$pack/include/"
    echo "packed into $pack: $(du -sh "$pack" | cut -f1)"
}

# ---- Measuring

resnet50='64,112,112 256,56,56 512,28,28 1024,14,14 2048,7,7 64,56,56 128,28,28 256,14,14 512,7,7'
densenet='128,56,56 160,56,56 320,28,28 128,14,14 640,14,14 128,7,7 768,7,7 1024,7,7'
matrices='4096,4096 65536,1024 8192,1024 16384,4096 1048576,64 256,784 60,100'

with_batch() {
    for shape in $2; do
        echo "$1,$shape"
    done
}

# What the library would enqueue on this device, and the programs for it; then each is compiled, as many at once as there are processors.
build_programs() {
    facts=$(sed -n 's/^facts: //p' "$work/probe.log")
    mkdir -p "$work/programs"
    for shape in $(with_batch 256 "$resnet50") $(with_batch 32 "$resnet50") $matrices; do
        $quick && [ "$shape" != 60,100 ] && continue
        lengths=$(echo "$shape" | tr ',' ' ')
        for type in float32 float16; do
            echo "$type none nchw $lengths"
            case $shape in *,*,*) echo "$type none nhwc $lengths" ;; esac
        done
    done >"$work/cases.txt"
    # shellcheck disable=SC2086 # words
    bounded 20 plans "$programs/clbn_gpu_plans" "$work/programs" $facts <"$work/cases.txt" || return 1
    # The inner shell expands what is in quotes.
    # shellcheck disable=SC2016
    bounded 90 programs sh -c 'for i in $(seq 0 $(($4 - 1))); do "$1" build "$2" "$3" $i $4 & done; wait' sh \
        "$programs/clbn_gpu_probe" "$name_of_device" "$work/programs" "$jobs"
}

# bench SHAPE...: each in both types, a process each, as long as there is more time than is kept for later.
bench() {
    for shape in "$@"; do
        for type in float32 float16; do
            [ "$(left)" -gt "$kept" ] || return 0
            number=$((number + 1))
            name=$(printf 'bench-%03d-%s-%s' "$number" "$(echo "$shape" | tr ',' 'x')" "$type")
            bounded 30 "$name" "$programs/clbn" bench --device "$name_of_device" --geometry "$geometry" --shapes "$shape" --type "$type" \
                --quick --no-costs --json "$work/$name.json"
        done
        summarize
    done
}

# run_torch NAME SECONDS: PyTorch on what clbn was measured on and PyTorch was not.
run_torch() {
    [ -n "$has_torch" ] || return 0
    set -- "$1" "$2" "$work"/bench-*.json
    name=$1 seconds=$2
    shift 2
    [ -e "$1" ] || return 0
    bounded $((seconds + 20)) "$name" "$python" "$root/tools/gpu_report_torch.py" --seconds "$seconds" --out "$work/$name.json" \
        --but "$work" "$@"
    summarize
}

run_suites() {
    mkdir -p "$work/suites"
    if [ "$suites" = "$build/tests" ]; then
        bounded 120 build-suites cmake --build "$build" --parallel "$jobs" --target accuracy || return 1
    fi
    list=$suites_of_accuracy
    $quick && list='exact edge_cases'
    seconds=$(left)
    [ "$seconds" -ge 10 ] || return 0
    export CLBN_TEST_DEVICE="$name_of_device" CLBN_TEST_GEOMETRY=group CLBN_CACHE_DIR=
    # A suite's exit code is written when it ends.
    # shellcheck disable=SC2016
    for suite in $list; do
        echo "$suite"
    done | xargs -P "$jobs" -I SUITE sh -c 'timeout -k 5 "$1" "$2/test_$3" >"$4/$3.log" 2>&1; echo $? >"$4/$3.code"' sh \
        $((seconds - 5)) "$suites" SUITE "$work/suites" &
    suites_process=$!
    while kill -0 $suites_process 2>/dev/null; do
        sleep 5
        summarize
    done
    note "suites: $(cat "$work"/suites/*.code | grep -cx 0) of $(echo "$list" | wc -w) passed"
    ! cat "$work"/suites/*.code | grep -qvx 0
}

measure() {
    total=$((60 * minutes)) number=0
    if $quick; then
        kept=$((total / 3))
        bench 4,64,14,14 8,32,7,7 256,128
        run_torch torch-1 30
        return
    fi
    kept=$((total * 55 / 100))
    # shellcheck disable=SC2046 # shapes are words
    bench $(with_batch 256 "$resnet50")
    run_torch torch-1 $((total / 9))
    kept=$((total * 25 / 100))
    # shellcheck disable=SC2046,SC2086
    bench $(with_batch 32 "$resnet50") $matrices
    run_torch torch-2 $((total / 9))
    kept=$((total * 22 / 100))
    # shellcheck disable=SC2046
    bench $(with_batch 32 "$densenet")
}

# ---- All of it

tables=$(command -v "$python" || command -v python3 || true)
has_torch=
mkdir -p "$out" && out=$(CDPATH='' cd -- "$out" && pwd) || die "cannot make the folder '$out'"
work=$(mktemp -d) || die "cannot make a folder for logs"
trap 'rm -rf "$work"' EXIT
# Nothing of an earlier report may pass for this one's.
rm -f "$out/report.txt" "$out/results.json" "$out/picture.svg" "$out/all.tar.gz"
if [ -n "$pack" ]; then
    pack_all
    exit
fi
trap 'note "stopped by a signal"; summarize; exit 143' INT TERM HUP
drivers='' status=0
list_facts >"$work/facts.log" 2>/dev/null
note "$(uname -sr), $jobs processors$(nvidia-smi -L 2>/dev/null | sed 's/^/, /;q')"
summarize
finish() {
    summarize
    cat "$out/report.txt"
    echo "written to $out"
    exit "$1"
}
use_loader || finish 1
use_drivers
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
find_clbn || finish 1
LD_LIBRARY_PATH=$libraries:$LD_LIBRARY_PATH
if ! bounded 60 probe "$programs/clbn_gpu_probe" facts "$device"; then
    say_why
    finish 1
fi
name_of_device=$(sed -n 's/^name: //p' "$work/probe.log")
CLBN_CACHE_DIR=$work/cache
mkdir -p -m 700 "$CLBN_CACHE_DIR"
export CLBN_CACHE_DIR
summarize
build_programs || status=1
summarize
if [ -n "$tables" ] && "$tables" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    has_torch=yes
else
    note "PyTorch: $python has none with CUDA"
fi
measure
run_suites || status=1
finish $status
