#!/bin/sh
# Tests and measures clbn on a GPU, in one command of less than 8 minutes that needs cmake, a C compiler and the GPU's driver,
# and no network. See --help.
set -eu

usage() {
    cat <<'TEXT'
Usage: gpu-report.sh [options]

Builds clbn into build-gpu/, runs the accuracy suites on the first GPU, times ResNet-50, DenseNet and large fully connected
layers in float32 and float16, and the same with PyTorch where python3 has it with CUDA. Writes report.txt, picture.svg, JSON
and logs.

Options:
  --out FOLDER              where to write (default build-gpu/report)
  --device DEVICE           GPU (the default), CPU, or a part of a device's name
  --geometry GEOMETRY       auto (the default), group, vector: the kernels to time; group tries a GPU's on a CPU
  --quick                   a few small shapes, to try the script itself
  --minutes MINUTES         what does not fit is left out (default 8)
  --opencl-headers FOLDER   the folder with CL/cl.h (default: found)
  --opencl-loader FILE      libOpenCL.so (default: found)
  --driver FILE             an OpenCL driver that is not registered (default: NVIDIA's, AMD's and Intel's are found)
  --python PROGRAM          a Python that may have PyTorch (default python3)
  --help                    print this text
TEXT
}

root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
build=$root/build-gpu
out=$build/report
device=GPU
geometry=auto
quick=false
minutes=8
headers=${CLBN_OPENCL_HEADERS:-}
loader=${CLBN_OPENCL_LOADER:-}
driver=
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
    --out | --device | --geometry | --minutes | --opencl-headers | --opencl-loader | --driver | --python) ;;
    *) die "there is no option $option; see --help" 2 ;;
    esac
    [ $# -gt 1 ] || die "option $option needs a value" 2
    case $option in
    --out) out=$2 ;;
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
# Half a minute is for the table at the end.
deadline=$(($(date +%s) + 60 * minutes - 30))

mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
# Nothing of an earlier report may pass for this one's.
rm -f "$out"/*.json "$out"/*.log "$out"/*.txt "$out"/*.svg

say() {
    echo "== $*"
}

note() {
    echo "$1" >>"$out/notes.txt"
}

# bounded SECONDS NAME COMMAND...: runs it for at most so long and no longer than there is time; its output goes to NAME.log.
# False where it failed or had no time.
bounded() {
    seconds=$1
    name=$2
    shift 2
    left=$((deadline - $(date +%s)))
    [ "$left" -lt "$seconds" ] && seconds=$left
    if [ "$seconds" -lt 5 ]; then
        note "$name: left out, there was no time"
        return 1
    fi
    begun=$(date +%s)
    code=0
    timeout "$seconds" "$@" >"$out/$name.log" 2>&1 || code=$?
    case $code in
    0) note "$name: done in $(($(date +%s) - begun)) s" ;;
    124) note "$name: STOPPED after $seconds s" ;;
    *) note "$name: FAILED with exit code $code: $(tail -n 1 "$out/$name.log")" ;;
    esac
    return "$code"
}

# ---- OpenCL: headers and a loader to build with, and the GPU's driver

folders="/usr/lib/$(uname -m)-linux-gnu /usr/lib64 /usr/lib /usr/local/lib /usr/local/nvidia/lib64 /usr/local/nvidia/lib
    /usr/local/cuda/lib64 /usr/local/cuda/targets/$(uname -m)-linux/lib /usr/local/cuda/compat /opt/cuda/lib64 /opt/rocm/lib
    /opt/rocm/opencl/lib /opt/amdgpu-pro/lib/x86_64-linux-gnu /usr/lib/wsl/lib /usr/lib/$(uname -m)-linux-gnu/intel-opencl"

# Prints the path of the first library of these names: of ldconfig's, without 32-bit ones, or in the usual folders.
find_library() {
    for name in "$@"; do
        path=$( (ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true) |
            awk -v name="$name" '$1 == name && !/\(libc6\)/ { print $NF; exit }')
        if [ -n "$path" ]; then
            echo "$path"
            return 0
        fi
        for folder in $folders; do
            if [ -e "$folder/$name" ]; then
                echo "$folder/$name"
                return 0
            fi
        done
    done
}

find_headers() {
    for folder in /usr/include /usr/local/include /usr/local/cuda/include "/usr/local/cuda/targets/$(uname -m)-linux/include" \
        /opt/cuda/include /opt/rocm/include; do
        if [ -e "$folder/CL/cl.h" ]; then
            echo "$folder"
            return 0
        fi
    done
}

# register_driver FILE: in a folder of the report's own, if no .icd file of the system's does. What the driver itself loads lies
# beside it.
register_driver() {
    name=$(basename "$1")
    LD_LIBRARY_PATH="$(dirname "$1")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export LD_LIBRARY_PATH
    ! grep -qsF "$name" /etc/OpenCL/vendors/*.icd || return 0
    mkdir -p "$out/vendors"
    echo "$1" >"$out/vendors/$name.icd"
    note "driver: $1, which no .icd file registers"
}

# Where OCL_ICD_VENDORS says which drivers there are, no others are looked for.
register_drivers() {
    rm -rf "$out/vendors"
    if [ -n "$driver" ]; then
        [ -e "$driver" ] || die "there is no '$driver'"
        register_driver "$driver"
    elif [ -z "${OCL_ICD_VENDORS:-}" ]; then
        for name in libnvidia-opencl.so.1 libamdocl64.so libigdrcl.so; do
            path=$(find_library "$name")
            [ -z "$path" ] || register_driver "$path"
        done
    fi
    if [ -d "$out/vendors" ]; then
        for file in /etc/OpenCL/vendors/*.icd; do
            [ ! -e "$file" ] || cp "$file" "$out/vendors/"
        done
        OCL_ICD_VENDORS=$out/vendors
        export OCL_ICD_VENDORS
    fi
}

# ---- Steps

configure() {
    [ -n "$headers" ] || headers=$(find_headers)
    [ -n "$loader" ] || loader=$(find_library libOpenCL.so libOpenCL.so.1)
    [ -n "$headers" ] || die "there is no CL/cl.h: name its folder with --opencl-headers (KhronosGroup/OpenCL-Headers)"
    [ -n "$loader" ] || die "there is no libOpenCL.so: name it with --opencl-loader (KhronosGroup/OpenCL-ICD-Loader)"
    [ -e "$headers/CL/cl.h" ] || die "there is no '$headers/CL/cl.h'"
    [ -e "$loader" ] || die "there is no '$loader'"
    bounded 60 configure cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCLBN_TEST_STAND_IN=ON \
        -DCLBN_BENCH_ONEDNN=OFF "-DOpenCL_INCLUDE_DIR=$headers" "-DOpenCL_LIBRARY=$loader"
}

compile() {
    bounded 180 build cmake --build "$build" --parallel "$(nproc 2>/dev/null || echo 2)" --target clbn_tool accuracy
}

# Sets $index and $device_name to those of the wanted device.
choose_device() {
    "$build/clbn" devices --json >"$out/devices.json" 2>"$out/devices.log" || die "$(cat "$out/devices.log")"
    row=$(awk -v wanted="$device" -f "$root/tools/choose_device.awk" "$out/devices.json")
    [ -n "$row" ] || die "no device is as wanted ('$device'): $("$build/clbn" devices 2>&1 | head -n 20)"
    index=$(echo "$row" | cut -f1)
    device_name=$(echo "$row" | cut -f2)
    note "device: $device_name"
}

run_suites() {
    CLBN_TEST_DEVICE=$device_name
    export CLBN_TEST_DEVICE
    suites_s=150
    suite_s=60
    if $quick; then
        suites_s=$((30 * minutes)) # half of all, since this may be a slow device
        suite_s=$suites_s
        suites='-R ^(exact|golden|edge_cases)$'
        note "quick: no suites but exact, golden and edge_cases; no shapes but three small ones"
    else
        suites='-L accuracy'
    fi
    # The words are an option and its value; the inner shell expands what is in quotes.
    # shellcheck disable=SC2086,SC2016
    bounded "$suites_s" tests sh -c 'cd "$0" && exec ctest "$@"' "$build" $suites --output-on-failure --timeout "$suite_s"
}

# bench NAME SECONDS SHAPES OPTION...
bench() {
    name=$1
    seconds=$2
    shapes=$3
    shift 3
    say "measuring $name"
    bounded "$seconds" "bench-$name" "$build/clbn" bench --device "$index" --geometry "$geometry" --shapes "$shapes" \
        --type float32,float16 --json "$out/bench-$name.json" "$@" || true
}

# run_torch NAME SECONDS: the cases of the JSON file of bench NAME.
run_torch() {
    file=$out/bench-$1.json
    [ -e "$file" ] || return 0
    if ! $has_torch; then
        note "torch-$1: left out, $python has no PyTorch with CUDA"
        return 0
    fi
    say "measuring $1 with PyTorch"
    bounded "$2" "torch-$1" "$python" "$root/tools/gpu_report_torch.py" --seconds $(($2 - 20)) --out "$out/torch-$1.json" \
        "$file" || true
}

# What matters most comes first, lest there be no time for it.
measure() {
    has_torch=false
    if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then has_torch=true; fi
    if $quick; then
        bench 1-small $((20 * minutes)) 4,64,14,14+8,32,7,7+256,128 --quick
        run_torch 1-small 60
        return 0
    fi
    batch256=256,64,112,112+256,64,56,56+256,256,56,56+256,128,28,28+256,512,28,28+256,256,14,14+256,1024,14,14+256,512,7,7
    bench 1-resnet50 140 resnet50
    run_torch 1-resnet50 60
    bench 2-resnet50-batch256 90 "$batch256+256,2048,7,7" --quick
    bench 3-fully-connected 60 mlp+65536,1024+1048576,64+16384,4096 --quick
    bench 4-densenet 60 densenet --quick
    run_torch 2-resnet50-batch256 50
    run_torch 3-fully-connected 40
    run_torch 4-densenet 60
}

# Nothing is written where nothing was measured.
write_tables() {
    set --
    for file in "$out"/bench-*.json "$out"/torch-*.json; do
        [ ! -e "$file" ] || set -- "$@" "$file"
    done
    [ $# -gt 0 ] || return 0
    awk -f "$root/tools/bench_records.awk" -f "$root/tools/gpu_report_table.awk" "$@" >>"$out/report.txt"
    awk -f "$root/tools/bench_records.awk" -f "$root/tools/gpu_report_picture.awk" "$@" >"$out/picture.svg"
}

write_report() {
    cp "$out/notes.txt" "$out/report.txt"
    if [ -e "$out/tests.log" ]; then
        echo
        grep -E 'Test +#|tests passed|FAILED' "$out/tests.log" || true
        echo
    fi >>"$out/report.txt"
    write_tables
}

status=0
say "finding OpenCL"
register_drivers
say "building into $build"
configure || die "cmake failed: see $out/configure.log"
compile || die "the build failed: see $out/build.log"
choose_device
say "testing on $device_name"
run_suites || status=1
measure
write_report
cat "$out/report.txt"
say "written to $out"
exit $status
