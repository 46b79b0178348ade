# SPDX-License-Identifier: MIT
"""How many groups a unit of a GPU holds, and how long a kernel would take on an H200 if nothing but its bytes counted.

The model, for a kernel of G groups that each move the same part of its bytes:
- 3 us for the launch;
- memory moves 4.3 TB/s, read and written together, as a copy does; one multiprocessor at most 110 GB/s;
- a byte that is read comes 0.6 us after it is asked for: N bytes of loads under way in all give N / 0.6 us;
- so many groups are resident as registers and local memory allow; when fewer than these are left, less is under way;
- what an earlier kernel of the call has read last is still in L2, up to 30 of its 60 MB, and is read at 5.5 TB/s: the kernels walk
  the other way round the second time.
What is computed, barriers and the first and last group's latency are not counted.
"""

LAUNCH_S = 3e-6
COPY_BYTES_PER_S = 4.3e12
CACHE_BYTES_PER_S = 5.5e12
CACHED_BYTES = 30e6
UNIT_BYTES_PER_S = 110e9
LATENCY_S = 0.6e-6
UNITS = 132

READ, WRITTEN = {"x", "dy", "z"}, {"y", "dx", "dz"}
ON_CHIP = ("tile_forward", "tile_backward")


def groups_to_a_unit(unit, metrics, items):
    """What registers, local memory and waves leave room for; 0 if a group does not fit at all. None: not known."""
    registers, local = metrics.get("registers"), metrics.get("local", 0)
    if unit == "nvidia":  # compute capability 9.0: 64 K registers, handed out by 256 to a warp; 2048 items, 32 groups, 228 KB
        warps = -(-items // 32)
        granted = -(-registers * 32 // 256) * 256
        return min(32, 64 // warps, 65536 // granted // warps, (228 << 10) // (local + 1024))
    if unit == "amd":  # waves to a SIMD and their registers: gfx90a 512 of 64 lanes in eights, gfx1100 1536 of 32 in 24s
        wide = metrics["wave"] == 64
        waves = -(-items // metrics["wave"])
        file, step, most, simds = (512, 8, 8, 4) if wide else (1536, 24, 16, 2)
        resident = simds * min(most, file // (-(-max(registers, 1) // step) * step))
        return min(resident // waves, (64 << 10) // local if local > 0 else resident)
    return None


def regions(metrics):
    return [loop for loop in metrics.get("loops", [])] + ([metrics["straight"]] if "straight" in metrics else [])


def narrowest(region):
    """Bytes of the narrowest load. Single bytes are those of a mask: no element has one."""
    return min((int(size) for size in region["loads"] if int(size) > 1), default=0)


def hot_region(metrics):
    """The walk over packed tensors: where the most wide loads, or else bytes of loads, are under way. A loop like it with narrow
    loads, too, is for tensors that are not aligned. Kernels that keep on chip what they walk load it outside of loops, and so do those
    without a loop that has wide loads."""
    loops = [loop for loop in metrics.get("loops", []) if loop["wide_in_flight"] > 0]
    walks = regions(metrics) if metrics.get("on chip") else loops or regions(metrics)
    return max(walks, key=lambda region: (region["wide_in_flight"], region["bytes_in_flight"], narrowest(region)), default=None)


def kernel_seconds(launch, read, written, cached, metrics, resident):
    """read, written: bytes from and to memory or L2; cached: how many of the read ones L2 has."""
    total = read + written
    region = hot_region(metrics)
    if total == 0 or not region or not resident:
        return LAUNCH_S
    left, seconds = launch["groups"], LAUNCH_S
    capacity = resident * UNITS
    total_s = total / COPY_BYTES_PER_S - cached * (1 / COPY_BYTES_PER_S - 1 / CACHE_BYTES_PER_S)
    while left > 0:
        running = min(left, capacity)
        steps = left // capacity or 1
        share = running * steps / launch["groups"]
        under_way = running * launch["items"] * max(region["bytes_in_flight"], 1)
        seconds += max(share * total_s, share * total / (min(running, UNITS) * UNIT_BYTES_PER_S),
                       share * read * LATENCY_S / under_way)
        left -= running * steps
    return seconds


def bytes_under_way(launch, metrics, resident):
    """Of loads, on the whole device, by the groups that run at a time."""
    region = hot_region(metrics)
    return min(launch["groups"], resident * UNITS) * launch["items"] * region["bytes_in_flight"] if region and resident else 0


def least_bytes(op, tensor, walks):
    """Of an operation whose kernels walk over its tensors once or twice."""
    once = {"forward": 2, "backward": 3, "inference": 2}[op]
    again = {"forward": 1, "backward": 2, "inference": 0}[op] if walks > 1 else 0
    return tensor * (once + again)


def predict(op, tensor, workspace, launches, metrics_of, resident_of):
    """Of a call: seconds, those of the limit (the bytes of its walks, and its launches), those of a copy of the tensors that the
    operation has, and the bytes it moves."""
    seconds, moved, walks, read_before = 0, 0, 0, set()
    for launch in launches:
        reads = set(launch["buffers"]) & READ
        writes = set(launch["buffers"]) & WRITTEN
        walks += 1 if reads or writes else 0
        again = reads & read_before
        partial = workspace if "workspace" in launch["buffers"] else 0
        read, written = tensor * len(reads), tensor * len(writes)
        cached = min(CACHED_BYTES, tensor * len(again))
        seconds += kernel_seconds(launch, read + partial, written, cached, metrics_of(launch), resident_of(launch))
        moved += read + written + partial
        read_before |= reads
    limit = least_bytes(op, tensor, walks) / COPY_BYTES_PER_S + LAUNCH_S * len(launches)
    return {"seconds": seconds, "limit": limit, "copy": least_bytes(op, tensor, 1) / COPY_BYTES_PER_S + LAUNCH_S, "bytes": moved}
