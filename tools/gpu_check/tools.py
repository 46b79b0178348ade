# SPDX-License-Identifier: MIT
"""The compilers: where they are, and how they come there."""
import glob
import os
import shutil
import subprocess
import sys

# libNVVM of CUDA 13.0 is the last whose code for compute capability 10.0 sm_90 can assemble; ptxas is of the same CUDA.
PYPI = ["nvidia-nvvm==13.0.88", "nvidia-cuda-nvcc==13.0.88", "nvidia-cuda-nvdisasm==13.*"]
# clang 16 is that of ROCm 5.5, the first for gfx1100: 15 gives its work-items no more than 128 registers.
DEBIAN = ["clang-15", "clang-16", "libclc-15", "rocm-device-libs", "libllvmspirvlib14", "python3-venv"]
# Unpacked, not installed: a GPU's driver would be one more device to whoever uses OpenCL on this machine.
UNPACKED = ["intel-opencl-icd", "libigc1", "libigdfcl1", "libigdgmm12", "libopencl-clang14"]


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "clbn-gpu-check")


def first(patterns):
    for pattern in patterns:
        found = sorted(glob.glob(pattern))
        if found:
            return found[0]
    return None


class Tools:
    """Paths, None where there is nothing."""

    def __init__(self, folder):
        site = os.path.join(folder, "venv/lib/python3*/site-packages/nvidia")
        self.python = sys.executable
        self.clang = shutil.which("clang-15")
        self.amd_clang = shutil.which("clang-16")
        self.libclc = first(["/usr/lib/clc/nvptx64--nvidiacl.bc"])
        self.bitcode = first(["/usr/lib/x86_64-linux-gnu/amdgcn/bitcode"])
        self.nvvm = first([site + "/*/lib/libnvvm.so*", site + "/*/nvvm/lib64/libnvvm.so*"])
        self.ptxas = first([site + "/*/bin/ptxas"])
        self.nvdisasm = first([site + "/*/bin/nvdisasm"])
        self.intel = os.path.join(folder, "intel")
        self.ocloc = first([self.intel + "/usr/bin/ocloc"])


def install(folder, root):
    """Everything that Debian 12 and PyPI have; what fails is said, and the rest goes on."""
    failed = []

    def attempt(what, command, **more):
        print("== %s" % what, flush=True)
        if subprocess.run(command, check=False, **more).returncode != 0:
            failed.append(what)

    os.makedirs(os.path.join(folder, "intel"), exist_ok=True)
    script = '. "%s/tools/packages.sh" && install_missing "$@"' % root
    attempt("Debian: " + " ".join(DEBIAN), ["sh", "-c", script, "gpu-check", *DEBIAN])
    attempt("a virtual environment", [sys.executable, "-m", "venv", os.path.join(folder, "venv")])
    attempt("PyPI: " + " ".join(PYPI), [os.path.join(folder, "venv/bin/python"), "-m", "pip", "install", "--quiet", *PYPI])
    attempt("unpacked: " + " ".join(UNPACKED), ["apt-get", "--quiet", "--quiet", "download", *UNPACKED], cwd=folder)
    for package in glob.glob(os.path.join(folder, "*.deb")):
        attempt("unpacking " + os.path.basename(package), ["dpkg-deb", "--extract", package, os.path.join(folder, "intel")])
        os.remove(package)
    for what in failed:
        print("gpu-check: FAILED: %s" % what, file=sys.stderr)
    return 1 if failed else 0
