#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh MPIEXEC PROCESSES PROGRAM [ARGUMENT...]: more processes than cores, which yield while they wait, as root too; PoCL has a
# thread to each; nothing is shared by means that containers forbid.
set -eu
mpiexec=$1 processes=$2
shift 2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe # Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export POCL_MAX_PTHREAD_COUNT=1
exec "$mpiexec" -n "$processes" "$@"
