# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every function of the drop-in on headers that lie, in buffers that end early.

    python header_sweep.py FIRST STEP

Headers of version 0 to 18 and wild ones, complete or being written, buffers of 0
to 64 bytes and of a whole small tree, and every field of the header one by one,
together with a totalsize, as it should not be. Takes every STEP-th blob from FIRST
on. A function may return anything and may raise ValueError; it may not change the
bytes behind totalsize. Under AddressSanitizer the NUL behind each bytearray is out
of bounds, too, so that one byte too many is seen. The blob that crashed is left
behind in the file last-blob.
"""

import ctypes
import faulthandler
import inspect
import os
import struct
import sys
from itertools import count

try:
    import dropin_alone as L
except ImportError:
    import pyfdtx._core as L

MAGIC, WRITTEN = 0xD00DFEED, 0x2FF20112
VERSIONS = (*range(19), 32, 255, 2**16, 2**31, 2**32 - 1)
# Versions that libfdt tells apart: more lies for these
APART = (1, 2, 3, 16, 17, 18)
FIELDS = ("magic", "totalsize", "off_dt_struct", "off_dt_strings", "off_mem_rsvmap",
          "version", "last_comp_version", "boot_cpuid_phys", "size_dt_strings",
          "size_dt_struct")  # fmt: skip
# / { a; };
STRUCTURE = struct.pack(">8I", 1, 0, 3, 0, 0, 2, 9, 0)[:28]
STRINGS = b"a\0"
ROOMY = b"\x55" * 256
# These write where they are told to
STORES = ("fdt_set_m", "fdt_set_t", "fdt_set_o", "fdt_set_v", "fdt_set_l", "fdt_set_b",
          "fdt_set_s", "fdt32_st", "fdt64_st")  # fmt: skip

IN_PLACE = object()
# The first parameter of a function that takes a tree, or bytes for one
TREES = ("fdt", "buf", "property", "p")

# By the name of a parameter: what is given for it, one call each
GIVEN = {
    "name": ("a",), "propname": ("a",), "property": ("a",), "path": ("/", "a"),
    "compatible": ("a",), "str": ("a",), "string": ("a",), "strlist": ("a\0b",),
    "val": (b"abcd",), "propval": (b"abcd",), "prop_data": (None,),
    "nextoffset": (None,), "nodedepth": (None,), "valp": (None,), "pathp": (None,),
    "namelen": (1,),
    "len": (4,), "proplen": (4,), "listlen": (3,), "buflen": (64,), "bufsize": (256,),
    "offset": (0, 8, 24), "nodeoffset": (0,), "parentoffset": (0,), "parent": (0,),
    "startoffset": (-1,), "fragment_offset": (0,), "stroffset": (0, -2), "n": (0, 2),
    "phandle": (7,), "address": (1,), "addr": (1,), "size": (1,), "idx": (0,),
    "index": (0,), "depth": (0,), "supernodedepth": (0,), "checklen": (4,),
    "regs": (bytes(16),), "need": (64,), "step": (64,),
    "version": (17,), "errval": (-1,), "flags": (0,),
}  # fmt: skip
# The value of a number that is stored, where "val" is not bytes
NUMBERS = {"val": (1,), "value": (1,), "p": ()}


def calls():
    """(name, arguments behind the tree); a callable makes a second buffer."""
    for name in sorted(vars(L)):
        function = getattr(L, name)
        if not inspect.isbuiltin(function) or not name.startswith(("fdt", "_sw")):
            continue
        names = list(inspect.signature(function).parameters)
        if names[0] not in TREES:
            continue
        takes_bytes = "len" in names
        known = GIVEN if takes_bytes else {**GIVEN, **NUMBERS}
        if name.endswith("_string"):
            known = {**GIVEN, "val": ("a",)}
        made = [()]
        for at, parameter in enumerate(names[1:], 1):
            if parameter == "phandle" and name != "fdt_node_offset_by_phandle":
                values = (None,)
            elif parameter == "buf":
                values = (lambda blob: bytearray(ROOMY), IN_PLACE)
            elif parameter == "fdto":
                values = (bytearray,)
            elif parameter == "val" and takes_bytes and at == len(names) - 1:
                values = (1,)
            else:
                values = known[parameter]
            made = [(*args, value) for args in made for value in values]
        if name == "fdt_check_full":
            made = [(n,) for n in (28, 36, 40, 64, 256)]
        elif names[0] == "buf":
            # A size that is there
            made = [(len, *args[1:]) for args in made]
        for args in made:
            if IN_PLACE in args:
                args = (*args[:-1], len)
            yield name, args


def header(magic, version, size):
    """Of a small tree whose blocks follow on each other, in `size` bytes."""
    rsv = 40 if version > 2 else 32
    tree = rsv + 16
    strings = tree + len(STRUCTURE)
    words = [magic, size, tree, strings, rsv, version, min(version, 16), 0,
             len(STRINGS), len(STRUCTURE)]  # fmt: skip
    if magic == WRITTEN:
        # The strings grow down from the end
        words[3], words[6] = size, 0
    return words


def inside(version, size):
    """Of a tree that lies in its own header: an empty list of reservations, and
    nothing else."""
    return [MAGIC, size, 28, 28, 16, version, 0, 0, 0, 0]


def blob(words, size):
    """The first bytes of a tree with that header."""
    version = words[5]
    rsv = 40 if version > 2 else 32
    head = struct.pack(">10I", *words)[:rsv]
    return (head + bytes(16) + STRUCTURE + STRINGS + b"\x55" * 32)[:size]


WHOLE = 40 + 16 + len(STRUCTURE) + len(STRINGS)
SIZES = (*range(65), WHOLE - 1, WHOLE, WHOLE + 1, WHOLE + 64)
# Buffers in which totalsize lies as well, and what it says
CLOSE = (28, 31, 32, 35, 36, 39, 40, 41, 44, 48, 56, 63, 64, WHOLE, WHOLE + 64)
TOTALS = (28, 32, 35, 36, 39, 40)


def lies(size):
    near = (size - 16, size - 8, size - 4, size - 1, size, size + 1, size + 8)
    wild = (2**31 - 1, 2**31, 2**32 - 16, 2**32 - 4, 2**32 - 1)
    small = (0, 1, 4, 8, 28, 32, 36, 39, 40, 48, 56)
    return sorted({word % 2**32 for word in (*small, *near, *wild)})


def blobs():
    for version in VERSIONS:
        for size in SIZES:
            yield from lying(header(MAGIC, version, size), size, version in APART)
    for version in APART:
        for size in SIZES:
            yield from lying(header(WRITTEN, version, size), size, True)
        for size in CLOSE:
            yield from lying(inside(version, size), size, True)


def lying(words, size, totals_too):
    yield blob(words, size)
    totals = {size}
    if totals_too and size in CLOSE:
        totals |= {*TOTALS, size - 4, size + 1, 2**31 - 1}
    for total in sorted(totals):
        # What is behind the end needs no lies
        for field in range(2, min(10, (size + 3) // 4)):
            for word in lies(size):
                changed = [*words]
                changed[1], changed[field] = total, word
                yield blob(changed, size)


def poison():
    """The function that takes a byte out of bounds; None without ASan."""
    try:
        function = ctypes.CDLL(None).__asan_poison_memory_region
    except AttributeError:
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return function


POISON = poison()


def exact(data):
    """A bytearray behind which nothing can be read."""
    made = bytearray(data)
    if POISON is not None and made:
        view = (ctypes.c_char * len(made)).from_buffer(made)
        POISON(ctypes.addressof(view) + len(made), 1)
        del view
    return made


def exercise(data, every):
    fdt = exact(data)
    for name, function, args in every:
        given = [
            fdt if arg is IN_PLACE else arg(data) if callable(arg) else arg
            for arg in args
        ]
        try:  # noqa: SIM105, in the innermost loop
            function(fdt, *given)
        except ValueError:
            pass
        if fdt != data:
            end = int.from_bytes(data[4:8], "big")
            if len(fdt) == len(data) and not name.startswith(STORES):
                new = max(end, int.from_bytes(fdt[4:8], "big"))
                assert name.startswith("fdt_create") or fdt[new:] == data[new:], (
                    f"{name}{args} wrote behind the tree"
                )
            fdt = exact(data)


def main():
    start, step = int(sys.argv[1]), int(sys.argv[2])
    every = [(name, getattr(L, name), args) for name, args in calls()]
    done, number = 0, count()
    where = os.open("last-blob", os.O_RDWR | os.O_CREAT, 0o600)
    for data in blobs():
        if next(number) % step == start:
            # A crash leaves it behind, and writing to a file costs less than a line
            os.pwrite(where, data.ljust(128, b"\0") + bytes([len(data)]), 0)
            exercise(data, every)
            done += 1
    os.close(where)
    os.unlink("last-blob")
    print(f"done: {done} blobs, {done * len(every)} calls of "
          f"{len({name for name, _, _ in every})} functions")  # fmt: skip


if __name__ == "__main__":
    faulthandler.enable()
    main()
