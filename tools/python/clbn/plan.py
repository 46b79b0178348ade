# SPDX-License-Identifier: MIT
"""clbn.Plan: one batch-norm problem on an engine, and the calls that put its work on a queue, one to one with clbn.h."""

import ctypes
from typing import Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import pyopencl as cl

from . import _header as h
from ._library import ask, ask_text, check, defaults, lib
from .engine import Engine

# What a tensor or parameter may be given as: an array, a buffer, or a buffer with an offset in elements (of a mask or a
# workspace in bytes).
View = Union["cl.array.Array", cl.Buffer, Tuple[cl.Buffer, int], None]

TYPES = {
    "float32": h.CLBN_FLOAT32,
    "float64": h.CLBN_FLOAT64,
    "float16": h.CLBN_FLOAT16,
    "bfloat16": h.CLBN_BFLOAT16,
}
_TYPE_SIZES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}

ACTIVATIONS = {
    None: h.CLBN_ACTIVATION_NONE,
    "none": h.CLBN_ACTIVATION_NONE,
    "relu": h.CLBN_ACTIVATION_RELU,
    "leaky_relu": h.CLBN_ACTIVATION_LEAKY_RELU,
    "relu6": h.CLBN_ACTIVATION_RELU6,
    "silu": h.CLBN_ACTIVATION_SILU,
    "sigmoid": h.CLBN_ACTIVATION_SIGMOID,
    "tanh": h.CLBN_ACTIVATION_TANH,
    "elu": h.CLBN_ACTIVATION_ELU,
}

OPERATIONS = {
    "forward": h.CLBN_OPERATION_FORWARD,
    "backward": h.CLBN_OPERATION_BACKWARD,
    "inference": h.CLBN_OPERATION_INFERENCE,
}


def _type_of(dtype: Any) -> Tuple[str, int]:
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in TYPES:
        raise TypeError(f"the type is {name}, expected one of {', '.join(TYPES)}")
    return name, TYPES[name]


def _set_view(view, name: str, given: View) -> None:
    if isinstance(given, tuple):
        buffer, offset = given
    elif isinstance(given, cl.MemoryObject):
        buffer, offset = given, 0
    else:
        buffer = given.base_data
        offset, remainder = divmod(given.offset, given.dtype.itemsize)
        if remainder:
            raise ValueError(f"{name} begins {given.offset} bytes into its buffer, expected whole elements")
    view.buffer = buffer.int_ptr
    view.offset = offset


class Plan:
    """One batch-norm problem on an engine: clbn_plan. Immutable and thread-safe; of a known kind it costs microseconds.

    shape: the tensor's shape, of rank 1 to 8.
    dtype: "float32", "float64", "float16" or "bfloat16", or NumPy's dtype of that name.
    parameter_dtype: of gamma, beta, their gradients, biases and running statistics; by default float64 for float64, else
        float32, which all else of channels is; for these also "float16" or "bfloat16".
    axes: the channel axis, or several: statistics are taken over all other axes.
    eps: added to the variance, at least 0.
    activation: None, "relu", "leaky_relu", "relu6", "silu", "sigmoid", "tanh" or "elu".
    leaky_slope, elu_alpha: the slope below 0 of "leaky_relu", and the alpha of "elu".
    operations: what the plan is for, of "forward", "backward" and "inference"; None for all. Fewer compile sooner.
    ghost_batch: so many entries of axis 0 have statistics of their own (ghost batches, Hoffer et al. 2017); 0: the batch is one.
    strides: of each of "x", "y", "z", "dy", "dx", "dz" that is not packed, its strides in elements.

    Raises clbn.Error with clbn's sentence.
    """

    def __init__(
        self,
        engine: Engine,
        shape: Sequence[int],
        dtype: Any = "float32",
        *,
        parameter_dtype: Any = None,
        axes: Union[int, Sequence[int]] = 1,
        eps: float = 1e-5,
        activation: Optional[str] = None,
        leaky_slope: float = 0.01,
        elu_alpha: float = 1.0,
        operations: Optional[Sequence[str]] = None,
        ghost_batch: int = 0,
        strides: Optional[Mapping[str, Sequence[int]]] = None,
    ):
        name, type_number = _type_of(dtype)
        if activation not in ACTIVATIONS:
            raise ValueError(f"the activation is {activation!r}, expected None or one of {', '.join(k for k in ACTIVATIONS if k)}")
        for operation in operations or ():
            if operation not in OPERATIONS:
                raise ValueError(f"an operation is {operation!r}, expected one of {', '.join(OPERATIONS)}")
        if not 1 <= len(shape) <= h.CLBN_MAX_RANK:
            raise ValueError(f"the tensor has {len(shape)} axes, expected 1 to {h.CLBN_MAX_RANK}")
        self.engine, self.shape, self.dtype = engine, tuple(shape), name
        self.itemsize = _TYPE_SIZES[name]
        self._handle = None
        desc = defaults(h.clbn_plan_desc)
        desc.type = type_number
        if parameter_dtype is not None:
            desc.parameter_type = _type_of(parameter_dtype)[1]
        desc.rank = len(shape)
        desc.channel_axes = axes_bits(axes, len(shape))
        desc.shape[: len(shape)] = shape
        desc.epsilon = eps
        desc.activation = ACTIVATIONS[activation]
        desc.leaky_slope = leaky_slope
        desc.elu_alpha = elu_alpha
        if ghost_batch < 0:
            raise ValueError(f"ghost_batch is {ghost_batch}, expected 0 or more")
        desc.ghost_batch = ghost_batch
        for operation in operations or ():
            desc.operations |= OPERATIONS[operation]
        for tensor, steps in (strides or {}).items():
            _set_strides(desc, tensor, steps, len(shape))
        status = ctypes.c_int32()
        handle = lib.clbnCreatePlan(engine._handle, ctypes.byref(desc), ctypes.byref(status))
        check(status.value)
        self._handle = handle

    def __del__(self):
        if getattr(self, "_handle", None):
            lib.clbnReleasePlan(self._handle)

    # ---- Facts --------------------------------------------------------------------------------------------------------

    def _size(self, name: int) -> int:
        return ask(lib.clbnGetPlanInfo, self._handle, name, ctypes.c_size_t)

    @property
    def channels(self) -> int:
        """C, the length of gamma, beta and of all statistics."""
        return self._size(h.CLBN_PLAN_CHANNELS)

    @property
    def values_per_channel(self) -> int:
        """m, the values that a channel's statistics are taken over."""
        return self._size(h.CLBN_PLAN_VALUES_PER_CHANNEL)

    @property
    def workspace_size(self) -> int:
        """Bytes of workspace that are enough for any call."""
        return self._size(h.CLBN_PLAN_WORKSPACE_SIZE)

    @property
    def renorm_workspace_size(self) -> int:
        """Bytes of workspace that are enough for batch renormalization."""
        return self._size(h.CLBN_PLAN_RENORM_WORKSPACE)

    @property
    def mask_size(self) -> int:
        """Bytes of the activation's mask; 0 if it has none."""
        return self._size(h.CLBN_PLAN_MASK_SIZE)

    @property
    def ghost_batches(self) -> int:
        """Ghost batches, each of which has a row of save_mean, save_invstd and save_var; 1 where the batch is one."""
        return self._size(h.CLBN_PLAN_GHOST_BATCHES)

    @property
    def kernels(self) -> Dict[str, str]:
        """The kernels of "forward", "inference" and "backward", in order, with spaces between."""
        names = {
            "forward": h.CLBN_PLAN_FORWARD_KERNELS,
            "inference": h.CLBN_PLAN_INFERENCE_KERNELS,
            "backward": h.CLBN_PLAN_BACKWARD_KERNELS,
        }
        return {key: ask_text(lib.clbnGetPlanInfo, self._handle, name) for key, name in names.items()}

    # ---- Calls --------------------------------------------------------------------------------------------------------
    # Each takes a queue, the views of its struct in clbn.h by name, and the events to wait for, and returns the call's event.

    def forward_training(
        self,
        queue: cl.CommandQueue,
        *,
        update_factor: float = 0.1,
        biased: bool = False,
        wait_for: Optional[Iterable[cl.Event]] = None,
        **views: View,
    ) -> cl.Event:
        """y from the batch's own statistics: x, y; optional z, gamma, beta, running_mean, running_var, save_mean,
        save_invstd, save_var, mask, workspace. running <- (1 - update_factor) running + update_factor batch, with the unbiased variance
        unless biased is true."""
        values = {"update_factor": update_factor, "running_variance": h.CLBN_BIASED if biased else h.CLBN_UNBIASED}
        return self._enqueue(_FORWARD_TRAINING, queue, views, values, wait_for)

    def forward_inference(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """y from the running statistics: x, y, running_mean, running_var; optional z, gamma, beta, mask, workspace."""
        return self._enqueue(_FORWARD_INFERENCE, queue, views, {}, wait_for)

    def backward(
        self,
        queue: cl.CommandQueue,
        *,
        dx_factor: float = 0.0,
        dgamma_factor: float = 0.0,
        dbeta_factor: float = 0.0,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """Gradients of forward training: dy, at least one of dx, dz, dgamma, dbeta; x, z, y or mask as the activation needs
        them; optional gamma, beta, save_mean, save_invstd, workspace. dx becomes dx_factor * dx + gradient, and so do dgamma
        and dbeta; at 0 the old values are not read."""
        values = {"dx_factor": dx_factor, "dgamma_factor": dgamma_factor, "dbeta_factor": dbeta_factor}
        return self._enqueue(_BACKWARD, queue, views, values, wait_for)

    def backward_frozen(
        self,
        queue: cl.CommandQueue,
        *,
        dx_factor: float = 0.0,
        dgamma_factor: float = 0.0,
        dbeta_factor: float = 0.0,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """Gradients of forward inference, whose statistics are constants: running_mean and running_var in the place of
        save_mean and save_invstd."""
        values = {"dx_factor": dx_factor, "dgamma_factor": dgamma_factor, "dbeta_factor": dbeta_factor}
        return self._enqueue(_BACKWARD_FROZEN, queue, views, values, wait_for)

    def forward_renorm(
        self,
        queue: cl.CommandQueue,
        *,
        r_max: float = 3.0,
        d_max: float = 5.0,
        update_factor: float = 0.01,
        biased: bool = True,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """y by batch renormalization (Ioffe 2017, arXiv 1702.03275): x, y, running_mean, running_var; optional z, gamma, beta,
        save_mean, save_invstd, save_var, save_r, save_d, mask, workspace (renorm_workspace_size bytes). r is clipped to
        [1 / r_max, r_max], d to [-d_max, d_max]; at 1 and 0 it is batch norm."""
        values = {
            "r_max": r_max,
            "d_max": d_max,
            "update_factor": update_factor,
            "running_variance": h.CLBN_BIASED if biased else h.CLBN_UNBIASED,
        }
        return self._enqueue(_FORWARD_RENORM, queue, views, values, wait_for)

    def backward_renorm(
        self,
        queue: cl.CommandQueue,
        *,
        dx_factor: float = 0.0,
        dgamma_factor: float = 0.0,
        dbeta_factor: float = 0.0,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """Gradients of forward_renorm, not through r and d: as backward, with save_mean, save_invstd, save_r and save_d."""
        values = {"dx_factor": dx_factor, "dgamma_factor": dgamma_factor, "dbeta_factor": dbeta_factor}
        return self._enqueue(_BACKWARD_RENORM, queue, views, values, wait_for)

    def second_backward(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """Gradients of sum(ddx * dx) + sum(ddgamma * dgamma) + sum(ddbeta * dbeta), of what the backward gives, with respect to
        x, dy and gamma: x, dy, save_mean, save_invstd, at least one of dx, ddy and dgamma; optional ddx, gamma, ddgamma, ddbeta.
        ddx lies as dx, ddy as y. Of plans without activation."""
        return self._enqueue(_SECOND_BACKWARD, queue, views, {}, wait_for)

    def second_backward_frozen(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """The same of backward_frozen: running_mean and running_var in the place of save_mean and save_invstd."""
        return self._enqueue(_SECOND_BACKWARD_FROZEN, queue, views, {}, wait_for)

    def fold(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """Folds a batch norm into the layer before it: weights (the plan's x), running_mean, running_var, folded_weights,
        folded_bias; optional bias, gamma, beta, workspace."""
        return self._enqueue(_FOLD, queue, views, {}, wait_for)

    def statistics(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """A part's record of statistics: x, statistics (CLBN_STATISTICS_ROWS * C numbers); optional workspace."""
        return self._enqueue(_STATISTICS, queue, views, {}, wait_for)

    def merge_statistics(
        self,
        queue: cl.CommandQueue,
        *,
        parts: int,
        update_factor: float = 0.1,
        biased: bool = False,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """The whole batch's statistics from its parts' records: records; optional statistics, running_mean, running_var,
        save_mean, save_invstd, save_var."""
        values = {
            "parts": parts,
            "update_factor": update_factor,
            "running_variance": h.CLBN_BIASED if biased else h.CLBN_UNBIASED,
        }
        return self._enqueue(_MERGE_STATISTICS, queue, views, values, wait_for)

    def normalize(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """A part's y from the whole batch's record: x, y, statistics; optional z, gamma, beta, mask, workspace."""
        return self._enqueue(_NORMALIZE, queue, views, {}, wait_for)

    def backward_sums(self, queue: cl.CommandQueue, *, wait_for=None, **views: View) -> cl.Event:
        """A part's record of sums: dy, save_mean, save_invstd, sums (CLBN_SUMS_ROWS * C numbers); x, z, y, mask, gamma,
        beta as in the backward; optional workspace."""
        return self._enqueue(_BACKWARD_SUMS, queue, views, {}, wait_for)

    def backward_input(
        self,
        queue: cl.CommandQueue,
        *,
        parts: int,
        dx_factor: float = 0.0,
        dgamma_factor: float = 0.0,
        dbeta_factor: float = 0.0,
        wait_for=None,
        **views: View,
    ) -> cl.Event:
        """A part's gradients from the sums of all parts: dy, records, save_mean, save_invstd, and at least one of dx, dz,
        dgamma, dbeta; the rest as in the backward."""
        factors = {"dx_factor": dx_factor, "dgamma_factor": dgamma_factor, "dbeta_factor": dbeta_factor}
        return self._enqueue(_BACKWARD_INPUT, queue, views, {"parts": parts, **factors}, wait_for)

    def _enqueue(self, call, queue, views, values, wait_for) -> cl.Event:
        function, args_type, defaults = call
        args = args_type.from_buffer_copy(defaults)
        for name, given in views.items():
            if given is not None:
                try:
                    view = getattr(args, name)
                except AttributeError:
                    raise TypeError(f"{args_type.__name__} has no view {name!r}") from None
                _set_view(view, name, given)
        for name, value in values.items():
            setattr(args, name, value)
        events, count = None, 0
        if wait_for:
            pointers = [event.int_ptr for event in wait_for]
            count = len(pointers)
            events = (ctypes.c_void_p * count)(*pointers)
        done = ctypes.c_void_p()
        check(function(self._handle, queue.int_ptr, args, count, events, done))
        return cl.Event.from_int_ptr(done.value, retain=False)


def _set_strides(desc, tensor: str, steps: Sequence[int], rank: int) -> None:
    layout = getattr(desc, f"{tensor}_layout", None)
    if layout is None:
        raise ValueError(f"strides of {tensor!r} were given, expected those of x, y, z, dy, dx or dz")
    if len(steps) != rank:
        raise ValueError(f"{tensor} has {len(steps)} strides, expected {rank}, one for each axis")
    layout.has_strides = 1
    layout.strides[:rank] = steps


def axes_bits(axes: Union[int, Sequence[int]], rank: int) -> int:
    """The channel axes as bits; negative ones count from the end."""
    bits = 0
    for axis in (axes,) if isinstance(axes, int) else axes:
        if not -rank <= axis < rank:
            raise ValueError(f"the channel axis is {axis}, expected one of a tensor of {rank} axes")
        bits |= 1 << (axis % rank)
    return bits


def _call(function: str, args_type: type):
    """A call's function, its struct, and the struct's defaults as bytes, which are copied for each call."""
    return getattr(lib, function), args_type, bytes(defaults(args_type))


_FORWARD_TRAINING = _call("clbnEnqueueForwardTraining", h.clbn_forward_training_args)
_FORWARD_INFERENCE = _call("clbnEnqueueForwardInference", h.clbn_forward_inference_args)
_BACKWARD = _call("clbnEnqueueBackward", h.clbn_backward_args)
_BACKWARD_FROZEN = _call("clbnEnqueueBackwardFrozen", h.clbn_backward_frozen_args)
_FORWARD_RENORM = _call("clbnEnqueueForwardRenorm", h.clbn_forward_renorm_args)
_BACKWARD_RENORM = _call("clbnEnqueueBackwardRenorm", h.clbn_backward_renorm_args)
_SECOND_BACKWARD = _call("clbnEnqueueSecondBackward", h.clbn_second_backward_args)
_SECOND_BACKWARD_FROZEN = _call("clbnEnqueueSecondBackwardFrozen", h.clbn_second_backward_frozen_args)
_FOLD = _call("clbnEnqueueFold", h.clbn_fold_args)
_STATISTICS = _call("clbnEnqueueStatistics", h.clbn_statistics_args)
_MERGE_STATISTICS = _call("clbnEnqueueMergeStatistics", h.clbn_merge_statistics_args)
_NORMALIZE = _call("clbnEnqueueNormalize", h.clbn_normalize_args)
_BACKWARD_SUMS = _call("clbnEnqueueBackwardSums", h.clbn_backward_sums_args)
_BACKWARD_INPUT = _call("clbnEnqueueBackwardInput", h.clbn_backward_input_args)
