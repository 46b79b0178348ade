# SPDX-License-Identifier: MIT
"""Batch normalization of arrays in one call: pyopencl's, or NumPy's for those who have no queue."""

import threading
from collections import OrderedDict
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array

from .engine import Engine
from .plan import TYPES, Plan

Array = Union[cl_array.Array, np.ndarray]
Axes = Union[int, Sequence[int]]

# Queues, and plans of each, that are remembered; the ones not used for longest are forgotten first.
MOST_QUEUES = 64
MOST_PLANS = 1024


class Saved(NamedTuple):
    """What a forward leaves for its backward.

    mean, invstd: of the batch, one value for each channel, or a row of them for each ghost batch; where the statistics were
        frozen (training=False), the running mean and the running VARIANCE.
    mask: the activation's slope as bits, if save_mask was asked for.
    r, d: of batch renormalization, one value for each channel; else None.
    """

    mean: Array
    invstd: Array
    mask: Optional[cl_array.Array]
    frozen: bool
    eps: float
    axis: Axes
    activation: Optional[str]
    ghost_batch: int = 0
    r: Optional[Array] = None
    d: Optional[Array] = None


class Gradients(NamedTuple):
    """dx and dz have x's shape, dgamma and dbeta one value for each channel; None where it was not asked for."""

    dx: Optional[Array]
    dgamma: Optional[Array]
    dbeta: Optional[Array]
    dz: Optional[Array]


# ---- Plans of a queue -------------------------------------------------------------------------------------------------------


class _Plans:
    """The plans of one queue, whose handle cannot be another queue's as long as it is held here."""

    def __init__(self, queue: cl.CommandQueue, engine: Engine):
        self.queue, self.engine = queue, engine
        self.plans: "OrderedDict[tuple, Tuple[Plan, int]]" = OrderedDict()

    def find(
        self, x: cl_array.Array, parameters, others, axis: Axes, eps: float, activation: Optional[str], ghost_batch: int = 0
    ) -> Tuple[Plan, int]:
        """The plan for x, the type of parameters, and the other tensors, given by their names in clbn.h, and its channels."""
        key = (x.shape, x.dtype, parameters, x.strides, axis, eps, activation, ghost_batch)
        key += tuple((n, t.strides) for n, t in others if t is not None)
        found = self.plans.get(key)
        if found is None:
            plan = _create_plan(self.engine, x, parameters, others, axis, eps, activation, ghost_batch)
            found = self.plans[key] = plan, plan.channels
            if len(self.plans) > MOST_PLANS:
                self.plans.popitem(last=False)
        return found


_lock = threading.Lock()
_queues: "OrderedDict[int, _Plans]" = OrderedDict()
_default_queue: Optional[cl.CommandQueue] = None


def _plans_of(queue: cl.CommandQueue) -> _Plans:
    handle = queue.int_ptr
    with _lock:
        found = _queues.get(handle)
        if found is not None:
            _queues.move_to_end(handle)
            return found
        engines = [p.engine for p in _queues.values()]
        same = [e for e in engines if e.context == queue.context and e.device == queue.device]
        found = _queues[handle] = _Plans(queue, same[0] if same else Engine(queue.context, queue.device))
        if len(_queues) > MOST_QUEUES:
            _queues.popitem(last=False)
        return found


def clear_cache() -> None:
    """Forgets all queues, engines and plans that the functions here have made."""
    global _default_queue
    with _lock:
        _queues.clear()
        _default_queue = None


def _strides_in_elements(tensor: cl_array.Array) -> Tuple[int, ...]:
    return tuple(step // tensor.dtype.itemsize for step in tensor.strides)


def _create_plan(engine: Engine, x, parameters, others, axis, eps, activation, ghost_batch) -> Plan:
    strides = {"x": _strides_in_elements(x)}
    for name, tensor in others:
        if tensor is None:
            continue
        if tensor.shape != x.shape or tensor.dtype != x.dtype:
            raise ValueError(f"{name} is {tensor.dtype} {tensor.shape}, expected {x.dtype} {x.shape}, as x")
        strides[name] = _strides_in_elements(tensor)
    if x.dtype.name not in TYPES:
        raise TypeError(f"x is {x.dtype}, expected one of {', '.join(TYPES)}")
    return Plan(
        engine, x.shape, x.dtype, parameter_dtype=parameters, axes=axis, eps=eps, activation=activation,
        ghost_batch=ghost_batch, strides=strides,
    )  # fmt: skip


# ---- Arguments --------------------------------------------------------------------------------------------------------------


def _real_of(dtype: np.dtype) -> np.dtype:
    """The type that a tensor's is computed in: of a batch's statistics, and of parameters unless they are given in 16 bits."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def _parameter_type(dtype: np.dtype, *parameters) -> np.dtype:
    given = next((p.dtype for p in parameters if p is not None and hasattr(p, "dtype")), None)
    return given if given is not None and given.itemsize == 2 and given.name in TYPES else _real_of(dtype)


def _check_parameters(channels: int, real: np.dtype, **parameters) -> None:
    for name, p in parameters.items():
        if p is None:
            continue
        if not isinstance(p, cl_array.Array):
            raise TypeError(f"{name} is a {type(p).__name__}, expected a pyopencl array, as x")
        if p.dtype != real or p.size != channels:
            raise ValueError(f"{name} is {p.dtype} of {p.size} elements, expected {real} of {channels}")
        if p.size > 1 and not p.flags.forc:
            raise ValueError(f"{name} has gaps between its elements, expected none")


def _queue_of(x: cl_array.Array, queue: Optional[cl.CommandQueue]) -> cl.CommandQueue:
    queue = queue or x.queue
    if queue is None:
        raise ValueError("x has no queue, expected queue=")
    return queue


def _events_of(arrays) -> List[cl.Event]:
    return [event for a in arrays if a is not None for event in a.events]


def _add_event(event: cl.Event, *arrays) -> None:
    for a in arrays:
        if a is not None:
            a.add_event(event)


def _empty_like(x: cl_array.Array, queue: cl.CommandQueue) -> cl_array.Array:
    """An array of x's shape and order of axes; packed, where x has gaps or repeats elements."""
    order = "F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C"
    if x.flags.forc or 0 in x.strides:
        return cl_array.empty(queue, x.shape, x.dtype, order=order)
    by_stride = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    strides, step = [0] * x.ndim, x.dtype.itemsize
    for axis in reversed(by_stride):
        strides[axis] = step
        step *= x.shape[axis]
    flat = cl_array.empty(queue, (x.size,), x.dtype)
    return cl_array.Array(queue, x.shape, x.dtype, data=flat.base_data, strides=tuple(strides))


# ---- NumPy ------------------------------------------------------------------------------------------------------------------


def _own_queue() -> cl.CommandQueue:
    global _default_queue
    if _default_queue is None:
        _default_queue = cl.CommandQueue(cl.create_some_context(interactive=False))
    return _default_queue


def _to_device(queue: cl.CommandQueue, array: Optional[np.ndarray]) -> Optional[cl_array.Array]:
    return None if array is None else cl_array.to_device(queue, np.ascontiguousarray(array))


def _to_host(array: Optional[cl_array.Array]) -> Optional[np.ndarray]:
    return None if array is None else array.get()


# ---- Functions --------------------------------------------------------------------------------------------------------------


def batch_norm(
    x: Array,
    gamma: Optional[Array] = None,
    beta: Optional[Array] = None,
    running_mean: Optional[Array] = None,
    running_var: Optional[Array] = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    axis: Axes = 1,
    activation: Optional[str] = None,
    residual: Optional[Array] = None,
    out: Optional[Array] = None,
    queue: Optional[cl.CommandQueue] = None,
    unbiased: bool = True,
    save_mask: bool = False,
    ghost_batch: int = 0,
    renorm: Optional[Tuple[float, float]] = None,
) -> Tuple[Array, Saved]:
    """y = activation(gamma * (x - mean) / sqrt(var + eps) + beta + residual), and what its backward needs.

    x: of any shape, float32, float64, float16 or bfloat16: a pyopencl array of any strides and offset, or a NumPy array,
        which is copied to a device and back.
    gamma, beta: one value for each channel, float32 (float64 where x is), or 16-bit as all parameters then are; 1 and 0 by
        default.
    running_mean, running_var: likewise; both or neither. In training they are updated in place,
        running <- (1 - momentum) running + momentum batch; else they are the statistics.
    training: whether the statistics are the batch's.
    momentum: the weight of the new batch, in [0, 1], as in PyTorch; 1 minus that of ONNX and Keras.
    axis: the channel axis, or several; statistics are taken over all others.
    activation: None, "relu", "leaky_relu", "relu6", "silu", "sigmoid", "tanh" or "elu".
    residual: of x's shape and type.
    out: where y goes; may be x. By default a new array.
    queue: by default x's.
    unbiased: whether the running variance is the unbiased one, as in PyTorch; ONNX and Keras take the biased one.
    save_mask: keep the activation's slope as bits ("relu", "leaky_relu", "relu6"), so that the backward needs neither
        residual nor y for it.

    ghost_batch: in training, so many entries of axis 0 have statistics of their own, and update the running ones in turn (ghost
        batches, Hoffer et al. 2017, arXiv 1705.08741); 0: the batch is one.

    renorm: in training, (r_max, d_max), at least (1, 0): batch renormalization (Ioffe 2017, arXiv 1702.03275) with these bounds;
        it needs the running statistics, and knows no ghost batches.

    The call enqueues and returns; it waits for the events of the arrays it reads, and adds its own to those it writes.
    Raises clbn.Error with clbn's sentence; ValueError or TypeError for arrays that do not go together.
    Ioffe & Szegedy 2015, arXiv 1502.03167.
    """
    if isinstance(x, np.ndarray):
        return _batch_norm_of_numpy(
            x, gamma, beta, running_mean, running_var, residual, out, queue,
            training=training, momentum=momentum, eps=eps, axis=axis, activation=activation, unbiased=unbiased,
            save_mask=save_mask, ghost_batch=ghost_batch, renorm=renorm,
        )  # fmt: skip
    queue = _queue_of(x, queue)
    y = out if out is not None else _empty_like(x, queue)
    parameters = _parameter_type(x.dtype, gamma, beta, running_mean, running_var)
    ghost_batch = ghost_batch if training else 0
    plan, channels = _plans_of(queue).find(x, parameters, (("y", y), ("z", residual)), axis, eps, activation, ghost_batch)
    _check_parameters(channels, parameters, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var)
    mask = cl_array.empty(queue, (plan.mask_size,), np.uint8) if save_mask else None
    views = {"x": x, "y": y, "z": residual, "gamma": gamma, "beta": beta, "mask": mask}
    views.update(running_mean=running_mean, running_var=running_var)
    wait_for = _events_of((x, out, residual, gamma, beta, running_mean, running_var))
    if training and renorm is not None:
        real = _real_of(x.dtype)
        saved = [cl_array.empty(queue, (channels,), real) for _ in range(4)]
        views.update(zip(("save_mean", "save_invstd", "save_r", "save_d"), saved))
        event = plan.forward_renorm(
            queue, r_max=renorm[0], d_max=renorm[1], update_factor=momentum, biased=not unbiased, wait_for=wait_for, **views
        )
        _add_event(event, y, *saved, mask, running_mean, running_var)
        return y, Saved(saved[0], saved[1], mask, False, eps, axis, activation, 0, saved[2], saved[3])
    if training:
        real = _real_of(x.dtype)
        saved_shape = (plan.ghost_batches, channels) if ghost_batch else (channels,)
        mean, invstd = cl_array.empty(queue, saved_shape, real), cl_array.empty(queue, saved_shape, real)
        event = plan.forward_training(
            queue, update_factor=momentum, biased=not unbiased, save_mean=mean, save_invstd=invstd, wait_for=wait_for, **views
        )
        _add_event(event, y, mean, invstd, mask, running_mean, running_var)
    else:
        mean, invstd = running_mean, running_var
        event = plan.forward_inference(queue, wait_for=wait_for, **views)
        _add_event(event, y, mask)
    return y, Saved(mean, invstd, mask, not training, eps, axis, activation, ghost_batch)


def _batch_norm_of_numpy(x, gamma, beta, running_mean, running_var, residual, out, queue, **options):
    queue = queue or _own_queue()
    on_device = [_to_device(queue, a) for a in (x, gamma, beta, running_mean, running_var)]
    y, saved = batch_norm(*on_device, residual=_to_device(queue, residual), queue=queue, **options)
    if options["training"]:
        for host, device in ((running_mean, on_device[3]), (running_var, on_device[4])):
            if host is not None:
                host[...] = device.get().reshape(host.shape)
    result = _to_host(y)
    if out is not None:
        out[...] = result
        result = out
    on_host = {name: _to_host(getattr(saved, name)) for name in ("mean", "invstd", "r", "d")}
    return result, saved._replace(**on_host)


def batch_norm_backward(
    dy: Array,
    x: Array,
    saved: Saved,
    gamma: Optional[Array] = None,
    beta: Optional[Array] = None,
    *,
    residual: Optional[Array] = None,
    y: Optional[Array] = None,
    needs: Sequence[str] = ("dx", "dgamma", "dbeta"),
    out: Optional[Array] = None,
    queue: Optional[cl.CommandQueue] = None,
) -> Gradients:
    """The gradients of batch_norm, given dy, that of y.

    dy, x: of one shape and type; dy's strides may be 0, as those of an expanded number's are.
    saved: of the forward, whose eps, axis, activation and kind of statistics hold.
    gamma, beta, residual: as the forward had them. beta and residual are needed where there is an activation and neither its
        mask was saved nor y is given.
    y: the forward's output, in the place of the residual.
    needs: which of "dx", "dgamma", "dbeta" and "dz" (the residual's gradient) to compute.
    out: where dx goes; may be dy.

    dgamma and dbeta have gamma's type, or float32 (float64 where x is). Events, queue and errors as batch_norm's.
    """
    unknown = set(needs) - set(Gradients._fields)
    if unknown or not needs:
        raise ValueError(f"needs is {tuple(needs)}, expected one or more of {', '.join(Gradients._fields)}")
    if isinstance(x, np.ndarray):
        queue = queue or _own_queue()
        on_device = [_to_device(queue, a) for a in (dy, x)]
        kept = saved._replace(**{name: _to_device(queue, getattr(saved, name)) for name in ("mean", "invstd", "r", "d")})
        parameters = [_to_device(queue, a) for a in (gamma, beta)]
        tensors = {"residual": _to_device(queue, residual), "y": _to_device(queue, y)}
        found = batch_norm_backward(*on_device, kept, *parameters, needs=needs, queue=queue, **tensors)
        result = Gradients(*(_to_host(a) for a in found))
        if out is not None and result.dx is not None:
            out[...] = result.dx
            result = result._replace(dx=out)
        return result
    queue = _queue_of(x, queue)
    dx = (out if out is not None else _empty_like(x, queue)) if "dx" in needs else None
    dz = _empty_like(x, queue) if "dz" in needs else None
    if saved.mask is not None or y is not None:
        residual = None
    given_y = y if saved.mask is None and saved.activation is not None else None
    others = (("dy", dy), ("dx", dx), ("dz", dz), ("z", residual), ("y", given_y))
    parameters = _parameter_type(x.dtype, gamma, beta, *((saved.mean,) if saved.frozen else ()))
    plan, channels = _plans_of(queue).find(x, parameters, others, saved.axis, saved.eps, saved.activation, saved.ghost_batch)
    _check_parameters(channels, parameters, gamma=gamma, beta=beta)
    statistics = (channels, parameters) if saved.frozen else (channels * plan.ghost_batches, _real_of(x.dtype))
    _check_parameters(*statistics, mean=saved.mean, invstd=saved.invstd, r=saved.r, d=saved.d)
    dgamma = cl_array.empty(queue, (channels,), parameters) if "dgamma" in needs else None
    dbeta = cl_array.empty(queue, (channels,), parameters) if "dbeta" in needs else None
    views = dict(others, x=x, gamma=gamma, beta=beta, mask=saved.mask, dgamma=dgamma, dbeta=dbeta)
    wait_for = _events_of((dy, x, residual, given_y, out, gamma, beta, saved.mean, saved.invstd, saved.mask, saved.r, saved.d))
    if saved.r is not None:
        views.update(save_mean=saved.mean, save_invstd=saved.invstd, save_r=saved.r, save_d=saved.d)
        event = plan.backward_renorm(queue, wait_for=wait_for, **views)
    elif saved.frozen:
        event = plan.backward_frozen(queue, running_mean=saved.mean, running_var=saved.invstd, wait_for=wait_for, **views)
    else:
        event = plan.backward(queue, save_mean=saved.mean, save_invstd=saved.invstd, wait_for=wait_for, **views)
    _add_event(event, dx, dz, dgamma, dbeta)
    return Gradients(dx, dgamma, dbeta, dz)


def fold(
    weights: Array,
    bias: Optional[Array],
    running_mean: Array,
    running_var: Array,
    gamma: Optional[Array] = None,
    beta: Optional[Array] = None,
    *,
    eps: float = 1e-5,
    axis: int = 0,
    queue: Optional[cl.CommandQueue] = None,
) -> Tuple[Any, Any]:
    """The weights and bias of a convolution or linear layer with the inference of the batch norm behind it folded in.

    weights: of any shape; axis is that of the layer's output channels: 0 of (out, in, H, W), 1 of a transposed
        convolution's (in, out, H, W).
    bias, running_mean, running_var, gamma, beta: one value for each output channel, all float32 (float64 where weights are) or
        16-bit; bias, gamma and beta may be None.

    Returns new arrays (weights, bias). Events, queue and errors as batch_norm's.
    """
    if isinstance(weights, np.ndarray):
        queue = queue or _own_queue()
        on_device = [_to_device(queue, a) for a in (weights, bias, running_mean, running_var, gamma, beta)]
        return tuple(_to_host(a) for a in fold(*on_device, eps=eps, axis=axis, queue=queue))
    queue = _queue_of(weights, queue)
    folded = _empty_like(weights, queue)
    parameters = {"bias": bias, "running_mean": running_mean, "running_var": running_var, "gamma": gamma, "beta": beta}
    parameter_type = _parameter_type(weights.dtype, *parameters.values())
    plan, channels = _plans_of(queue).find(weights, parameter_type, (("y", folded),), axis, eps, None)
    _check_parameters(channels, parameter_type, **parameters)
    folded_bias = cl_array.empty(queue, (channels,), parameter_type)
    wait_for = _events_of((weights, *parameters.values()))
    views = {"weights": weights, "folded_weights": folded, "folded_bias": folded_bias, **parameters}
    event = plan.fold(queue, wait_for=wait_for, **views)
    _add_event(event, folded, folded_bias)
    return folded, folded_bias
