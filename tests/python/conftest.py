# SPDX-License-Identifier: MIT
"""A queue of the first OpenCL device, in-order and out-of-order, and the double reference."""

import numpy as np
import pyopencl as cl
import pytest


@pytest.fixture(scope="session")
def context():
    return cl.create_some_context(interactive=False)


@pytest.fixture(params=["in-order", "out-of-order"])
def queue(request, context):
    out_of_order = cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE
    return cl.CommandQueue(context, properties=0 if request.param == "in-order" else out_of_order)


class Reference:
    """Batch normalization by its definition, in double."""

    def __init__(self, x, gamma=None, beta=None, axis=1, eps=1e-5, mean=None, var=None):
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        self.channel_axes = tuple(a % x.ndim for a in axes)
        self.others = tuple(a for a in range(x.ndim) if a not in self.channel_axes)
        self.shape = tuple(n if a in self.channel_axes else 1 for a, n in enumerate(x.shape))
        x = x.astype(np.float64)
        self.m = int(np.prod([x.shape[a] for a in self.others]))
        self.frozen = mean is not None
        self.mean = self.wide(mean) if self.frozen else x.mean(self.others, keepdims=True)
        self.var = self.wide(var) if self.frozen else ((x - self.mean) ** 2).mean(self.others, keepdims=True)
        self.invstd = 1 / np.sqrt(self.var + eps)
        self.gamma = self.wide(gamma, 1)
        self.beta = self.wide(beta, 0)
        self.xhat = (x - self.mean) * self.invstd

    def wide(self, parameter, otherwise=0):
        if parameter is None:
            return np.full(self.shape, float(otherwise))
        return parameter.astype(np.float64).reshape(self.shape)

    def y(self, residual=0):
        return self.gamma * self.xhat + self.beta + residual

    def gradients(self, g):
        """dx, dgamma, dbeta of g, the gradient of the activation's argument."""
        g = g.astype(np.float64)
        dbeta = g.sum(self.others, keepdims=True)
        dgamma = (g * self.xhat).sum(self.others, keepdims=True)
        if self.frozen:
            dx = self.gamma * self.invstd * g
        else:
            dx = self.gamma * self.invstd / self.m * (self.m * g - dbeta - self.xhat * dgamma)
        return dx, dgamma.ravel(), dbeta.ravel()


@pytest.fixture
def rng():
    return np.random.default_rng(1)
