#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes clbn/_header.py: the constants, structs and functions of clbn.h for ctypes.

    generate.py include/clbn.h clbn/_header.py

The header is the only source, so that the package and the library cannot part. What the script does not understand is an
error, not a gap.
"""

import re
import sys

# C's types as ctypes writes them. Objects of OpenCL and of clbn are pointers whose inside nobody sees.
TYPES = {
    "void": "None",
    "size_t": "ctypes.c_size_t",
    "ptrdiff_t": "ctypes.c_ssize_t",
    "cl_int": "ctypes.c_int32",
    "cl_uint": "ctypes.c_uint32",
    "cl_ulong": "ctypes.c_uint64",
    "cl_bool": "ctypes.c_uint32",
    "double": "ctypes.c_double",
    "cl_context": "ctypes.c_void_p",
    "cl_device_id": "ctypes.c_void_p",
    "cl_command_queue": "ctypes.c_void_p",
    "cl_mem": "ctypes.c_void_p",
    "cl_event": "ctypes.c_void_p",
}

IDENTIFIER = r"[A-Za-z_]\w*"


class HeaderError(Exception):
    pass


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)


def constants_of(text):
    """Names and values of the macros that are whole numbers, and of the enumerators."""
    found = {}
    for name, value in re.findall(rf"^[ \t]*#define[ \t]+(CLBN_{IDENTIFIER})[ \t]+([^\n\\]+)$", text, re.MULTILINE):
        value = re.sub(r"\b(\d+)u\b", r"\1", value.strip())
        if re.fullmatch(r"[\d\s()<|~+-]+", value):
            found[name] = eval(value, {"__builtins__": {}})  # digits and operators alone
    for body in re.findall(r"\benum\s*\{(.*?)\}\s*;", text, re.DOTALL):
        for entry in filter(None, (e.strip() for e in body.split(","))):
            match = re.fullmatch(rf"({IDENTIFIER})\s*=\s*(-?\d+)", entry)
            if not match:
                raise HeaderError(f"an enumerator without a number: {entry!r}")
            found[match[1]] = int(match[2])
    return found


def read_type(words, types):
    """The ctypes of C's words, such as 'const cl_event *'."""
    stars = words.count("*")
    name = words.replace("*", " ").replace("const", " ").split()
    if len(name) != 1:
        raise HeaderError(f"not a type: {words!r}")
    if name[0] == "char" and stars == 1:
        return "ctypes.c_char_p"
    if name[0] == "void" and stars == 1:
        return "ctypes.c_void_p"
    if name[0] not in types:
        raise HeaderError(f"an unknown type: {words!r}")
    result = types[name[0]]
    for _ in range(stars):
        result = f"ctypes.POINTER({result})"
    return result


def read_members(body, types, constants):
    members = []
    for line in filter(None, (m.strip() for m in body.split(";"))):
        match = re.fullmatch(rf"((?:const\s+)?{IDENTIFIER}(?:\s*\*+\s*|\s+))(.+)", line, re.DOTALL)
        if not match:
            raise HeaderError(f"not a member: {line!r}")
        for declared in match[2].split(","):
            name, _, length = declared.strip().partition("[")
            ctype = read_type(match[1], types)
            if length:
                length = length.rstrip("] ")
                ctype = f"{ctype} * {int(length) if length.isdigit() else constants[length]}"
            members.append((name.strip(), ctype))
    return members


def read_header(text):
    """(constants, structs, functions): structs as {name: members}, functions as {name: (result, arguments)}."""
    text = without_comments(text)
    constants = constants_of(text)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.MULTILINE)
    text = text.replace('extern "C" {', "")
    types, structs, functions = dict(TYPES), {}, {}
    pattern = re.compile(
        rf"typedef\s+struct\s+(?P<struct>{IDENTIFIER})\s*\{{(?P<members>.*?)\}}\s*{IDENTIFIER}\s*;"
        rf"|typedef\s+struct\s+{IDENTIFIER}\s*\*\s*(?P<object>{IDENTIFIER})\s*;"
        rf"|typedef\s+(?P<base>{IDENTIFIER})\s+(?P<alias>{IDENTIFIER})\s*;"
        rf"|CLBN_API\s+(?P<result>[^;()]*?)(?P<function>clbn{IDENTIFIER})\s*\((?P<arguments>[^;]*?)\)\s*;"
        r"|enum\s*\{.*?\}\s*;",
        re.DOTALL,
    )
    rest = 0
    for match in pattern.finditer(text):
        between = text[rest:match.start()].strip()
        if between:
            raise HeaderError(f"not understood: {between!r}")
        rest = match.end()
        if match["struct"]:
            structs[match["struct"]] = read_members(match["members"], types, constants)
            types[match["struct"]] = match["struct"]
        elif match["object"]:
            types[match["object"]] = "ctypes.c_void_p"
        elif match["alias"]:
            types[match["alias"]] = read_type(match["base"], types)
        elif match["function"]:
            arguments = []
            if match["arguments"].strip() not in ("", "void"):
                for argument in match["arguments"].split(","):
                    words = re.sub(rf"{IDENTIFIER}\s*$", "", argument.strip())
                    arguments.append(read_type(words, types))
            functions[match["function"]] = (read_type(match["result"], types), arguments)
    if text[rest:].strip(" \n\t}"):
        raise HeaderError(f"not understood: {text[rest:].strip()!r}")
    return constants, structs, functions


def python_of(constants, structs, functions):
    lines = [
        '"""The constants, structs and functions of clbn.h. Written by generate.py: do not edit."""',
        "",
        "import ctypes",
        "",
    ]
    lines += [f"{name} = {value}" for name, value in constants.items()]
    for name, members in structs.items():
        lines += ["", "", f"class {name}(ctypes.Structure):", "    __slots__ = ()  # a misspelt member is an error", "    _fields_ = ["]
        lines += [f'        ("{member}", {ctype}),' for member, ctype in members]
        lines += ["    ]"]
    lines += ["", "", "FUNCTIONS = {"]
    lines += [f'    "{name}": ({result}, [{", ".join(arguments)}]),' for name, (result, arguments) in functions.items()]
    lines += ["}", ""]
    return "\n".join(lines)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py clbn.h _header.py")
    try:
        with open(sys.argv[1], encoding="utf-8") as header:
            python = python_of(*read_header(header.read()))
    except HeaderError as error:
        sys.exit(f"generate.py: {sys.argv[1]}: {error}")
    with open(sys.argv[2], "w", encoding="utf-8") as module:
        module.write(python)


if __name__ == "__main__":
    main()
