# SPDX-License-Identifier: MIT
"""What tools/gpu-check looks at: devices, by what they say of themselves, and the tables' shapes."""

# Facts as gpu_check/plans.c takes them. "targets": the compilers whose machine code such a device runs.
DEVICES = {
    "H200": {"targets": ["sm_90"], "facts": {"vendor": 0x10DE, "double": 1, "units": 132, "group": 1024, "wave": 32,
                                             "local": 48 << 10, "cache": 3784704}},
    "MI210": {"targets": ["gfx90a"], "facts": {"vendor": 0x1002, "double": 1, "units": 104, "group": 256, "wave": 64,
                                               "local": 64 << 10, "cache": 16 << 10}},
    "RX 7900 XTX": {"targets": ["gfx1100"], "facts": {"vendor": 0x1002, "double": 1, "units": 48, "group": 256, "wave": 32,
                                                      "local": 64 << 10, "cache": 32 << 10}},
    "Arc A770": {"targets": ["acm-g10"], "facts": {"vendor": 0x8086, "double": 0, "units": 512, "group": 1024, "wave": 32,
                                                   "local": 64 << 10, "cache": 16 << 20}},
    # The least that devices have: their plans must be possible, and their kernels fit.
    "64 items": {"targets": ["gfx1100"], "facts": {"double": 0, "units": 4, "group": 64, "wave": 8, "local": 16 << 10}},
    "128 items": {"targets": ["gfx1100"], "facts": {"double": 1, "units": 16, "group": 128, "wave": 16, "local": 32 << 10}},
    "512 items": {"targets": ["gfx1100"], "facts": {"double": 0, "units": 16, "group": 512, "wave": 64, "local": 16 << 10}},
    # A kernel takes fewer work-items than the device.
    "64 of a kernel": {"targets": ["gfx1100"], "facts": {"double": 1, "units": 16, "group": 256, "kernel_group": 64, "wave": 32,
                                                         "local": 32 << 10}},
    "1024 items": {"targets": ["gfx1100"], "facts": {"double": 0, "units": 16, "group": 1024, "wave": 32, "local": 16 << 10}},
}

# For these devices all of the tables' shapes, for the others a few.
LARGE = ("H200",)

RESNET50 = [(64, 112, 112), (64, 56, 56), (256, 56, 56), (128, 28, 28), (512, 28, 28), (256, 14, 14), (1024, 14, 14), (512, 7, 7),
            (2048, 7, 7)]
# DenseNet-121's that are not among ResNet-50's.
DENSENET = [(128, 56, 56), (160, 56, 56), (320, 28, 28), (128, 14, 14), (640, 14, 14), (128, 7, 7), (768, 7, 7), (1024, 7, 7)]
MATRICES = [(4096, 4096), (8192, 1024), (65536, 1024), (1048576, 64), (16384, 4096), (60, 100), (256, 784), (1000, 35)]
FEW = [(32, 64, 56, 56), (32, 512, 7, 7), (256, 2048, 7, 7), (256, 64, 112, 112), (8192, 1024), (1000, 35)]

TYPES = {"float32": 4, "float16": 2}


def shapes(device):
    if device not in LARGE:
        return FEW
    return [(256, *shape) for shape in RESNET50] + [(32, *shape) for shape in RESNET50 + DENSENET] + MATRICES


def cases(device):
    """Lines for plans.c."""
    lines = []
    for kind in TYPES:
        for activation in ("none", "relu"):
            for shape in shapes(device):
                for layout in ("nchw", "nhwc") if len(shape) > 2 else ("nchw",):
                    lines.append(" ".join([kind, activation, layout, *map(str, shape)]))
    return lines
