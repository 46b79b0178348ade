# SPDX-License-Identifier: MIT
"""Compilers for GPUs, none of which needs a GPU. compile(program) gives {kernel: metrics}; metrics: "registers" to a work-item,
"spills" and "stack" in bytes to a work-item, "local" memory in bytes to a group, "calls" of functions, and what machine_code.py says of
its loops. A program: "source", "options", and "items", the work-items to a group of each of its kernels."""
import glob
import os
import re
import subprocess
import tempfile
import threading

from gpu_check import machine_code

HERE = os.path.dirname(os.path.abspath(__file__))


class CompileError(Exception):
    pass


# Of this thread: seconds that the processes of a compilation have computed, which do not depend on what else the machine does.
spent = threading.local()


def run(command, **more):
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **more)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    spent.seconds = getattr(spent, "seconds", 0) + usage.ru_utime + usage.ru_stime
    if process.returncode != 0:
        raise CompileError("%s: %s" % (os.path.basename(command[0]), text.strip()[:1500]))
    return text


def half_functions():
    """OpenCL C's conversions of halves, as one instruction, which vendors' compilers have; libclc's compute them bit by bit. Pointers
    need no more alignment than a half's."""
    lines = ["#pragma OPENCL EXTENSION cl_khr_fp16 : enable"]
    for n in ("", "2", "4", "8", "16"):
        lines.append("typedef struct __attribute__((packed, aligned(2))) { half%s v; } check_half%s;" % (n, n))
        convert = "__builtin_convertvector(%%s, %%s%s)" % n if n else "(%s)"
        to_float = convert % ("value", "float") if n else "(float)value"
        to_half = convert % ("value", "half") if n else "(half)value"
        for space in ("__global", "__local", "__private", "__constant"):
            lines.append("static inline __attribute__((overloadable)) float%s check_load_half%s(const %s half *p)\n"
                         "{ half%s value = ((const %s check_half%s *)p)->v; return %s; }" % (n, n, space, n, space, n, to_float))
            if space != "__constant":
                lines.append("static inline __attribute__((overloadable)) void check_store_half%s(float%s value, %s half *p)\n"
                             "{ ((%s check_half%s *)p)->v = %s; }" % (n, n, space, space, n, to_half))
        count = n or "1"
        lines.append("#define vload_half%s(i, p) check_load_half%s((p) + %s * (i))" % (n, n, count))
        for rounding in ("", "_rte"):
            lines.append("#define vstore_half%s%s(v, i, p) check_store_half%s(v, (p) + %s * (i))" % (n, rounding, n, count))
    return "\n".join(lines) + "\n"


class Nvidia:
    """clang's OpenCL C, libclc, NVIDIA's optimizer libNVVM, and ptxas: what the driver does, but for the front end."""

    name, unit = "sm_90", "nvidia"
    layout = ("e-p:64:64:64-p3:32:32:32-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-f128:128:128-"
              "v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64-a:8:8")

    def __init__(self, tools):
        self.clang, self.libclc = tools.clang, tools.libclc
        self.nvvm, self.ptxas, self.nvdisasm, self.python = tools.nvvm, tools.ptxas, tools.nvdisasm, tools.python
        self.missing = [name for name, path in (("clang-15", self.clang), ("libclc-15", self.libclc), ("libNVVM", self.nvvm),
                                                ("ptxas", self.ptxas), ("nvdisasm", self.nvdisasm)) if not path]

    def compile(self, program, work):
        base = os.path.join(work, program["name"])
        with open(base + ".halves.h", "w", encoding="utf-8") as file:
            file.write(half_functions())
        run([self.clang, "-x", "cl", "-O3", "-Xclang", "-disable-llvm-passes", "-w", "-include", base + ".halves.h", "-Xclang",
             "-finclude-default-header", "-target", "nvptx64-nvidia-nvcl", "-Xclang", "-mlink-bitcode-file", "-Xclang", self.libclc,
             "-Xclang", "-cl-ext=+cl_khr_fp16", "-Xclang", "-target-cpu", "-Xclang", "sm_80", "-Xclang", "-target-feature", "-Xclang",
             "+ptx70", *program["options"].split(), "-emit-llvm", "-S", "-o", base + ".ll", program["source"]])
        self.rewrite_module(base + ".ll", program["items"])
        # libNVVM reads the IR of a modern LLVM only for compute capability 10.0; the PTX has nothing that 9.0 does not have but
        # accesses of 256 bits, which are made two.
        run([self.python, os.path.join(HERE, "nvvm.py"), self.nvvm, base + ".ll", base + ".ptx", "-arch=compute_100", "-opt=3"])
        with open(base + ".ptx", encoding="utf-8") as file:
            ptx = split_wide_accesses(file.read())
        with open(base + ".ptx", "w", encoding="utf-8") as file:
            file.write(re.sub(r"^\.target sm_100.*", ".target sm_90", ptx, flags=re.M))
        log = run([self.ptxas, "-arch=sm_90", "-v", base + ".ptx", "-o", base + ".cubin"])
        code = machine_code.parse_nvidia(run([self.nvdisasm, "-c", base + ".cubin"]))
        kernels = self.read_log(log)
        for kernel, metrics in kernels.items():
            metrics.update(machine_code.describe_kernel(code[kernel]))
        return kernels

    def rewrite_module(self, path, items):
        """What libNVVM wants of a module: its own target, its version, and each kernel's number of work-items."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r'target triple = ".*?"', 'target triple = "nvptx64-nvidia-cuda"', text)
        text = re.sub(r'target datalayout = ".*?"', 'target datalayout = "%s"' % self.layout, text)
        number = max(int(n) for n in re.findall(r"^!(\d+) = ", text, re.M)) + 1
        nodes, references = [], []
        for kernel in re.findall(r'!\{ptr @(\w+), !"kernel", i32 1\}', text):
            if kernel in items:
                nodes.append('!%d = !{ptr @%s, !"reqntidx", i32 %d}' % (number, kernel, items[kernel]))
                references.append(", !%d" % number)
                number += 1
        text = re.sub(r"(!nvvm\.annotations = !\{.*?)\}", lambda m: m.group(1) + "".join(references) + "}", text)
        nodes += ["!%d = !{i32 2, i32 0}" % number, "!nvvmir.version = !{!%d}" % number]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n".join(nodes) + "\n")

    @staticmethod
    def read_log(log):
        """ptxas -v: registers, stack, spills and local memory of each kernel."""
        kernels, kernel = {}, None
        for line in log.splitlines():
            entry = re.search(r"Compiling entry function '(\w+)'", line)
            if entry:
                kernel = kernels.setdefault(entry.group(1), {"stack": None})
            frame = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
            if frame and kernel is not None and kernel["stack"] is None:
                kernel["stack"], kernel["spills"] = int(frame.group(1)), int(frame.group(2))
            used = re.search(r"Used (\d+) registers", line)
            if used and kernel is not None:
                shared = re.search(r"(\d+) bytes smem", line)
                kernel["registers"], kernel["local"] = int(used.group(1)), int(shared.group(1)) if shared else 0
        return kernels


def split_wide_accesses(ptx):
    """ld.v4.f64, ld.v8.f32 and the same of st, which sm_90 does not have, as two of half the size."""
    def later(address, bytes_later):
        base, offset = re.match(r"\[([%\w]+)(?:\+(-?\d+))?\]", address).groups()
        return "[%s+%d]" % (base, int(offset or 0) + bytes_later)

    def halve(match):
        begin, count, kind, first, second = match.groups()
        is_load = begin.lstrip().startswith("ld")
        registers, address = (first, second) if is_load else (second, first)
        names = [name.strip() for name in registers.strip("{}").split(",")]
        half = int(count) // 2
        lines = []
        for part in range(2):
            group = "{%s}" % ", ".join(names[part * half:(part + 1) * half])
            place = address if part == 0 else later(address, half * int(kind[1:]) // 8)
            lines.append("%s.v%d.%s \t%s, %s;" % (begin, half, kind, *((group, place) if is_load else (place, group))))
        return "\n".join(lines)

    part = r"(\{[^}]*\}|\[[^\]]*\])"
    ptx = re.sub(r"(\t(?:ld|st)(?:\.\w+)*?)\.v(4)\.([fbus]64)\s+%s, %s;" % (part, part), halve, ptx)
    return re.sub(r"(\t(?:ld|st)(?:\.\w+)*?)\.v(8)\.([fbus]32)\s+%s, %s;" % (part, part), halve, ptx)


class Amd:
    """clang and ROCm's device library, without a wish to inline: a function that stays a call shows."""

    def __init__(self, tools, name, wave):
        self.name, self.unit, self.wave = name, "amd", wave
        self.clang, self.bitcode = tools.amd_clang, tools.bitcode
        self.missing = [name for name, path in (("clang-16", self.clang), ("rocm-device-libs", self.bitcode)) if not path]

    def compile(self, program, work):
        assembly = os.path.join(work, program["name"] + "." + self.name + ".s")
        # The library of Debian 12 does not know gfx1100; gfx1030's differs only in what kernels here do not call.
        isa = [n for n in (self.name[3:], "1030") if os.path.exists("%s/oclc_isa_version_%s.bc" % (self.bitcode, n))][0]
        libraries = ["opencl", "ocml", "ockl", "oclc_correctly_rounded_sqrt_on", "oclc_daz_opt_off", "oclc_finite_only_off",
                     "oclc_unsafe_math_off", "oclc_wavefrontsize64_" + ("on" if self.wave == 64 else "off"), "oclc_abi_version_400",
                     "oclc_isa_version_" + isa]
        links = []
        for library in libraries:
            path = "%s/%s.bc" % (self.bitcode, library)
            if os.path.exists(path):
                links += ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", path]
        run([self.clang, "-x", "cl", "-O3", "-w", "-Xclang", "-finclude-default-header", "-target", "amdgcn-amd-amdhsa",
             "-mcpu=" + self.name, "-nogpulib", "-mllvm", "-amdgpu-internalize-symbols", *links, *program["options"].split(), "-S",
             "-o", assembly, program["source"]])
        with open(assembly, encoding="utf-8") as file:
            text = file.read()
        code = machine_code.parse_amd(text)
        kernels = self.read_metadata(text)
        for kernel, metrics in kernels.items():
            metrics.update(machine_code.describe_kernel(code[kernel]))
        return kernels

    @staticmethod
    def read_metadata(text):
        """The YAML at the end: a member to a line, kernels begin with "  - "."""
        begin = text.index("amdhsa.kernels:")
        kernels = {}
        for entry in re.split(r"^  - ", text[begin:text.index(".end_amdgpu_metadata", begin)], flags=re.M)[1:]:
            def member(name, missing=0):
                match = re.search(r"^\s*\.%s:\s+(\S+)" % name, "    " + entry, re.M)
                return match.group(1) if match else missing
            if not member("symbol"): # what follows the kernels
                continue
            kernels[str(member("symbol")).replace(".kd", "")] = {
                "registers": int(member("vgpr_count")), # gfx90a: with the accumulators
                "spills": 4 * int(member("vgpr_spill_count")), # scalar registers are spilled to vector registers
                "stack": int(member("private_segment_fixed_size")),
                "local": int(member("group_segment_fixed_size")),
            }
        return kernels


class Intel:
    """Intel's offline compiler and graphics compiler, whose listing of the machine code tells the SIMD width and spills; what its
    loops do with memory is not read."""

    unit = "intel"

    def __init__(self, tools, name):
        self.name, self.root, self.ocloc = name, tools.intel, tools.ocloc
        self.missing = [] if self.ocloc else ["intel-opencl-icd (ocloc)"]

    def compile(self, program, work):
        dump = os.path.join(work, program["name"] + ".igc")
        os.makedirs(dump, exist_ok=True)
        environment = dict(os.environ, IGC_ShaderDumpEnable="1", IGC_DumpToCustomDir=dump,
                           LD_LIBRARY_PATH=os.path.join(self.root, "usr/lib/x86_64-linux-gnu"))
        run([self.ocloc, "compile", "-q", "-file", program["source"], "-device", self.name, "-options", program["options"], "-output",
             program["name"], "-out_dir", dump], env=environment)
        kernels = {}
        for path in sorted(glob.glob(dump + "/*simd*.asm")):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            kernel = re.search(r"^//\.kernel\s+(\S+)", text, re.M)
            if not kernel:
                continue
            count = re.search(r"^//\.instCount\s+(\d+)", text, re.M)
            spill = re.search(r"^//\.spill size\s+(\d+)", text, re.M)
            kernels[kernel.group(1).strip('"')] = {
                "simd": int(re.search(r"simd(\d+)", os.path.basename(path)).group(1)),
                "spills": int(spill.group(1)) if spill else 0,
                "instructions": int(count.group(1)) if count else 0,
            }
        return kernels


def timed_compile(compiler, program, work):
    spent.seconds = 0
    try:
        kernels = compiler.compile(program, work)
    except (CompileError, KeyError, ValueError, OSError) as error:
        return {"error": "%s: %s" % (type(error).__name__, error), "seconds": spent.seconds, "kernels": {}}
    return {"seconds": spent.seconds, "kernels": kernels}
