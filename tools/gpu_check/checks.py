# SPDX-License-Identifier: MIT
"""What is held against gpu_check/bounds.json: each check gives sentences of what is broken, as (what, value, bound, where)."""
from gpu_check import cases, model


# Operations whose walks over tensors are one text for all devices: of these, speed is not checked.
SELDOM = ("second backward",)


def is_excused(bounds, broken):
    """Rows of "excused" have "bound", the name of what is broken, "where", a part of the place, and "reason"."""
    return any(row["bound"] == broken[0] and row["where"] in broken[3] for row in bounds["excused"])


def walks_tensors(launch):
    return bool(set(launch["buffers"]) & (model.READ | model.WRITTEN))


def check_kernel(bounds, target, name, metrics, walks):
    """What a kernel's code must not have, and what a walk over tensors must."""
    broken = []

    def at_most(what, value, bound):
        if value > bound:
            broken.append((what, value, bound, "%s %s" % (target, name)))

    def at_least(what, value, bound):
        if value < bound:
            broken.append((what, value, bound, "%s %s" % (target, name)))

    at_most("bytes spilled", metrics.get("spills", 0), bounds["bytes spilled"])
    at_most("bytes of stack", metrics.get("stack", 0), bounds["bytes of stack"])
    at_most("calls", metrics.get("calls", 0), bounds["calls"])
    region = model.hot_region(metrics)
    if not walks or not region:
        return broken
    at_least("groups to a unit", metrics["resident"], bounds["groups to a unit"])
    widest, narrowest = max(map(int, region["loads"]), default=0), model.narrowest(region)
    if region is metrics.get("straight"):  # what is kept on chip is loaded among much else
        narrowest = widest
    at_least("bytes of an access", widest if narrowest >= 4 else narrowest, bounds["bytes of an access"])
    at_least("loads in flight", region["wide_in_flight"], bounds["loads in flight"])
    return broken


def check_case(bounds, row, units):
    """A row of the table: enough groups, a small workspace, a predicted time near the limit."""
    broken = []
    where = "%s %s" % (row["case"], row["op"])
    if row["workspace"] > bounds["workspace"]:
        broken.append(("workspace", row["workspace"], bounds["workspace"], where))
    groups = bounds["groups"]
    enough = min(groups["to a unit"] * units, row["tensor"] // groups["piece"])
    # Few groups do where their loads keep memory busy all the same, or are all of the tensor: what is kept on chip is loaded at once.
    busy = min(row["tensor"], model.COPY_BYTES_PER_S * model.LATENCY_S)
    for launch in row["launches"]:
        if walks_tensors(launch) and launch["groups"] < enough and launch.get("under way", 0) < busy:
            broken.append(("groups", launch["groups"], enough, "%s %s" % (where, launch["kernel"])))
    if "seconds" in row:
        for least, most in bounds["over the limit"]:
            if row["tensor"] >= least:
                ratio = row["seconds"] / row["limit"]
                if ratio > most:
                    broken.append(("over the limit", round(ratio, 2), most, where))
                break
    return broken


def tensor_bytes(case):
    kind, _, _, *lengths = case.split()
    size = cases.TYPES[kind]
    for length in lengths:
        size *= int(length)
    return size
