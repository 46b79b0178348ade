# SPDX-License-Identifier: MIT
"""NVIDIA's optimizer and code generator: nvvm.py LIBNVVM IN.ll OUT.ptx OPTION... A process of its own, since it may end it."""
import ctypes
import sys


def text_of(library, program, size_call, text_call):
    size = ctypes.c_size_t()
    size_call(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(max(1, size.value))
    text_call(program, text)
    return text.value.decode(errors="replace")


def main(path, source, target, options):
    library = ctypes.CDLL(path)
    program = ctypes.c_void_p()
    library.nvvmCreateProgram(ctypes.byref(program))
    with open(source, "rb") as file:
        text = file.read()
    status = library.nvvmAddModuleToProgram(program, text, ctypes.c_size_t(len(text)), b"program")
    words = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = status or library.nvvmCompileProgram(program, len(options), words)
    if status != 0:
        print(text_of(library, program, library.nvvmGetProgramLogSize, library.nvvmGetProgramLog)[:4000], file=sys.stderr)
        return "libNVVM's status is %d" % status
    with open(target, "w", encoding="utf-8") as file:
        file.write(text_of(library, program, library.nvvmGetCompiledResultSize, library.nvvmGetCompiledResult))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
