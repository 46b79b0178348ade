# SPDX-License-Identifier: MIT
"""libclbn, loaded, and its statuses as exceptions."""

import ctypes
import os
import pathlib

from . import _header as h


class Error(RuntimeError):
    """A call of clbn failed: `status` is its number, `name` the number's name, and the message clbn's own sentence."""

    def __init__(self, status: int, name: str, sentence: str):
        super().__init__(f"{name}: {sentence}" if sentence else name)
        self.status = status
        self.name = name


def _candidates():
    """Where the library may lie: the path that CLBN_LIBRARY names, else in this package, else where the system looks."""
    named = os.environ.get("CLBN_LIBRARY")
    if named:
        return [named]
    here = pathlib.Path(__file__).parent / "lib"
    soname = f"libclbn.so.{h.CLBN_VERSION_MAJOR}.{h.CLBN_VERSION_MINOR}"
    return [str(path) for path in sorted(here.glob("libclbn.so*"))] + [soname, "libclbn.so"]


def _load():
    reasons = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            break
        except OSError as error:
            reasons.append(str(error))
    else:
        raise ImportError("libclbn cannot be loaded (CLBN_LIBRARY may name it): " + "; ".join(reasons))
    for name, (result, arguments) in h.FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


lib = _load()

_version = lib.clbnVersion().decode()
_expected = f"{h.CLBN_VERSION_MAJOR}.{h.CLBN_VERSION_MINOR}."
if not _version.startswith(_expected):
    raise ImportError(f"libclbn is version {_version}, expected {_expected}x, as this package was made for")


def check(status: int) -> None:
    """Raises Error unless the status is 0."""
    if status:
        raise Error(status, lib.clbnStatusName(status).decode(), lib.clbnLastError().decode())


def defaults(struct_type):
    """A struct of clbn.h with its defaults, struct_size among them."""
    value = struct_type()
    which = getattr(h, "CLBN_STRUCT_" + struct_type.__name__[len("clbn_") :].upper())
    check(lib.clbnGetDefaults(which, ctypes.sizeof(value), ctypes.byref(value), None))
    return value


def ask(function, handle, name: int, ctype):
    """A number that clbnGetEngineInfo or clbnGetPlanInfo gives."""
    value = ctype()
    check(function(handle, name, ctypes.sizeof(value), ctypes.byref(value), None))
    return value.value


def ask_text(function, handle, name: int) -> str:
    size = ctypes.c_size_t()
    check(function(handle, name, 0, None, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    check(function(handle, name, size.value, text, None))
    return text.value.decode()
