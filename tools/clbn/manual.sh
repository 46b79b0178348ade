#!/bin/sh
# SPDX-License-Identifier: MIT
# manual.sh CLBN FOLDER: the pages of the manual, of clbn and of each of its commands, compressed.
set -eu
clbn=$1
folder=$2
mkdir -p "$folder"
for command in $("$clbn" --words); do
    "$clbn" "$command" --man | gzip -9n >"$folder/clbn-$command.1.gz"
done
"$clbn" --man | gzip -9n >"$folder/clbn.1.gz"
