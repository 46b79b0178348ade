#!/bin/sh
# Registers, spills and shared memory of the kernels that keep channels on chip, as NVIDIA's assembler counts them: no GPU is
# needed, but clang with its NVPTX back end, libclc of the same LLVM, and ptxas of a CUDA toolkit.
#
#   tools/count-registers.sh PTXAS [CLANG [LIBCLC.bc [ARCHITECTURE]]]
#
# The driver's own compiler may count a little differently: it is not clang. A group's size limits what the assembler may use.
set -eu
ptxas=${1:?usage: tools/count-registers.sh PTXAS [CLANG [LIBCLC.bc [ARCHITECTURE]]]}
clang=${2:-clang-15}
libclc=${3:-/usr/lib/clc/nvptx64--nvidiacl.bc}
architecture=${4:-sm_90}
kernels=$(cd "$(dirname "$0")/../kernels" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Vendors' compilers convert halves by an instruction; libclc computes them.
cat > "$work/halves.h" <<'END'
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
static inline __attribute__((overloadable)) float8 load_halves(const __private half *p)
{
    return __builtin_convertvector(*(const __private half8 *)p, float8);
}
static inline __attribute__((overloadable)) void store_halves(float8 v, __private half *p)
{
    *(__private half8 *)p = __builtin_convertvector(v, half8);
}
#define vload_half8(i, p) load_halves(p)
#define vstore_half8_rte(v, i, p) store_halves(v, p)
END

# count TYPE VECTOR ACTIVATION LAYOUT GROUP KEPT SHELVED
count()
{
    # float64 merges in pairs of doubles.
    wide=wide_double in_double=1
    if [ "$1" = 2 ]; then
        wide=wide_pair in_double=0
    fi
    for name in common activation spans "$wide" moments sums division layout backward_tensors coefficients records finish \
        "${4}_walk" "${4}_forward" "${4}_backward" resident "resident_$4" "resident_${4}_backward"; do
        cat "$kernels/$name.cl"
    done > "$work/kernels.cl"
    "$clang" -x cl -cl-std=CL1.2 -O3 -w -include "$work/halves.h" -Xclang -finclude-default-header \
        -target nvptx64-nvidia-nvcl -Xclang -mlink-bitcode-file -Xclang "$libclc" -Xclang -cl-ext=+cl_khr_fp16 \
        -Xclang -target-cpu -Xclang sm_80 -Xclang -target-feature -Xclang +ptx70 \
        "-DCLBN_TYPE=$1" "-DCLBN_VECTOR=$2" "-DCLBN_ACTIVATION=$3" "-DCLBN_GROUP=$5" "-DCLBN_KEPT=$6" "-DCLBN_SHELVED=$7" \
        -DCLBN_UNROLLED=1 -DCLBN_ALIGNED=1 -DCLBN_FETCH=0 -DCLBN_SHORT_NAN=0 -DCLBN_SPAN=1 "-DCLBN_WIDE_DOUBLE=$in_double" \
        -DCLBN_INDEX=32 -DCLBN_ROW_AXES=1 -DCLBN_CHANNEL_AXES=1 -S -o "$work/kernels.ptx" "$work/kernels.cl"
    "$ptxas" "-arch=$architecture" -maxntid "$5" -v "$work/kernels.ptx" -o "$work/kernels.bin" 2>&1 |
        awk -v type="$1" -v activation="$3" -v group="$5" -v size="$5 x ($6 + $7)" '
            BEGIN { split("float32 float64 float16 bfloat16", types, " ") }
            /Compiling entry function/ { split($0, part, "\047"); kernel = part[2] }
            /spill stores/ && !spills[kernel] { spills[kernel] = $5 }
            /Used [0-9]+ registers/ && kernel ~ /^resident/ {
                registers = $5
                shared = 0
                for (i = 6; i < NF; i++)
                    if ($(i + 2) ~ /^smem/)
                        shared = $i
                granted = int((registers + 7) / 8) * 8
                printf "| %s | %s | %s | %s | %d | %d | %d | %d |\n", kernel, types[type], activation ? "ReLU" : "none",
                       size, registers, spills[kernel], shared, int(65536 / (granted * group))
            }'
}

echo "| kernel | type | activation | size | registers | spilled bytes | shared bytes | groups to a unit |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
# As the tables of sizes in host/schedule/resident.c.
for type in "1 4" "3 8" "4 8" "2 2"; do
    for activation in 0 1; do
        for size in "256 4 0" "256 16 0"; do
            # shellcheck disable=SC2086 # words
            count $type $activation rows $size
            # shellcheck disable=SC2086
            count $type $activation columns $size
        done
        # shellcheck disable=SC2086
        count $type $activation rows 512 21 5
        # shellcheck disable=SC2086
        count $type $activation columns 512 20 0
    done
done
