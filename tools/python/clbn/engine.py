# SPDX-License-Identifier: MIT
"""clbn.Engine: the programs of one OpenCL device in one context."""

import ctypes
from typing import Optional

import pyopencl as cl

from . import _header as h
from ._library import ask, ask_text, check, defaults, lib

_GEOMETRIES = {"auto": h.CLBN_GEOMETRY_AUTO, "vector": h.CLBN_GEOMETRY_VECTOR, "group": h.CLBN_GEOMETRY_GROUP}


class Engine:
    """The compiled programs for one device of a context, and the choice of kernels: clbn_engine.

    Thread-safe. Programs are compiled when the first plan of a kind is created.

    context: a pyopencl.Context.
    device: one of its devices; by default its only one.
    geometry: "auto", "vector" (one work-item to a group and wide vectors, for CPUs) or "group" (work-groups, for GPUs).
    flags: CLBN_ENGINE_* of clbn.h.

    Raises clbn.Error with clbn's sentence.
    """

    def __init__(self, context: cl.Context, device: Optional[cl.Device] = None, *, geometry: str = "auto", flags: int = 0):
        if geometry not in _GEOMETRIES:
            raise ValueError(f"geometry is {geometry!r}, expected one of {', '.join(_GEOMETRIES)}")
        if device is None:
            if len(context.devices) != 1:
                raise ValueError(f"the context has {len(context.devices)} devices, expected device= to say which")
            device = context.devices[0]
        options = defaults(h.clbn_engine_options)
        options.geometry = _GEOMETRIES[geometry]
        options.flags = flags
        status = ctypes.c_int32()
        self.context, self.device = context, device
        self._handle = None
        handle = lib.clbnCreateEngine(context.int_ptr, device.int_ptr, ctypes.byref(options), ctypes.byref(status))
        check(status.value)
        self._handle = handle

    def __del__(self):
        if getattr(self, "_handle", None):
            lib.clbnReleaseEngine(self._handle)

    @property
    def has_float64(self) -> bool:
        """Whether float64 plans can be created."""
        return bool(ask(lib.clbnGetEngineInfo, self._handle, h.CLBN_ENGINE_HAS_FLOAT64, ctypes.c_uint32))

    @property
    def geometry(self) -> str:
        """The geometry in use: "vector" or "group"."""
        number = ask(lib.clbnGetEngineInfo, self._handle, h.CLBN_ENGINE_GEOMETRY, ctypes.c_uint32)
        return next(name for name, value in _GEOMETRIES.items() if value == number)

    @property
    def merge_type(self) -> str:
        """How float32 plans merge statistics: "double" or "float-float"."""
        return ask_text(lib.clbnGetEngineInfo, self._handle, h.CLBN_ENGINE_MERGE_TYPE)

    @property
    def cache_folder(self) -> str:
        """Where programs and tuning are kept on disk; empty if they are not."""
        return ask_text(lib.clbnGetEngineInfo, self._handle, h.CLBN_ENGINE_CACHE_FOLDER)
