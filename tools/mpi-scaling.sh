#!/bin/sh
# Builds clbn with MPI into build-mpi/, and prints a table: the time of a call of clbn_mpi over 1, 2, 4 and 8 processes of this machine.
# CLBN_RANKS names other numbers of processes, CLBN_MPIRUN what starts them with '-n N PROGRAM', for example on several machines.
set -eu
# SPDX-License-Identifier: MIT

case ${1:-} in
-h | --help)
    echo 'Usage: mpi-scaling.sh'
    sed -n '2,/^set/ { /^set/d; s/^# //; p; }' "$0"
    exit 0
    ;;
?*)
    echo "mpi-scaling.sh: it takes nothing, but was given $1" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-mpi
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCLBN_MPI=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target clbn_mpi_scaling >/dev/null

# As root, and with more processes than cores, Open MPI runs only where it is told so; a core of PoCL's is enough for each.
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe # Open MPI 5
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
[ -n "${CLBN_MPIRUN:-}" ] || export POCL_MAX_PTHREAD_COUNT=1

echo "$(nproc) cores; kilobytes that a call brings to each process, milliseconds of a call, and of an MPI_Allgather of as much as a forward's;"
echo "then of a forward whose exchange takes 5 ms longer, and three forwards that need nothing of it, enqueued after it and within it:"
echo
echo '| processes | batch | forward kB | backward kB | forward ms | backward ms | exchange ms | others after, ms | within, ms |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'
for ranks in ${CLBN_RANKS:-1 2 4 8}; do
    # What starts processes may have options of its own.
    # shellcheck disable=SC2086
    ${CLBN_MPIRUN:-mpirun} -n "$ranks" "$build/tools/mpi_scaling"
done
