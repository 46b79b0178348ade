# SPDX-License-Identifier: MIT
"""Batch normalization on any OpenCL device: pyopencl arrays, or NumPy arrays, in and out.

    y, saved = clbn.batch_norm(x, gamma, beta)                     # forward training
    dx, dgamma, dbeta, dz = clbn.batch_norm_backward(dy, x, saved, gamma, beta)

Below these, clbn.Engine and clbn.Plan are the objects of clbn.h one to one.
"""

from ._library import Error
from .engine import Engine
from .functional import Gradients, Saved, batch_norm, batch_norm_backward, clear_cache, fold
from .plan import Plan

__all__ = ["Engine", "Error", "Gradients", "Plan", "Saved", "batch_norm", "batch_norm_backward", "clear_cache", "fold"]
