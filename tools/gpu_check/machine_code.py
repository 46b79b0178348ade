# SPDX-License-Identifier: MIT
"""What a GPU's machine code does with memory: of each innermost loop, and of the code outside of loops, how wide its accesses to
global memory are, and how many loads are under way at once.

Loads are followed in the order of the code, twice through a loop, so that what one step asks for and the next one uses counts. A load
is under way until an instruction reads what it loads (NVIDIA), or until the wait that lets no more than so many be (AMD). Branches
inside are not followed.
"""
import re

WIDE = 16  # bytes: the widest access that there is

# Instructions: (text, name, kind, bytes, registers written, registers read); kind: "load", "store" of global memory, "local" for
# memory of a work-item's own, "call", "double", "wait" (bytes: loads that may stay under way) or "".


def parse_nvidia(text):
    """{kernel: [instruction or ("label", name)]} of `nvdisasm -c`."""
    kernels, current = {}, None
    for line in text.splitlines():
        section = re.match(r"\s*\.section\s+\.text\.([^,\s]+)", line)
        if section:
            current = kernels.setdefault(section.group(1), [])
            continue
        label = re.match(r"(\.L_x_\d+):", line)
        if label and current is not None:
            current.append(("label", label.group(1)))
            continue
        code = re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line)
        if code and current is not None:
            current.append(nvidia_instruction(code.group(1)))
    return kernels


def nvidia_registers(word, count=1):
    """The registers that a word names; "R4.64" are two."""
    registers = set()
    for number, wide in re.findall(r"\bR(\d+)(\.64)?", word):
        registers.update(range(int(number), int(number) + max(count, 2 if wide else 1)))
    return registers


def nvidia_instruction(text):
    bare = re.sub(r"^@!?U?P\w+\s+", "", text)
    name, _, rest = bare.partition(" ")
    operands = [word.strip() for word in rest.split(",")]
    size = nvidia_size(name)
    words = max(1, size // 4)
    if re.match(r"LDG|LD\.", name):
        return (text, name, "load", size, nvidia_registers(operands[0], words), nvidia_registers(" ".join(operands[1:])))
    if re.match(r"STG|ST\.", name):
        return (text, name, "store", size, set(), nvidia_registers(operands[0]) | nvidia_registers(" ".join(operands[1:]), words))
    kind = "local" if re.match(r"LDL|STL", name) else "call" if name.startswith("CALL") and "__internal" not in text else ""
    if re.match(r"D(ADD|MUL|FMA|SETP)", name):
        kind = "double"
    wide = 2 if kind == "double" else 1
    return (text, name, kind, size, nvidia_registers(operands[0]), nvidia_registers(" ".join(operands[1:]), wide))


def nvidia_size(name):
    for part, size in ((".128", 16), (".64", 8), (".U8", 1), (".S8", 1), (".U16", 2), (".S16", 2)):
        if part in name:
            return size
    return 4


def parse_amd(text):
    """The same of AMD's assembly by clang. On gfx9 stores count in what is waited for."""
    kernels, current = {}, None
    counts_stores = bool(re.search(r'amdgcn_target "[^"]*gfx9', text))
    names = set(re.findall(r"^\s*\.amdhsa_kernel\s+(\S+)", text, re.M))
    for line in text.splitlines():
        line = line.split(";")[0].rstrip()
        begin = re.match(r"(\w+):", line)
        if begin and begin.group(1) in names:
            current = kernels.setdefault(begin.group(1), [])
        elif re.match(r"\.Lfunc_end|\s*\.section", line):
            current = None
        elif current is not None:
            label = re.match(r"(\.LBB\d+_\d+):", line)
            if label:
                current.append(("label", label.group(1)))
            elif re.match(r"\s+[a-z]\w+(\s|$)", line):
                current.append(amd_instruction(line.strip(), counts_stores))
    return kernels


def amd_instruction(text, counts_stores):
    name = text.split()[0]
    wait = re.search(r"vmcnt\((\d+)\)", text)
    if name.startswith("s_waitcnt"):
        return (text, name, "wait" if wait else "", int(wait.group(1)) if wait else 0, set(), set())
    if re.match(r"(global|flat|buffer)_load", name):
        return (text, name, "local" if "s[0:3]" in text else "load", amd_size(name), set(), set())
    if re.match(r"(global|flat|buffer)_store", name):
        return (text, name, "local" if "s[0:3]" in text else "store", amd_size(name), {"counted"} if counts_stores else set(), set())
    kind = "local" if name.startswith("scratch_") else "call" if name.startswith("s_swappc") else ""
    if re.match(r"v_\w+_f64", name):
        kind = "double"
    return (text, name, kind, 0, set(), set())


def amd_size(name):
    for part, size in (("x4", 16), ("b128", 16), ("x3", 12), ("b96", 12), ("x2", 8), ("b64", 8), ("byte", 1), ("b8", 1), ("u8", 1),
                       ("i8", 1), ("short", 2), ("b16", 2), ("u16", 2), ("i16", 2)):
        if part in name:
            return size
    return 4


def innermost_loops(code):
    """Pairs of the first and last index of each loop without another inside."""
    labels = {item[1]: i for i, item in enumerate(code) if item[0] == "label"}
    loops = set()
    for i, item in enumerate(code):
        if item[0] == "label" or not re.search(r"\bBRA\b|s_c?branch", item[0]):
            continue
        for target in re.findall(r"\.L\w+", item[0]):
            # A branch to itself is what ends a kernel.
            if labels.get(target, i) < i - 1:
                loops.add((labels[target], i))
    return sorted(a for a in loops if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops))


def follow(code, turns):
    """The most loads, bytes of them, and loads of 16 bytes that are under way at once."""
    under_way, most, most_bytes, most_wide = [], 0, 0, 0
    for _ in range(turns):
        for item in code:
            if item[0] == "label":
                continue
            _, _, kind, size, written, read = item
            if kind == "wait":
                under_way = under_way[max(0, len(under_way) - size):]
                continue
            # What is waited for came after all that was asked for before it.
            waited = [i for i, load in enumerate(under_way) if load[1] & (read | written)]
            if waited:
                under_way = under_way[waited[-1] + 1:]
            if kind == "store" and "counted" in written:
                under_way.append((0, set()))
            if kind == "load":
                under_way.append((size, written))
                most = max(most, sum(1 for load in under_way if load[0] > 0))
                most_bytes = max(most_bytes, sum(load[0] for load in under_way))
                most_wide = max(most_wide, sum(1 for load in under_way if load[0] >= WIDE))
    return most, most_bytes, most_wide


def describe(code, turns):
    loads = [item[3] for item in code if item[0] != "label" and item[2] == "load"]
    stores = [item[3] for item in code if item[0] != "label" and item[2] == "store"]
    in_flight, bytes_in_flight, wide_in_flight = follow(code, turns)
    return {
        "loads": {str(size): loads.count(size) for size in sorted(set(loads))},
        "stores": {str(size): stores.count(size) for size in sorted(set(stores))},
        "loads_in_flight": in_flight,
        "bytes_in_flight": bytes_in_flight,
        "wide_in_flight": wide_in_flight,
        "doubles": sum(1 for item in code if item[0] != "label" and item[2] == "double"),
        "instructions": sum(1 for item in code if item[0] != "label"),
    }


def describe_kernel(code):
    """Loops that access global memory, the code outside of these ("straight"), and what a kernel should not have."""
    loops = innermost_loops(code)
    described = [describe(code[begin:end + 1], 2) for begin, end in loops]
    inside = {i for begin, end in loops for i in range(begin, end + 1)}
    straight = describe([item for i, item in enumerate(code) if i not in inside], 1)
    return {
        "loops": [loop for loop in described if loop["loads"] or loop["stores"]],
        "straight": straight,
        "local_accesses": sum(1 for item in code if item[0] != "label" and item[2] == "local"),
        "calls": sum(1 for item in code if item[0] != "label" and item[2] == "call"),
        "instructions": sum(1 for item in code if item[0] != "label"),
    }
