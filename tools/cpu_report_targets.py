#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What clbn is to reach on CPUs, and what it reaches, of what 'clbn bench --json' wrote, for tools/cpu-report.sh.

Arguments: a file with float32 beside oneDNN, and one with 16-bit types beside float32; further runs give two files each.
"""
import json
import math
import re
import statistics
import sys
from collections import namedtuple

Case = namedtuple("Case", "part op size layout type")

OPERATIONS = ("forward", "backward", "inference")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def case_of(record, part=""):
    return Case(part, record["op"], "x".join(map(str, record["shape"])), record["layout"], record["type"])


def is_limit(implementation):
    """Whether its kernels only move bytes."""
    return implementation.startswith(("copy", "triad"))


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


# A row's number is how many times as fast as the target's yardstick it is. Where it falls short, the row is still at the floor if
# kernels that walk over its tensors as it must, with the least of arithmetic, take 0.9 of its time or more; and if these fall short,
# too, so must it. All ratios are of times of one run; of several runs, each number is the median.

AT_THE_FLOOR = 0.9

# Of the cache that OpenCL tells of, no more than some bytes to a core count: more is that of a large processor, of which the device
# is a part that others use, too.
CACHE_OF_A_CORE = 16 << 20

RESNET = re.compile("32x(64x112x112|64x56x56|256x56x56|128x28x28|512x28x28|256x14x14|1024x14x14|512x7x7|2048x7x7)")


class Measured:
    """All files, of one run or several."""

    def __init__(self, paths):
        self.cases, self.bytes, self.kernels, self.costs = {}, {}, {}, []
        self.times = {}  # seconds by (case, implementation, run)
        self.cache = 0
        for i, path in enumerate(paths):
            document, run = load(path), i // 2
            device = document.get("device", {})
            self.cache = min(device.get("compute_units", 0) * CACHE_OF_A_CORE, device.get("cache_bytes", 0)) or self.cache
            if i % 2 == 0:
                self.costs.append(document.get("costs", {}))
            for record in document["records"]:
                self.add(record, case_of(record, "types: " if i % 2 else ""), run)
        self.runs = range(len(self.costs))

    def add(self, record, case, run):
        name = record["impl"]
        self.cases[case] = True
        if name == "clbn":
            self.bytes[case] = record["bytes"]
            self.kernels[case] = record.get("kernels") or ""
        elif name == "onednn" and (case, "unsteady", run) in self.times:
            return
        elif is_limit(name):
            name = "limit"
        elif name.startswith("floor"):
            name = "floor"
        if record.get("peer_ratio", 0) is None:
            self.times[case, "unsteady", run] = 0.0
        known = self.times.get((case, name, run), math.inf)
        self.times[case, name, run] = min(record["median_s"], known)

    def time(self, case, name, run):
        return self.times.get((case, name, run), 0)

    def floor(self, case, run):
        """Without kernels of its own, the floor takes as long as the limit."""
        return self.time(case, "floor", run) or self.time(case, "limit", run)

    def yardstick(self, case, name, run):
        """The seconds that a row is compared with: of onednn, of its best layout, of the limit, or of clbn in float32."""
        if name == "float32":
            return self.time(case._replace(type="float32"), "clbn", run)
        if name == "best":
            both = [self.time(other, "onednn", run) for other in (case, case._replace(part="", layout="nhwc"))]
            return min([seconds for seconds in both if seconds] or [0]) if both[0] else 0
        return self.time(case, name, run)

    def is_large(self, case):
        """Whether one tensor alone is larger than the cache."""
        return self.bytes.get(case, 0) / (3 if case.op == "backward" else 2) > self.cache

    def ratios(self, case, name):
        """The medians of how many times as fast as the yardstick the row is, the floor is, and of the floor's share; or None."""
        found = []
        for run in self.runs:
            yardstick, ours, floor = self.yardstick(case, name, run), self.time(case, "clbn", run), self.floor(case, run)
            if yardstick and ours and floor:
                found.append((yardstick / ours, yardstick / floor, floor / ours))
        return tuple(map(statistics.median, zip(*found))) if found else None

    def cost(self, *keys, of=None):
        """The median of a cost, found by its keys, or of its ratio to another one; 0 where it was not measured."""
        def value(costs, keys):
            for key in keys:
                costs = costs.get(key, {})
            return costs or 0
        pairs = [(value(costs, keys), value(costs, of) if of else 1) for costs in self.costs]
        return statistics.median([number / other for number, other in pairs if other] or [0])


def verdict_of(goal, number, bound, share):
    if number >= goal:
        return "met"
    if share >= AT_THE_FLOOR:
        return "at the floor"
    return "short; so is the floor" if bound < goal else "short"


def print_target(measured, short, text, goal, kind, yardstick, wanted):
    """kind "each": every row counts, and those that fall short are appended to short; "mean": their geometric mean."""
    rows = [(case, measured.ratios(case, yardstick)) for case in measured.cases if wanted(case)]
    rows = [(case, ratios) for case, ratios in rows if ratios]
    if not rows:
        print("%-56s %5s %4d  nothing was measured" % (text, goal, 0))
        return
    numbers, bounds, shares = zip(*(ratios for _, ratios in rows))
    verdicts = [verdict_of(goal, *ratios) for _, ratios in rows]
    met, floored = verdicts.count("met"), verdicts.count("at the floor")
    means = [geometric_mean(column) for column in (numbers, bounds, shares)]
    verdict = "%d short" % (len(rows) - met - floored)
    if kind == "mean":
        verdict = verdict_of(goal, *means)
    elif met + floored == len(rows):
        verdict = "at the floor" if floored else "met"
    print("%-56s %5s %4d %4d %4d  %6.2f %6.2f  %6.2f %6.2f  %5.2f %5.2f  %s"
          % (text, goal, len(rows), met, floored, min(numbers), means[0], min(bounds), means[1], min(shares), means[2], verdict))
    for (case, (number, bound, share)), verdict in zip(rows, verdicts):
        if kind == "each" and verdict.startswith("short"):
            also = ", which itself has %.2f" % bound if bound < goal else ""
            name = case.part + "  ".join(case[1:])
            short.append("%-44s %6.2f of %s, %.2f of the floor%s" % (name, number, goal, share, also))


def print_cost(text, unit, wanted, reached, bound=0):
    """A target of one number, of which less is better, and the floor's number."""
    verdict = "short"
    if reached <= wanted:
        verdict = "met"
    elif bound and reached * AT_THE_FLOOR <= bound:
        verdict = "at the floor"
    print("%-56s %8s %10.4g %10s  %s" % (text, "%s %s" % (wanted, unit), reached, "%.4g" % bound if bound else "-", verdict))


def print_small(measured):
    many = [" " + "  ".join(case[1:]) for case in measured.cases
            if case.size in ("60x100", "256x784") and " " in measured.kernels.get(case, "")]
    print("%-56s %s" % ("60x100 and 256x784 in one kernel", "short:" + "".join(many) if many else "met"))
    for op in OPERATIONS:
        nothing = ("nothing", "call_median_s")
        print_cost("60x100 %s, with its wait: times an empty kernel" % op, "x", 1.3,
                   measured.cost("small_calls", op, "call_median_s", of=nothing),
                   measured.cost("floor_of_small_calls", op, "call_median_s", of=nothing))
    for op in OPERATIONS:
        print_cost("60x100 %s, on the host: times its bare OpenCL calls" % op, "x", 1.3,
                   measured.cost("small_calls", op, "enqueue_median_s", of=("floor_of_small_calls", op, "enqueue_median_s")))
    print_cost("a plan for a new shape", "us", 50, 1e6 * measured.cost("plan_median_s"))
    print_cost("the first plan of a kind, program in the disk cache", "ms", 20,
               1e3 * measured.cost("first_plan_of_kind_cached_median_s"))


def print_targets(paths):
    measured, short = Measured(paths), []

    def resnet(op, layout):
        return lambda case: case.part == "" and RESNET.fullmatch(case.size) and case.op == op and case.layout == layout

    def large(op, layouts):
        return lambda case: any(resnet(op, layout)(case) for layout in layouts) and measured.is_large(case)

    if len(measured.runs) > 1:
        print("Medians of %d runs." % len(measured.runs))
    print("Times as fast as the yardstick. met: rows that are. floor: rows that are not, but take no more than 1/0.9 of the time of\n"
          "kernels that walk over the same tensors with the least of arithmetic. The floor's numbers are what these kernels would have;\n"
          "the share is how near clbn comes to them.\n")
    print("%-56s %5s %4s %4s %4s  %6s %6s  %6s %6s  %5s %5s  %s"
          % ("target", "goal", "rows", "met", "flr", "least", "mean", "floor", "mean", "share", "mean", "verdict"))
    targets = (
        [("ResNet-50, NCHW, %s: oneDNN's NCHW" % op, 4, "each", "onednn", resnet(op, "nchw")) for op in OPERATIONS]
        + [("ResNet-50, NHWC, %s: oneDNN's NHWC, mean" % op, 1.5, "mean", "onednn", resnet(op, "nhwc")) for op in OPERATIONS]
        + [("ResNet-50, NHWC, %s: oneDNN's NHWC, each" % op, 1, "each", "onednn", resnet(op, "nhwc")) for op in OPERATIONS]
        + [("ResNet-50, NCHW, %s: oneDNN's best, mean" % op, 1.3, "mean", "best", resnet(op, "nchw")) for op in OPERATIONS]
        + [("larger than the cache, NCHW, forward: the limit", 0.8, "each", "limit", large("forward", ["nchw"])),
           ("larger than the cache, inference: the limit", 0.9, "each", "limit", large("inference", ["nchw", "nhwc"])),
           ("4096x4096, 8192x1024: oneDNN", 1.3, "each", "onednn", lambda case: case.size in ("4096x4096", "8192x1024")),
           ("1x64x112x112, 32x3x224x224: the limit", 0.6, "each", "limit",
            lambda case: case.size in ("1x64x112x112", "32x3x224x224"))]
        + [("%s, from memory: times as fast as float32" % type_, 1.5, "each", "float32",
            lambda case, type_=type_: case.type == type_ and measured.is_large(case)) for type_ in ("float16", "bfloat16")])
    for target in targets:
        print_target(measured, short, *target)
    print("\n%-56s %8s %10s %10s  %s" % ("target", "at most", "reached", "the floor", "verdict"))
    print_small(measured)
    if short:
        print("\nRows that fall short, and are not at the floor:", *short, sep="\n")


if __name__ == "__main__":
    print_targets(sys.argv[1:])
