# SPDX-License-Identifier: MIT
"""Runs the clbn command that the package carries: clbn, or python3 -m clbn."""

import os
import pathlib
import sys


def main() -> None:
    command = str(pathlib.Path(__file__).parent / "bin" / "clbn")
    try:
        os.execv(command, [command] + sys.argv[1:])
    except OSError as error:
        sys.exit(f"clbn: {command} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()
