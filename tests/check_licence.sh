#!/bin/sh
# SPDX-License-Identifier: MIT
# check_licence.sh SOURCE: each file that can have a comment names its licence in one, near its beginning, as SPDX has it.
set -eu
missing=$(find "$1" \( -name 'build*' -type d -o -name .git -o -name __pycache__ \) -prune -o -type f \( -name '*.[ch]' -o -name '*.cl' -o -name '*.cpp' \
    -o -name '*.sh' -o -name '*.bash' -o -name '*.py' -o -name '*.cmake' -o -name '*.toml' -o -name '*.yml' -o -name CMakeLists.txt \) -print |
    while read -r file; do
        head -n 40 "$file" | grep -q 'SPDX-License-Identifier: MIT$\|SPDX-License-Identifier: MIT \*/$' || echo "$file"
    done)
[ -z "$missing" ] || { echo "no SPDX-License-Identifier: $missing" && exit 1; }
echo "all files name their licence"
