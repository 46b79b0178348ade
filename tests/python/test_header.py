# SPDX-License-Identifier: MIT
"""The package's structs are laid out as the C compiler lays out those of clbn.h, and its constants have their values there."""

import ctypes
import os
import shutil
import subprocess

import pytest

from clbn import _header as h

STRUCTS = {n: t for n, t in vars(h).items() if isinstance(t, type) and issubclass(t, ctypes.Structure)}
CONSTANTS = {n: v for n, v in vars(h).items() if n.startswith("CLBN_")}


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_layout(tmp_path):
    lines = ["#include <clbn.h>", "#include <stdio.h>", "int main(void) {"]
    expected = []
    for name, value in CONSTANTS.items():
        lines.append(f'printf("{name} %lld\\n", (long long)({name}));')
        expected.append(f"{name} {value}")
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        expected.append(f"{name} {ctypes.sizeof(struct)}")
        for member, _ in struct._fields_:
            lines.append(f'printf("{name}.{member} %zu %zu\\n", offsetof({name}, {member}), sizeof((({name} *)0)->{member}));')
            field = getattr(struct, member)
            expected.append(f"{name}.{member} {field.offset} {field.size}")
    source = tmp_path / "layout.c"
    source.write_text("\n".join(lines + ["return 0; }"]))
    include = os.environ["CLBN_INCLUDE"]
    subprocess.run(["cc", "-I", include, str(source), "-o", str(tmp_path / "layout")], check=True)
    found = subprocess.run([str(tmp_path / "layout")], check=True, capture_output=True, text=True).stdout.splitlines()
    assert found == expected


def test_all_is_there():
    assert len(STRUCTS) > 10 and len(CONSTANTS) > 60 and len(h.FUNCTIONS) > 20
