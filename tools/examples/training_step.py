# SPDX-License-Identifier: MIT
"""A layer's training step on pyopencl arrays: y = relu(batch norm(x) + residual), and all gradients, checked against NumPy in double."""

import numpy as np
import pyopencl as cl
import pyopencl.array

import clbn

context = cl.Context(cl.get_platforms()[0].get_devices()[:1])
queue = cl.CommandQueue(context)
random = np.random.default_rng(1)
on_host = {name: random.standard_normal((8, 16, 7, 7)).astype(np.float32) for name in ("x", "residual", "dy")}
x, residual, dy = (cl.array.to_device(queue, on_host[name]) for name in ("x", "residual", "dy"))
gamma = cl.array.to_device(queue, np.linspace(0.5, 2, 16, dtype=np.float32))
beta = cl.array.zeros(queue, 16, np.float32)
running_mean, running_var = cl.array.zeros(queue, 16, np.float32), cl.array.zeros(queue, 16, np.float32) + 1

y, saved = clbn.batch_norm(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, activation="relu", residual=residual)
gradients = clbn.batch_norm_backward(dy, x, saved, gamma, beta, residual=residual, needs=("dx", "dgamma", "dbeta", "dz"))

x64, z64, dy64 = (on_host[name].astype(np.float64) for name in ("x", "residual", "dy"))
gamma64 = gamma.get().astype(np.float64).reshape(1, 16, 1, 1)
axes, m = (0, 2, 3), 8 * 7 * 7
mean, var = x64.mean(axes, keepdims=True), x64.var(axes, keepdims=True)
xhat = (x64 - mean) / np.sqrt(var + 1e-5)
a = gamma64 * xhat + z64
g = np.where(a > 0, dy64, 0)
expected_dx = gamma64 / np.sqrt(var + 1e-5) * (g - g.mean(axes, keepdims=True) - xhat * (g * xhat).mean(axes, keepdims=True))

for name, actual, expected in [
    ("y", y, np.maximum(a, 0)),
    ("running_mean", running_mean, 0.1 * mean.ravel()),
    ("running_var", running_var, 0.9 + 0.1 * var.ravel() * m / (m - 1)),
    ("dz", gradients.dz, g),
    ("dgamma", gradients.dgamma, (g * xhat).sum(axes)),
    ("dbeta", gradients.dbeta, g.sum(axes)),
    ("dx", gradients.dx, expected_dx),
]:
    np.testing.assert_allclose(actual.get(), expected, rtol=1e-4, atol=1e-4, err_msg=name)
    print(name, "is right")
