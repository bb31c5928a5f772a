# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Growth: trees of many nodes and properties of many bytes, built by API."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

import fresh
from frame import Case, Disagreement, Group, Missing, Prepared, Progress, Row, Setup

KEY = "growth"
TITLE = "Growth"
ROUNDS = 5
CLOCK = "own"
CLOCK_NAME = "CPU time, each run in a process of its own"
GROUPS = {
    "nodes": Group(
        "N nodes, each with one property, built one after the other", "node",
        "From an empty tree to its bytes, in a process of its own.",
    ),
    "bytes": Group(
        "One property of N KiB, appended to by 1 KiB at a time", "KiB",
        "From an empty tree to its bytes; FdtSw has no append and is given the "
        "whole value at once.",
    ),
}  # fmt: skip

NODES = (2_500, 10_000, 40_000)
KIBS = (320, 1280, 5120)
QUICK_NODES, QUICK_KIBS = (500, 2_000), (80, 320)
COUNTED_UP_TO = 10_000  # instructions
QUADRATIC = ("pylibfdt", "fdt")
QUADRATIC_UP_TO = 10_000  # nodes, for rows that would take minutes
SELDOM = 4  # rows that take seconds: in rounds 0 and 4
CHUNK = bytes(range(256)) * 4

Job = Callable[[], bytes]


# -- nodes -------------------------------------------------------------------


def ours_nodes(count: int) -> Job:
    from pyfdtx import Fdt

    def run() -> bytes:
        fdt = Fdt.empty()
        root = fdt.root
        for i in range(count):
            root.add(f"node@{i:x}").set_u32("reg", i)
        return fdt.to_bytes()

    return run


def ours_nodes_last(count: int) -> Job:
    from pyfdtx import Fdt

    def run() -> bytes:
        fdt = Fdt.empty()
        root = fdt.root
        for i in reversed(range(count)):
            root.add(f"node@{i:x}", last=True).set_u32("reg", i)
        return fdt.to_bytes()

    return run


def ours_nodes_in_edit(count: int) -> Job:
    from pyfdtx import Fdt

    if not hasattr(Fdt, "edit"):
        raise Missing("Fdt.edit() is not there")

    def run() -> bytes:
        fdt = Fdt.empty()
        with fdt.edit() as edit:
            for i in range(count):
                path = f"/node@{i:x}"
                edit.add_node(path)
                edit.set_u32(path, "reg", i)
        return fdt.to_bytes()

    return run


def writer_nodes(which: str) -> Callable[[int], Job]:
    """FdtSw of pylibfdt, or of the drop-in for it."""

    def make(count: int) -> Job:
        libfdt = __import__(which, fromlist=["FdtSw"])

        def run() -> bytes:
            sw = libfdt.FdtSw()
            sw.finish_reservemap()
            sw.begin_node("")
            for i in range(count):
                sw.begin_node(f"node@{i:x}")
                sw.property_u32("reg", i)
                sw.end_node()
            sw.end_node()
            fdt = sw.as_fdt()
            fdt.pack()
            return bytes(fdt.as_bytearray())

        return run

    return make


def pylibfdt_nodes(count: int) -> Job:
    """add_subnode() into a buffer that is large enough from the start."""
    import libfdt

    def run() -> bytes:
        fdt = libfdt.Fdt.create_empty_tree(64 * count + 256)
        for i in range(count):
            fdt.setprop_u32(fdt.add_subnode(0, f"node@{i:x}"), "reg", i)
        fdt.pack()
        return bytes(fdt.as_bytearray())

    return run


def package_nodes(count: int) -> Job:
    import fdt

    def run() -> bytes:
        tree = fdt.FDT(header=fdt.Header(), entries=[])
        tree.header.version = 17
        tree.header.last_comp_version = 16
        for i in range(count):
            node = fdt.Node(f"node@{i:x}")
            node.set_property("reg", i)
            tree.root.append(node)
        return bytes(tree.to_dtb())

    return run


# -- bytes -------------------------------------------------------------------


def ours_bytes(kib: int) -> Job:
    from pyfdtx import Fdt

    def run() -> bytes:
        fdt = Fdt.empty()
        root = fdt.root
        for _ in range(kib):
            root.append("data", CHUNK)
        return fdt.to_bytes()

    return run


def ours_bytes_in_edit(kib: int) -> Job:
    from pyfdtx import Fdt

    if not hasattr(Fdt, "edit"):
        raise Missing("Fdt.edit() is not there")

    def run() -> bytes:
        fdt = Fdt.empty()
        with fdt.edit() as edit:
            for _ in range(kib):
                edit.append("/", "data", CHUNK)
        return fdt.to_bytes()

    return run


def ours_bytes_at_once(kib: int) -> Job:
    from pyfdtx import Fdt

    value = CHUNK * kib

    def run() -> bytes:
        fdt = Fdt.empty()
        fdt.root["data"] = value
        return fdt.to_bytes()

    return run


def writer_bytes(which: str) -> Callable[[int], Job]:
    def make(kib: int) -> Job:
        libfdt = __import__(which, fromlist=["FdtSw"])
        value = CHUNK * kib

        def run() -> bytes:
            sw = libfdt.FdtSw()
            sw.finish_reservemap()
            sw.begin_node("")
            sw.property("data", value)
            sw.end_node()
            fdt = sw.as_fdt()
            fdt.pack()
            return bytes(fdt.as_bytearray())

        return run

    return make


def pylibfdt_bytes(kib: int) -> Job:
    """fdt_appendprop() into a buffer that is large enough from the start."""
    import libfdt

    def run() -> bytes:
        fdt = libfdt.Fdt.create_empty_tree(1024 * kib + 256)
        raw = fdt._fdt
        for _ in range(kib):
            libfdt.check_err(libfdt.fdt_appendprop(raw, 0, "data", CHUNK, len(CHUNK)))
        fdt.pack()
        return bytes(fdt.as_bytearray())

    return run


CHECKS = "grows by itself"
NODE_ROWS: tuple[tuple[str, str, str, Any, int], ...] = (
    ("native", "pyfdtx.Fdt", CHECKS, ours_nodes, 1),
    (
        "last",
        "pyfdtx.Fdt, node by node, each behind the others",
        CHECKS,
        ours_nodes_last,
        1,
    ),
    ("edit", "pyfdtx.Fdt, in an edit", CHECKS, ours_nodes_in_edit, 1),
    ("dropin", "pyfdtx.libfdt: FdtSw", CHECKS, writer_nodes("pyfdtx.libfdt"), 1),
    ("writer", "pylibfdt: FdtSw", CHECKS, writer_nodes("libfdt"), SELDOM),
    ("pylibfdt", "pylibfdt: add_subnode", "buffer given", pylibfdt_nodes, SELDOM),
    ("fdt", "fdt (PyPI, Python only)", CHECKS, package_nodes, SELDOM),
)
BYTE_ROWS: tuple[tuple[str, str, str, Any, int], ...] = (
    ("native", "pyfdtx.Fdt", CHECKS, ours_bytes, 1),
    ("edit", "pyfdtx.Fdt, in an edit", CHECKS, ours_bytes_in_edit, 1),
    ("at_once", "pyfdtx.Fdt, at once", CHECKS, ours_bytes_at_once, 1),
    ("dropin", "pyfdtx.libfdt: FdtSw, at once", CHECKS,
     writer_bytes("pyfdtx.libfdt"), 1),
    ("writer", "pylibfdt: FdtSw, at once", CHECKS, writer_bytes("libfdt"), SELDOM),
    ("pylibfdt", "pylibfdt: fdt_appendprop", "buffer given", pylibfdt_bytes, SELDOM),
)  # fmt: skip


TABLES = {"nodes": NODE_ROWS, "bytes": BYTE_ROWS}


def maker(group: str, key: str) -> Callable[[int], Job]:
    """What fresh.py runs."""
    return next(row[3] for row in TABLES[group] if row[0] == key)


class Checked:
    """Runs of one size in processes of their own, each result compared with
    the first one's."""

    def __init__(self, group: str, size: int):
        self.group, self.size = group, size
        self.digest = ""

    def run(self, key: str) -> int:
        """Raises:
        Disagreement: this tree is not the first one's.
        """
        took, seen = fresh.measure(KEY, self.group, key, self.size)
        self.digest = self.digest or seen
        if seen != self.digest:
            raise Disagreement(f"{self.size} {self.group}: {key} differs from others")
        return took


def _case(group: str, unit: str, size: int, missing: dict[str, str]) -> Case:
    checked = Checked(group, size)
    rows = []
    for key, title, note, make, every in TABLES[group]:
        if key in QUADRATIC and group == "nodes" and size > QUADRATIC_UP_TO:
            continue
        try:
            work = make(size)
        except (ImportError, Missing) as e:
            missing[f"{group}:{key}"] = str(e)
            continue
        rows.append(
            Row(key, title, note, partial(checked.run, key), every=every, work=work,
                counted=every == 1 and size <= COUNTED_UP_TO)
        )  # fmt: skip
    return Case(
        f"{group}-{size}", f"{size:,} {unit}", group, size, "native", rows, x=size
    )


def agree(cases: list[Case], progress: Progress) -> None:
    """All rows of the smallest size of each group; the others are compared
    whenever they are timed.

    Raises:
        Disagreement: two trees differ.
    """
    for group in GROUPS:
        smallest = next(c for c in cases if c.group == group)
        for row in smallest.rows:
            progress(f"comparing {smallest.title}: {row.title}")
            row.run()


def prepare(setup: Setup) -> Prepared:
    missing: dict[str, str] = {}
    nodes = QUICK_NODES if setup.small else NODES
    kibs = QUICK_KIBS if setup.small else KIBS
    found = [_case("nodes", "nodes", n, missing) for n in nodes]
    found += [_case("bytes", "KiB", n, missing) for n in kibs]
    return Prepared(found, missing, {}, partial(agree, found))
