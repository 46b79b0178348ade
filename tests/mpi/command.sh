#!/bin/sh
# SPDX-License-Identifier: MIT
# command.sh MPIEXEC CLBN WITHOUT: what 'clbn train' refuses on several processes; each time all end, and mpirun has a status that is not 0.
# WITHOUT is the command that was built without MPI.
set -eu
here=$(dirname "$0") mpiexec=$1 clbn=$2 without=$3

# refuses SENTENCE PROCESSES ARGUMENT...
refuses() {
    sentence=$1 processes=$2
    shift 2
    if answer=$("$here/run.sh" "$mpiexec" "$processes" "$clbn" train "$@" 2>&1); then
        echo "FAILED: 'train $*' on $processes processes is no failure: $answer"
        exit 1
    fi
    case $answer in
    *"$sentence"*) echo "ok: $sentence" ;;
    *)
        echo "FAILED: 'train $*' on $processes processes: no '$sentence' in: $answer"
        exit 1
        ;;
    esac
}

refuses '2 processes were started, but --model cnn trains on one alone' 2 --model cnn
refuses 'a batch of 2 images has none for some of 3 processes' 3 --batch 2
refuses 'nowhere' 2 --data /nowhere
clbn=$without
refuses 'this clbn was built without MPI' 2 --data /nowhere
