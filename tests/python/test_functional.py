# SPDX-License-Identifier: MIT
"""clbn.batch_norm and its kin against the definition in double, by finite differences, and on arrays of odd layouts."""

import clbn
import numpy as np
import pyopencl.array as cl_array
import pytest

from conftest import Reference

# Errors in units of the result's magnitude: a handful of roundings of the type that is stored.
TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3}

ACTIVATIONS = {
    None: (lambda a: a, lambda a: np.ones_like(a)),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float)),
    "leaky_relu": (lambda a: np.where(a > 0, a, 0.01 * a), lambda a: np.where(a > 0, 1, 0.01)),
    "relu6": (lambda a: np.clip(a, 0, 6), lambda a: ((a > 0) & (a < 6)).astype(float)),
    "silu": (lambda a: a / (1 + np.exp(-a)), lambda a: (1 + a * (1 - 1 / (1 + np.exp(-a)))) / (1 + np.exp(-a))),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "elu": (lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))), lambda a: np.where(a > 0, 1, np.exp(np.minimum(a, 0)))),
}


def host_of(array):
    """What an array of any strides holds: pyopencl's get() takes none with gaps or permuted axes."""
    size = array.base_data.size // array.dtype.itemsize
    flat = cl_array.Array(array.queue, (size,), array.dtype, data=array.base_data, events=array.events).get()
    begin = array.offset // array.dtype.itemsize
    return np.lib.stride_tricks.as_strided(flat[begin:], array.shape, array.strides)


def close(found, expected, dtype):
    found = host_of(found) if isinstance(found, cl_array.Array) else found
    expected = expected.reshape(found.shape)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=0, atol=TOLERANCE[dtype] * 8 * scale)


def parameters(rng, channels, dtype):
    real = np.float64 if dtype == "float64" else np.float32
    return [rng.uniform(0.5, 1.5, channels).astype(real) for _ in range(4)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape, axis", [((7, 5), 1), ((3, 35, 7, 7), 1), ((3, 7, 7, 35), -1), ((4, 3, 5), (1, 2)), ((2, 6, 9), (0, 1))])
def test_training(queue, rng, dtype, shape, axis):
    x = rng.standard_normal(shape).astype(dtype)
    dy = rng.standard_normal(shape).astype(dtype)
    reference = Reference(x, axis=axis)
    channels = int(np.prod(reference.shape))
    gamma, beta, running_mean, running_var = parameters(rng, channels, dtype)
    reference = Reference(x, gamma, beta, axis)
    on_device = [cl_array.to_device(queue, a) for a in (x, gamma, beta, running_mean, running_var)]
    y, saved = clbn.batch_norm(*on_device, axis=axis, momentum=0.25)
    close(y, reference.y(), dtype)
    real = "float64" if dtype == "float64" else "float32"
    close(saved.mean, reference.mean, real)
    close(on_device[3], 0.75 * running_mean + 0.25 * reference.mean.ravel(), real)
    unbiased = reference.var.ravel() * reference.m / (reference.m - 1)
    close(on_device[4], 0.75 * running_var + 0.25 * unbiased, real)
    found = clbn.batch_norm_backward(cl_array.to_device(queue, dy), on_device[0], saved, on_device[1], on_device[2])
    dx, dgamma, dbeta = reference.gradients(dy)
    close(found.dx, dx, dtype)
    close(found.dgamma, dgamma, real)
    close(found.dbeta, dbeta, real)
    assert found.dz is None


@pytest.mark.parametrize("shape, axis, ghost_batch", [((7, 5), 1, 3), ((5, 3, 4, 4), 1, 2), ((5, 4, 4, 3), -1, 4), ((4, 3), 1, 9)])
def test_ghost_batches(queue, rng, shape, axis, ghost_batch):
    """Each ghost batch as a batch of its own; the running statistics go from one to the next."""
    dtype = "float32"
    x, dy = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    gamma, beta, running_mean, running_var = parameters(rng, shape[axis], dtype)
    on_device = [cl_array.to_device(queue, a) for a in (x, gamma, beta, running_mean, running_var)]
    options = {"axis": axis, "momentum": 0.25, "ghost_batch": ghost_batch, "unbiased": False}
    y, saved = clbn.batch_norm(*on_device, **options)
    found = clbn.batch_norm_backward(cl_array.to_device(queue, dy), on_device[0], saved, on_device[1], on_device[2])
    parts = [slice(i, i + ghost_batch) for i in range(0, shape[0], ghost_batch)]
    references = [Reference(x[part], gamma, beta, axis) for part in parts]
    gradients = [r.gradients(dy[part]) for r, part in zip(references, parts)]
    close(y, np.concatenate([r.y() for r in references]), dtype)
    close(saved.mean, np.stack([r.mean.ravel() for r in references]), dtype)
    close(found.dx, np.concatenate([g[0] for g in gradients]), dtype)
    close(found.dgamma, sum(g[1] for g in gradients), dtype)
    close(found.dbeta, sum(g[2] for g in gradients), dtype)
    for r in references:
        running_mean = 0.75 * running_mean + 0.25 * r.mean.ravel()
        running_var = 0.75 * running_var + 0.25 * r.var.ravel()
    close(on_device[3], running_mean, dtype)
    close(on_device[4], running_var, dtype)
    assert saved.mean.shape == (len(parts), shape[axis])
    of_numpy, _ = clbn.batch_norm(x, gamma, beta, queue=queue, axis=axis, ghost_batch=ghost_batch)
    assert (of_numpy == y.get()).all()


@pytest.mark.parametrize("shape, axis", [((7, 5), 1), ((3, 35, 7, 7), 1), ((3, 7, 7, 5), -1)])
@pytest.mark.parametrize("bounds", [(1, 0), (1.25, 0.5), (1e30, 1e30)])
def test_renorm(queue, rng, shape, axis, bounds):
    dtype, eps = "float32", 1e-5
    x, dy = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    gamma, beta, running_mean, running_var = parameters(rng, shape[axis], dtype)
    on_device = [cl_array.to_device(queue, a) for a in (x, gamma, beta, running_mean, running_var)]
    y, saved = clbn.batch_norm(*on_device, axis=axis, momentum=0.25, renorm=bounds, unbiased=False)
    found = clbn.batch_norm_backward(cl_array.to_device(queue, dy), on_device[0], saved, on_device[1], on_device[2])
    reference = Reference(x, None, None, axis, eps)
    sigma = np.sqrt(running_var.astype(float) + eps)
    r = np.clip(np.sqrt(reference.var.ravel() + eps) / sigma, 1 / bounds[0], bounds[0])
    d = np.clip((reference.mean.ravel() - running_mean) / sigma, -bounds[1], bounds[1])
    corrected = Reference(x, gamma * r, beta + gamma * d, axis, eps)
    dx, of_xhat, dbeta = corrected.gradients(dy)
    close(saved.r, r, dtype)
    close(saved.d, d, dtype)
    close(y, corrected.y(), dtype)
    close(found.dx, dx, dtype)
    close(found.dgamma, r * of_xhat + d * dbeta, dtype)
    close(found.dbeta, dbeta, dtype)
    close(on_device[3], 0.75 * running_mean + 0.25 * reference.mean.ravel(), dtype)
    close(on_device[4], 0.75 * running_var + 0.25 * reference.var.ravel(), dtype)
    of_numpy, kept = clbn.batch_norm(x, gamma, beta, running_mean, running_var, queue=queue, axis=axis, renorm=bounds)
    assert (of_numpy == y.get()).all()
    assert (clbn.batch_norm_backward(dy, x, kept, gamma, beta, queue=queue).dx == host_of(found.dx)).all()


def test_renorm_has_bounds_and_knows_no_ghosts(queue, rng):
    x, mean, var = (cl_array.to_device(queue, rng.uniform(1, 2, s).astype(np.float32)) for s in ((4, 3), 3, 3))
    with pytest.raises(clbn.Error, match="r_max is 0.5, expected"):
        clbn.batch_norm(x, None, None, mean, var, renorm=(0.5, 0))
    with pytest.raises(clbn.Error, match="2 ghost batches"):
        clbn.batch_norm(x, None, None, mean, var, renorm=(1, 0), ghost_batch=2)
    with pytest.raises(clbn.Error, match="running_mean is absent"):
        clbn.batch_norm(x, renorm=(1, 0))


def test_ghost_batches_are_of_axis_0(queue, rng):
    x = cl_array.to_device(queue, rng.standard_normal((4, 3)).astype(np.float32))
    with pytest.raises(clbn.Error, match="ghost_batch is 2, but axis 0 is a channel axis"):
        clbn.batch_norm(x, axis=0, ghost_batch=2)
    with pytest.raises(ValueError, match="ghost_batch is -1"):
        clbn.batch_norm(x, ghost_batch=-1)


# Each activation with what its slope can be had from.
SOURCES = [(a, "x and residual") for a in ACTIVATIONS]
SOURCES += [(a, "y") for a in ACTIVATIONS if a != "silu"]
SOURCES += [(a, "mask") for a in ("relu", "leaky_relu", "relu6")]


@pytest.mark.parametrize("activation, source", SOURCES)
@pytest.mark.parametrize("training", [True, False])
def test_activations(queue, rng, activation, source, training):
    shape, dtype = (4, 6, 5), "float32"
    x, dy, residual = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    gamma, beta, mean, var = parameters(rng, 6, dtype)
    function, slope = ACTIVATIONS[activation]
    reference = Reference(x, gamma, beta) if training else Reference(x, gamma, beta, mean=mean, var=var)
    on_device = [cl_array.to_device(queue, a) for a in (x, gamma, beta, mean, var)]
    z = cl_array.to_device(queue, residual)
    options = {"activation": activation, "residual": z, "training": training, "save_mask": source == "mask"}
    y, saved = clbn.batch_norm(*on_device, **options)
    argument = reference.y(residual.astype(np.float64))
    close(y, function(argument), dtype)
    source_views = {"x and residual": {"residual": z}, "y": {"y": y}, "mask": {}}[source]
    needs = ("dx", "dgamma", "dbeta", "dz")
    device_dy = cl_array.to_device(queue, dy)
    found = clbn.batch_norm_backward(device_dy, on_device[0], saved, *on_device[1:3], needs=needs, **source_views)
    g = dy * slope(argument)
    for one, expected in zip(found, (*reference.gradients(g), g)):
        close(one, expected, dtype)


def test_finite_differences(queue, rng):
    """Each gradient is the slope of sum(w y) along a random direction, to second order of the step."""
    shape = (5, 3, 4)
    x, w, direction = (rng.standard_normal(shape) for _ in range(3))
    gamma, beta = rng.standard_normal(3), rng.standard_normal(3)

    def loss(at, by_gamma, by_beta):
        y, saved = clbn.batch_norm(at, by_gamma, by_beta, activation="silu", queue=queue)
        return (w * y).sum(), saved

    _, saved = loss(x, gamma, beta)
    dx, dgamma, dbeta, _ = clbn.batch_norm_backward(w, x, saved, gamma, beta, queue=queue)
    step = 1e-5
    for name, gradient, arguments in (
        ("x", (dx * direction).sum(), lambda s: (x + s * direction, gamma, beta)),
        ("gamma", dgamma.sum(), lambda s: (x, gamma + s, beta)),
        ("beta", dbeta.sum(), lambda s: (x, gamma, beta + s)),
    ):
        slope = (loss(*arguments(step))[0] - loss(*arguments(-step))[0]) / (2 * step)
        assert slope == pytest.approx(gradient, rel=1e-7, abs=1e-7), name


def test_second_order(queue, rng):
    """The slope of sum(ddx dx) along a random direction of x, from the second backward, and from two backwards."""
    shape = (5, 3, 4)
    x, dy, ddx, direction = (rng.standard_normal(shape) for _ in range(4))
    plan = clbn.Plan(clbn.Engine(queue.context, queue.device), shape, "float64")

    def on_device(array):
        return cl_array.to_device(queue, array)

    def loss(at):
        _, saved = clbn.batch_norm(on_device(at))
        return (ddx * clbn.batch_norm_backward(on_device(dy), on_device(at), saved).dx.get()).sum()

    _, saved = clbn.batch_norm(on_device(x))
    dx = cl_array.empty(queue, shape, np.float64)
    views = {"x": on_device(x), "dy": on_device(dy), "ddx": on_device(ddx)}
    plan.second_backward(queue, save_mean=saved.mean, save_invstd=saved.invstd, dx=dx, **views).wait()
    step = 1e-5
    slope = (loss(x + step * direction) - loss(x - step * direction)) / (2 * step)
    assert slope == pytest.approx((dx.get() * direction).sum(), rel=1e-6)


def test_layouts(queue, rng):
    """Channels last by strides, a slice of the batch, an expanded dy, and y over x."""
    whole = rng.standard_normal((6, 5, 7, 8)).astype(np.float32)  # N, H, W, C
    device = cl_array.to_device(queue, whole)
    x = device.transpose((0, 3, 1, 2))[2:5]
    host = whole.transpose(0, 3, 1, 2)[2:5]
    reference = Reference(host)
    y, saved = clbn.batch_norm(x)
    assert y.strides == x.strides
    close(y, reference.y(), "float32")
    one = cl_array.to_device(queue, np.ones(1, np.float32))
    dy = cl_array.Array(queue, x.shape, np.float32, data=one.base_data, strides=(0, 0, 0, 0))
    found = clbn.batch_norm_backward(dy, x, saved, needs=("dbeta", "dx"))
    close(found.dbeta, np.full(8, 3 * 35.0), "float32")
    close(found.dx, np.zeros(host.shape), "float32")
    before = device.get()
    same, _ = clbn.batch_norm(x, out=x)
    assert same is x
    after = device.get()
    close(after.transpose(0, 3, 1, 2)[2:5], reference.y(), "float32")
    np.testing.assert_array_equal(after[:2], before[:2])
    np.testing.assert_array_equal(after[5:], before[5:])


def test_parameters_of_16_bits(queue, rng):
    """All of a layer's numbers in float16, as a model's .half() leaves them; the batch's statistics are float32."""
    x, dy = (rng.standard_normal((9, 4, 5)).astype(np.float16) for _ in range(2))
    gamma, beta, mean, var = (p.astype(np.float16) for p in parameters(rng, 4, "float32"))
    reference = Reference(x, gamma, beta)
    on_device = [cl_array.to_device(queue, a) for a in (x, gamma, beta, mean, var)]
    y, saved = clbn.batch_norm(*on_device, momentum=1)
    close(y, reference.y(), "float16")
    assert saved.mean.dtype == np.float32
    assert on_device[3].dtype == np.float16
    close(on_device[3], reference.mean, "float16")
    found = clbn.batch_norm_backward(cl_array.to_device(queue, dy), on_device[0], saved, *on_device[1:3])
    for one, expected in zip(found, reference.gradients(dy)):
        assert one.dtype == np.float16
        close(one, expected, "float16")


def test_numpy(rng):
    x = rng.standard_normal((9, 4)).astype(np.float32)
    mean, var = np.zeros(4, np.float32), np.ones(4, np.float32)
    out = np.empty_like(x)
    y, saved = clbn.batch_norm(x, None, None, mean, var, momentum=1, out=out)
    reference = Reference(x)
    assert y is out
    close(y, reference.y(), "float32")
    close(mean, reference.mean, "float32")
    close(var, reference.var * 9 / 8, "float32")
    dy = rng.standard_normal((9, 4)).astype(np.float32)
    dx, dgamma, dbeta, _ = clbn.batch_norm_backward(dy, x, saved)
    for found, expected in zip((dx, dgamma, dbeta), reference.gradients(dy)):
        close(found, expected, "float32")


def test_fold(queue, rng):
    weights = rng.standard_normal((6, 3, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(6).astype(np.float32)
    gamma, beta, mean, var = parameters(rng, 6, "float32")
    on_device = [cl_array.to_device(queue, a) for a in (weights, bias, mean, var, gamma, beta)]
    folded, folded_bias = clbn.fold(*on_device)
    scale = gamma / np.sqrt(var.astype(np.float64) + 1e-5)
    close(folded, weights * scale.reshape(6, 1, 1, 1), "float32")
    close(folded_bias, (bias - mean) * scale + beta, "float32")
    for found, again in zip(clbn.fold(weights, bias, mean, var, gamma, beta), (folded, folded_bias)):
        np.testing.assert_array_equal(found, again.get())


def test_refused(queue):
    x = cl_array.zeros(queue, (4, 3), np.float32)
    with pytest.raises(clbn.Error, match="CLBN_INVALID_FACTOR.*update_factor is 2"):
        clbn.batch_norm(x, momentum=2)
    with pytest.raises(clbn.Error) as found:
        clbn.batch_norm(x, eps=-1)
    assert found.value.name == "CLBN_INVALID_EPSILON" and found.value.status < -2000
    with pytest.raises(ValueError, match="gamma is float32 of 4 elements, expected float32 of 3"):
        clbn.batch_norm(x, cl_array.zeros(queue, 4, np.float32))
    with pytest.raises(TypeError, match="gamma is a ndarray"):
        clbn.batch_norm(x, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="an operation is 'train', expected one of forward, backward, inference"):
        clbn.Plan(clbn.Engine(queue.context), (4, 3), operations=["train"])
    with pytest.raises(clbn.Error, match="CLBN_WRONG_OPERATION"):
        clbn.Plan(clbn.Engine(queue.context), (4, 3), operations=["inference"]).backward(queue)
    with pytest.raises(TypeError, match="x is int32"):
        clbn.batch_norm(x.astype(np.int32))
    with pytest.raises(ValueError, match="channel axis is 2"):
        clbn.batch_norm(x, axis=2)
    with pytest.raises(ValueError, match="residual|z is"):
        clbn.batch_norm(x, residual=cl_array.zeros(queue, (4, 4), np.float32))
    _, saved = clbn.batch_norm(x)
    with pytest.raises(ValueError, match="needs is"):
        clbn.batch_norm_backward(x, x, saved, needs=("dw",))


def test_plans_are_kept(queue):
    x = cl_array.zeros(queue, (4, 3), np.float32)
    clbn.batch_norm(x)
    from clbn.functional import _plans_of

    before = dict(_plans_of(queue).plans)
    clbn.batch_norm(x)
    assert dict(_plans_of(queue).plans) == before
    clbn.clear_cache()
    clbn.batch_norm(x)
