# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J2: N memory ranges into one property of a tree, bytes to bytes."""

from __future__ import annotations

import struct
import sys
from array import array
from itertools import chain
from typing import Any, Callable, NamedTuple

import cases
import impls
from compare import decode
from frame import Case, Group, Missing, Prepared, Row, Setup

KEY = "j2"
TITLE = "N memory ranges into one property, bytes to bytes"
ROUNDS = 15
CLOCK = "thread"
GROUPS = {
    "ranges": Group(
        TITLE,
        "range",
        "One tree of the corpus is opened, /chosen gets one property of N "
        "(address, size) entries, the tree is given back as bytes.",
    ),
    "alone": Group(
        "The same, the property alone",
        "range",
        "The tree is open before the clock starts and stays open; pylibfdt and C "
        "have been given the room.",
    ),
}

COUNTS = (1, 100, 1000, 10_000, 100_000)
SMALL_UP_TO = 10_000  # where a glance is enough
# Counting instructions takes fifty times as long
COUNTED_UP_TO = dict.fromkeys(("each", "each_edit", "pylibfdt_get_set"), 1000)
QUADRATIC_UP_TO = 1000  # rows that read and write back the growing value
PACKAGE_UP_TO = 10_000
NODE, NAME = "/chosen", "linux,usable-memory-range"
# One run does at least so many ranges, so that the clock has something to see
AT_LEAST = 500

Pairs = list[tuple[int, int]]


class Way(NamedTuple):
    """One way to do it, in three steps."""

    open: Callable[[], Any]
    put: Callable[[Any], object]
    close: Callable[[Any], bytes]


Maker = Callable[[bytes, Pairs], Way]


def ranges(count: int) -> Pairs:
    """Ranges that fit cells of 32 bits, too."""
    return [(0x2000 * i, 0x1000) for i in range(count)]


def tree(names: list[str], blobs: list[bytes]) -> tuple[str, bytes]:
    """Of the trees that have /chosen and cells of 2 and 2, the middle one."""
    two = struct.pack(">I", 2)
    found = []
    for name, blob in zip(names, blobs):
        t = decode(blob)
        if ("/chosen", "", b"") in t.items and all(
            t.value("/", cells) == two for cells in ("#address-cells", "#size-cells")
        ):
            found.append((len(blob), name, blob))
    if not found:
        raise ValueError("J2 needs a tree with /chosen and root cells of 2 and 2")
    found.sort()
    _, name, blob = found[len(found) // 2]
    return name, blob


def _ours(blob: bytes, put: Callable[[Any], object]) -> Way:
    from pyfdtx import Fdt

    return Way(lambda: Fdt(blob), put, lambda fdt: bytes(fdt.to_bytes()))


def ours_packed(blob: bytes, pairs: Pairs) -> Way:
    packed = array("Q", chain.from_iterable(pairs))
    return _ours(blob, lambda fdt: fdt[NODE].set_reg(NAME, packed, parent="/"))


def ours_tuples(blob: bytes, pairs: Pairs) -> Way:
    return _ours(blob, lambda fdt: fdt[NODE].set_reg(NAME, pairs, parent="/"))


def ours_each(blob: bytes, pairs: Pairs) -> Way:
    def put(fdt: Any) -> None:
        node = fdt[NODE]
        for pair in pairs:
            node.append_reg(NAME, (pair,), parent="/")

    return _ours(blob, put)


def ours_each_in_edit(blob: bytes, pairs: Pairs) -> Way:
    from pyfdtx import Fdt

    if not hasattr(Fdt, "edit"):
        raise Missing("Fdt.edit() is not there")

    entry = struct.Struct(">QQ").pack  # the tree's cells are 2 and 2

    def put(fdt: Any) -> None:
        with fdt.edit() as edit:
            for pair in pairs:
                edit.append(NODE, NAME, entry(*pair))

    return _ours(blob, put)


def _pylibfdt(blob: bytes, pairs: Pairs, put: Callable[[Any], object]) -> Way:
    """Fdt with room for all of it."""
    import libfdt

    def opened() -> Any:
        fdt = libfdt.Fdt(blob)
        fdt.resize(len(blob) + 16 * len(pairs) + 256)
        return fdt

    def close(fdt: Any) -> bytes:
        fdt.pack()
        return bytes(fdt.as_bytearray())

    return Way(opened, put, close)


def pylibfdt_oneshot(blob: bytes, pairs: Pairs) -> Way:
    form = f">{2 * len(pairs)}Q"

    def put(fdt: Any) -> None:
        value = struct.pack(form, *chain.from_iterable(pairs))
        fdt.setprop(fdt.path_offset(NODE), NAME, value)

    return _pylibfdt(blob, pairs, put)


def pylibfdt_packed(blob: bytes, pairs: Pairs) -> Way:
    """Numbers that are packed already, as pyfdtx gets them."""
    import libfdt

    packed = array("Q", chain.from_iterable(pairs))
    find, put_in = libfdt.fdt_path_offset, libfdt.fdt_setprop

    def put(fdt: Any) -> None:
        swapped = array("Q", packed)
        if sys.byteorder == "little":
            swapped.byteswap()
        raw, value = fdt._fdt, swapped.tobytes()
        put_in(raw, find(raw, NODE), NAME, value, len(value))

    return _pylibfdt(blob, pairs, put)


def pylibfdt_append(blob: bytes, pairs: Pairs) -> Way:
    import libfdt

    append, check = libfdt.fdt_appendprop_addrrange, libfdt.check_err

    def put(fdt: Any) -> None:
        raw, node = fdt._fdt, fdt.path_offset(NODE)
        for address, size in pairs:
            check(append(raw, 0, node, NAME, address, size))

    return _pylibfdt(blob, pairs, put)


def pylibfdt_get_set(blob: bytes, pairs: Pairs) -> Way:
    entry = struct.Struct(">QQ").pack

    def put(fdt: Any) -> None:
        node = fdt.path_offset(NODE)
        fdt.setprop(node, NAME, b"")
        for pair in pairs:
            fdt.setprop(node, NAME, bytes(fdt.getprop(node, NAME)) + entry(*pair))

    return _pylibfdt(blob, pairs, put)


def package_fdt(blob: bytes, pairs: Pairs) -> Way:
    import fdt

    def opened() -> Any:
        fdt.FDT.__init__.__defaults__[1].clear()
        return fdt.parse_dtb(blob)

    def put(tree: Any) -> None:
        words: list[int] = []
        for address, size in pairs:
            words += (address >> 32, address & 0xFFFFFFFF)
            words += (size >> 32, size & 0xFFFFFFFF)
        tree.root.get_subnode("chosen").set_property(NAME, words)

    return Way(opened, put, lambda tree: bytes(tree.to_dtb()))


def in_c(how: str) -> Maker:
    """One buffer, opened into each time."""

    def make(blob: bytes, pairs: Pairs) -> Way:
        c = impls.c_module()
        packed = array("Q", chain.from_iterable(pairs))
        entries = c.ffi.from_buffer("struct fdt_reg[]", packed)
        size = len(blob) + 16 * len(pairs) + 256
        call = getattr(c.lib, how)

        def checked(code: int) -> int:
            if code < 0:
                raise RuntimeError(f"{how}: libfdt error {code}")
            return code

        def opened() -> Any:
            out = c.ffi.new("char[]", size)
            checked(c.lib.fdt_open_into(blob, out, size))
            return out

        def close(out: Any) -> bytes:
            checked(c.lib.fdt_pack(out))
            return bytes(c.ffi.buffer(out, c.lib.bench_totalsize(out)))

        name = NAME.encode()
        return Way(
            opened, lambda out: checked(call(out, name, entries, len(pairs))), close
        )

    return make


# (key, title, note, maker, most ranges)
IMPLEMENTATIONS: tuple[tuple[str, str, str, Any, int], ...] = (
    ("packed", "pyfdtx, packed numbers", "set_reg(array)", ours_packed, 10**9),
    ("tuples", "pyfdtx, list of tuples", "set_reg(list)", ours_tuples, 10**9),
    ("each_edit", "pyfdtx, range by range in an edit", "edit(), append()",
     ours_each_in_edit, 10**9),
    ("each", "pyfdtx, range by range", "append_reg()", ours_each, 10**9),
    ("c_oneshot", "C: one call of fdt_setprop_reg_array()", "no checks",
     in_c("bench_ranges_oneshot"), 10**9),
    ("c_append", "C: fdt_appendprop_addrrange() each", "no checks",
     in_c("bench_ranges_append"), 10**9),
    ("pylibfdt_oneshot", "pylibfdt, list packed, one call", "no checks",
     pylibfdt_oneshot, 10**9),
    ("pylibfdt_packed", "pylibfdt, packed numbers, byteswap()", "no checks",
     pylibfdt_packed, 10**9),
    ("pylibfdt_append", "pylibfdt, range by range", "no checks",
     pylibfdt_append, 10**9),
    ("pylibfdt_get_set", "pylibfdt, value read and set again", "no checks",
     pylibfdt_get_set, QUADRATIC_UP_TO),
    ("fdt", "fdt (PyPI), one call", "no checks", package_fdt, PACKAGE_UP_TO),
)  # fmt: skip


def _whole(way: Way, times: int, row: Row) -> Row:
    def job() -> bytes:
        tree = way.open()
        way.put(tree)
        return way.close(tree)

    def run() -> None:
        for _ in range(times):
            job()

    return row._replace(run=run, answer=lambda: decode(job()).items)


def _alone(way: Way, times: int, row: Row) -> Row:
    trees: list[Any] = []

    def before() -> None:
        trees[:] = [way.open() for _ in range(times)]

    def run() -> None:
        for tree in trees:
            way.put(tree)

    return row._replace(run=run, before=before)


def prepare(setup: Setup) -> Prepared:
    names, blobs, _ = cases.read(setup.directory)
    step = 12 if setup.few else 1
    name, blob = tree(names[::step], blobs[::step])
    found: list[Case] = []
    missing: dict[str, str] = {}
    for count in COUNTS:
        if setup.small and count > SMALL_UP_TO:
            continue
        pairs = ranges(count)
        times = max(1, AT_LEAST // count)
        rows: dict[str, list[Row]] = {"ranges": [], "alone": []}
        for key, title, note, maker, most in IMPLEMENTATIONS:
            slow = key == "fdt"
            # The package does one tree where the others do several
            if count > most or (slow and times > 1):
                continue
            counted = not slow and count <= COUNTED_UP_TO.get(key, 10_000)
            row = Row(key, title, note, lambda: None, every=4 if slow else 1,
                      counted=counted)  # fmt: skip
            try:
                way = maker(blob, pairs)
                way.put(way.open())
            except (ImportError, Missing, TypeError) as e:
                # TypeError: packed numbers are not taken
                missing[key] = str(e)
                continue
            rows["ranges"].append(_whole(way, times, row))
            rows["alone"].append(_alone(way, times, row))
        for group, prefix, suffix in (
            ("ranges", "", ""),
            ("alone", "alone-", ", alone"),
        ):
            title = f"{count:,} range{'s' * (count > 1)}{suffix}"
            found.append(
                Case(f"{prefix}{count}", title, group, count * times,
                     "packed", rows[group], x=count)
            )  # fmt: skip
    found.sort(key=lambda c: c.group != "ranges")
    return Prepared(found, missing, {"tree": name, "bytes": len(blob)})
