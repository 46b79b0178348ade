#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Computes the golden vectors with PyTorch and NumPy and writes them as .npy files beside this script.

Each case is a directory, <name>_<type>, with the inputs x, dy, gamma, beta, running_mean and running_var and what
torch.nn.functional.batch_norm makes of them: y and the updated running statistics in training, y_inference in inference, and the
gradients of sum(dy * y) in both. In the cases named *_last the channels are the last axis: PyTorch's channel axis is moved there.

The directories activations_<type> have a residual z too, and their results a first axis, of the activations in clbn.h's order:
y = act(batch_norm(x) + z), and its gradients, among them dz.

The directories fold_*_<type> have weights and a bias, and what they are with the batch norm of the running statistics folded into
them: fold_layer of a convolution, fold_transposed of a transposed one, whose output channels are the second axis.

The directories second_* have ddx, ddgamma and ddbeta too, and the gradients of sum(ddx * dx) + sum(ddgamma * dgamma) +
sum(ddbeta * dbeta) with respect to x, dy and gamma: second_dx, second_ddy and second_dgamma, and those of frozen statistics.
"""
import pathlib

import numpy
import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights

EPSILON = 1e-5
MOMENTUM = 0.1
# name: shape with the channel axis second
CASES = {
    "rank2": (60, 7),
    "rank3": (5, 4, 9),
    "rank4": (3, 5, 7, 4),
    "rank5": (2, 3, 3, 2, 5),
    "rank4_last": (2, 9, 5, 3),
    "rank3_last": (3, 17, 6),
}
# y = act(a), in the order of CLBN_ACTIVATION_*
ACTIVATIONS = (
    lambda a: a,
    torch.nn.functional.relu,
    torch.nn.functional.leaky_relu,
    torch.nn.functional.relu6,
    torch.nn.functional.silu,
    torch.sigmoid,
    torch.tanh,
    torch.nn.functional.elu,
)
ACTIVATIONS_SHAPE = (5, 4, 9)
# name: shape of the weights, axis of the output channels
FOLDED = {
    "fold_layer": ((6, 5, 3, 3), 0),
    "fold_transposed": ((5, 6, 3, 3), 1),
}
# name: shape with the channel axis second
SECOND_ORDER = {
    "second_rank3": (5, 4, 9),
    "second_rank3_last": (3, 17, 6),
}


def inputs_of(shape, generator):
    """x, each channel with a mean and deviation of its own, dy and the parameters, in float64."""
    channels = shape[1]
    along_channels = (1, channels) + (1,) * (len(shape) - 2)
    means = 2 * generator.standard_normal(channels)
    deviations = numpy.exp(0.5 * generator.standard_normal(channels))
    x = means.reshape(along_channels) + deviations.reshape(along_channels) * generator.standard_normal(shape)
    return {
        "x": x,
        "dy": generator.standard_normal(shape),
        "gamma": generator.standard_normal(channels),
        "beta": generator.standard_normal(channels),
        "running_mean": generator.standard_normal(channels),
        "running_var": generator.uniform(0.1, 2, channels),
    }


def batch_norm(inputs, training, activation=lambda a: a):
    """y and the gradients by x, gamma, beta and z (absent: 0); inputs' running statistics are updated in training."""
    x, gamma, beta = (inputs[name].clone().requires_grad_() for name in ("x", "gamma", "beta"))
    z = inputs.get("z", torch.zeros_like(x)).clone().requires_grad_()
    a = z + torch.nn.functional.batch_norm(
        x, inputs["running_mean"], inputs["running_var"], gamma, beta, training, MOMENTUM, EPSILON)
    y = activation(a)
    y.backward(inputs["dy"])
    return y.detach(), x.grad, gamma.grad, beta.grad, z.grad


def golden_of(arrays, dtype):
    """All arrays of a case."""
    inputs = {name: torch.tensor(array, dtype=dtype) for name, array in arrays.items()}
    results = {name: tensor.clone() for name, tensor in inputs.items()}
    frozen = batch_norm(inputs, training=False)
    trained = batch_norm(inputs, training=True)
    results.update(zip(("y_inference", "dx_frozen", "dgamma_frozen", "dbeta_frozen"), frozen))
    results.update(zip(("y", "dx", "dgamma", "dbeta"), trained))
    results["new_running_mean"] = inputs["running_mean"]
    results["new_running_var"] = inputs["running_var"]
    return {name: tensor.numpy() for name, tensor in results.items()}


def golden_of_activations(arrays, dtype):
    """All arrays of the case of activations."""
    inputs = {name: torch.tensor(array, dtype=dtype) for name, array in arrays.items()}
    results = {name: tensor.clone() for name, tensor in inputs.items()}
    for training, names in ((False, ("y_inference", "dx_frozen", "dgamma_frozen", "dbeta_frozen", "dz_frozen")),
                            (True, ("y", "dx", "dgamma", "dbeta", "dz"))):
        fresh = [{name: tensor.clone() for name, tensor in inputs.items()} for _ in ACTIVATIONS]
        of_each = [batch_norm(own, training, activation) for own, activation in zip(fresh, ACTIVATIONS)]
        results.update((name, torch.stack(tensors)) for name, tensors in zip(names, zip(*of_each)))
    return {name: tensor.numpy() for name, tensor in results.items()}


def golden_of_folding(arrays, axis, dtype):
    """All arrays of a case of folding."""
    results = {name: torch.tensor(array, dtype=dtype) for name, array in arrays.items()}
    names = ("weights", "bias", "running_mean", "running_var")
    fused = fuse_conv_bn_weights(*(results[name] for name in names), EPSILON, results["gamma"], results["beta"], axis == 1)
    results.update(zip(("folded_weights", "folded_bias"), fused))
    return {name: tensor.detach().numpy() for name, tensor in results.items()}


def golden_of_second_order(arrays, dtype):
    """All arrays of a case of second order."""
    results = {name: torch.tensor(array, dtype=dtype) for name, array in arrays.items()}
    for training, ending in ((True, ""), (False, "_frozen")):
        x, dy, gamma, beta = (results[name].clone().requires_grad_() for name in ("x", "dy", "gamma", "beta"))
        running = (results[name].clone() for name in ("running_mean", "running_var"))
        y = torch.nn.functional.batch_norm(x, *running, gamma, beta, training, MOMENTUM, EPSILON)
        first = torch.autograd.grad(y, (x, gamma, beta), dy, create_graph=True)
        loss = sum((results[name] * gradient).sum() for name, gradient in zip(("ddx", "ddgamma", "ddbeta"), first))
        second = torch.autograd.grad(loss, (x, dy, gamma))
        results.update((f"second_{name}{ending}", tensor) for name, tensor in zip(("dx", "ddy", "dgamma"), second))
    return {name: tensor.detach().numpy() for name, tensor in results.items()}


def write_case(directory, arrays, channels_last):
    directory.mkdir(exist_ok=True)
    for name, array in arrays.items():
        if channels_last and array.ndim > 1:
            array = numpy.moveaxis(array, 1, -1)
        numpy.save(directory / f"{name}.npy", numpy.ascontiguousarray(array))


def main():
    here = pathlib.Path(__file__).parent
    generator = numpy.random.default_rng(1502_03167)
    for name, shape in CASES.items():
        arrays = inputs_of(shape, generator)
        for dtype in (torch.float32, torch.float64):
            golden = golden_of(arrays, dtype)
            write_case(here / f"{name}_{str(dtype).removeprefix('torch.')}", golden, name.endswith("_last"))
    arrays = inputs_of(ACTIVATIONS_SHAPE, generator)
    arrays["z"] = 3 * generator.standard_normal(ACTIVATIONS_SHAPE)
    for dtype in (torch.float32, torch.float64):
        write_case(here / f"activations_{str(dtype).removeprefix('torch.')}", golden_of_activations(arrays, dtype), False)
    for name, (shape, axis) in FOLDED.items():
        channels = shape[axis]
        arrays = {name: generator.standard_normal(channels) for name in ("bias", "gamma", "beta", "running_mean")}
        arrays["weights"] = generator.standard_normal(shape)
        arrays["running_var"] = generator.uniform(0.1, 2, channels)
        for dtype in (torch.float32, torch.float64):
            golden = golden_of_folding(arrays, axis, dtype)
            write_case(here / f"{name}_{str(dtype).removeprefix('torch.')}", golden, False)
    for name, shape in SECOND_ORDER.items():
        arrays = inputs_of(shape, generator)
        arrays["ddx"] = generator.standard_normal(shape)
        arrays.update((name, generator.standard_normal(shape[1])) for name in ("ddgamma", "ddbeta"))
        write_case(here / f"{name}_float64", golden_of_second_order(arrays, torch.float64), name.endswith("_last"))


if __name__ == "__main__":
    main()
