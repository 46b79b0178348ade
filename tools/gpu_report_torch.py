#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times torch.nn.functional.batch_norm on the cases of 'clbn bench --json' files, for tools/gpu-report.sh.

Writes records as those files have, after each case. device_s is by CUDA events over calls that follow
each other, median_s of calls each with its wait; --cpu takes the clock for both, to try this program itself.
"""
import argparse
import contextlib
import glob
import json
import os
import sys
import time

import torch
from torch.nn import functional

TYPES = {"float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "bfloat16": torch.bfloat16}
SERIES_SECONDS = 0.01
CALLS_MINIMUM, CALLS_MAXIMUM = 3, 100
WALL_CALLS = 10
EPSILON = 1e-5
MOMENTUM = 0.1


def read_cases(paths):
    """The cases that clbn was measured on, in their order, each once."""
    cases = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            records = json.load(file)["records"]
        for record in records:
            if record["impl"] == "clbn" and record["activation"] == "none" and not record["residual"]:
                cases[(tuple(record["shape"]), record["layout"], record["type"], record["op"])] = record["bytes"]
    return cases


class Clock:
    """Seconds of a device's work."""

    def __init__(self, device):
        self.on_gpu = device == "cuda"

    def wait(self):
        if self.on_gpu:
            torch.cuda.synchronize()

    def series(self, call, count):
        """Seconds of one of so many calls without a wait in between."""
        if not self.on_gpu:
            start = time.perf_counter()
            for _ in range(count):
                call()
            return (time.perf_counter() - start) / count
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        for _ in range(count):
            call()
        last.record()
        torch.cuda.synchronize()
        return 1e-3 * first.elapsed_time(last) / count

    def single(self, call):
        """Seconds of a call with its wait."""
        start = time.perf_counter()
        call()
        self.wait()
        return time.perf_counter() - start


def make_call(operation, shape, layout, dtype, device):
    """A function that runs the operation once on tensors of its own."""
    generator = torch.Generator(device).manual_seed(1)
    parameter = torch.float64 if dtype == torch.float64 else torch.float32
    channels = shape[1]
    memory_format = {("nhwc", 4): torch.channels_last, ("nhwc", 5): torch.channels_last_3d}.get((layout, len(shape)))

    def tensor():
        values = torch.empty(shape, device=device).uniform_(-1, 1, generator=generator).to(dtype)
        return values.contiguous(memory_format=memory_format) if memory_format else values

    x = tensor()
    weight = torch.rand(channels, device=device, dtype=parameter) + 0.5
    bias = torch.rand(channels, device=device, dtype=parameter) - 0.5
    mean = torch.zeros(channels, device=device, dtype=parameter)
    variance = torch.ones(channels, device=device, dtype=parameter)
    if operation == "backward":
        dy = tensor()
        for leaf in (x, weight, bias):
            leaf.requires_grad_()
        y = functional.batch_norm(x, mean, variance, weight, bias, True, MOMENTUM, EPSILON)
        return lambda: torch.autograd.grad(y, (x, weight, bias), dy, retain_graph=True)

    def forward():
        with torch.no_grad():
            return functional.batch_norm(x, mean, variance, weight, bias, operation == "forward", MOMENTUM, EPSILON)

    return forward


def measure(call, clock):
    """Sorted seconds of calls with their waits, and the median of three series on the device."""
    for _ in range(3):
        call()
    clock.wait()
    wall = sorted(clock.single(call) for _ in range(WALL_CALLS))
    count = int(min(CALLS_MAXIMUM, max(CALLS_MINIMUM, SERIES_SECONDS / wall[len(wall) // 2])))
    device = sorted(clock.series(call, count) for _ in range(3))[1]
    return wall, device


def make_record(case, implementation, moved, wall, device):
    shape, layout, dtype, operation = case
    median = wall[len(wall) // 2]
    return {
        "op": operation,
        "shape": list(shape),
        "layout": layout,
        "type": dtype,
        "activation": "none",
        "residual": False,
        "impl": implementation,
        "kernels": "torch " + torch.__version__,
        "median_s": median,
        "min_s": wall[0],
        "p90_s": wall[-2],
        "device_s": device,
        "samples": len(wall),
        "bytes": moved,
        "gb_per_s": 1e-9 * moved / median,
    }


def measure_case(case, moved, device, clock):
    """Records with cuDNN, where it takes part, and without."""
    shape, layout, dtype, operation = case
    records = []
    for implementation, cudnn in (("torch-cudnn", True), ("torch-native", False)):
        if cudnn and device == "cpu":
            continue
        flags = torch.backends.cudnn.flags(enabled=cudnn) if device == "cuda" else contextlib.nullcontext()
        with flags:
            call = make_call(operation, shape, layout, TYPES[dtype], device)
            records.append(make_record(case, implementation, moved, *measure(call, clock)))
        del call
    return records


def measured_before(folder):
    """The cases of the files torch-*.json in a folder."""
    cases = set()
    for path in glob.glob(os.path.join(folder, "torch-*.json")) if folder else []:
        with open(path, encoding="utf-8") as file:
            for record in json.load(file)["records"]:
                cases.add((tuple(record["shape"]), record["layout"], record["type"], record["op"]))
    return cases


def write(path, name, records, left_out):
    """The old file stays whole until the new one is."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"device": name, "left_out": left_out, "records": records}, file, indent=2)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=60, help="cases for which there is no time are left out")
    parser.add_argument("--but", help="a folder: cases of its torch-*.json are not measured again")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()

    device = "cpu" if options.cpu else "cuda"
    clock = Clock(device)
    deadline = time.monotonic() + options.seconds
    done = measured_before(options.but)
    cases = {case: moved for case, moved in read_cases(options.files).items() if case not in done}
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    records, left_out = [], 0
    for case, moved in cases.items():
        if time.monotonic() > deadline:
            left_out += 1
            continue
        try:
            records += measure_case(case, moved, device, clock)
        except RuntimeError as error:
            print("%s: %s" % (case, error))
            left_out += 1
        write(options.out, name, records, left_out)
    print("%d records, %d cases left out" % (len(records), left_out))
    return 0 if records else 1


if __name__ == "__main__":
    sys.exit(main())
