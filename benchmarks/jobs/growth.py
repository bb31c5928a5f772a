# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Growth: trees of many nodes and properties of many bytes, built by API."""

from __future__ import annotations

from typing import Any, Callable

from compare import decode
from frame import Case, Group, Missing, Prepared, Row, Setup, collect

KEY = "growth"
TITLE = "Growth"
ROUNDS = 5
CLOCK = "thread"
PINNED = True
GROUPS = {
    "nodes": Group(
        "N nodes, each with one property, built one after the other", "node",
        "From an empty tree to its bytes.",
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


def ours_nodes_in_edit(count: int) -> Job:
    from pyfdtx import Fdt

    if not hasattr(Fdt, "edit"):
        raise Missing("Fdt.edit() is not there")

    def run() -> bytes:
        fdt = Fdt.empty()
        with fdt.edit():
            root = fdt.root
            for i in range(count):
                root.add(f"node@{i:x}").set_u32("reg", i)
        return fdt.to_bytes()

    run()
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
        with fdt.edit():
            root = fdt.root
            for _ in range(kib):
                root.append("data", CHUNK)
        return fdt.to_bytes()

    run()
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


def prepare(setup: Setup) -> Prepared:
    found: list[Case] = []
    missing: dict[str, str] = {}

    def add(which: str, unit: str, table: Any, counts: tuple[int, ...]) -> None:
        for count in counts:
            few = [i for i in table if i[0] not in QUADRATIC]
            table_ = table if count <= QUADRATIC_UP_TO else few

            def make(
                key: str, title: str, note: str, maker: Any, every: int,
                count: int = count,
            ) -> Row:  # fmt: skip
                job = maker(count)
                return Row(
                    key, title, note, job, lambda: decode(job()).items, every=every,
                    counted=every == 1 and count <= 10_000,
                )  # fmt: skip

            rows = collect(
                [(f"{which}:{i[0]}", lambda i=i, make=make: make(*i)) for i in table_],
                missing,
            )
            found.append(
                Case(f"{which}-{count}", f"{count:,} {unit}", which, count, "native",
                     rows, x=count)
            )  # fmt: skip

    add("nodes", "nodes", NODE_ROWS, QUICK_NODES if setup.small else NODES)
    add("bytes", "KiB", BYTE_ROWS, QUICK_KIBS if setup.small else KIBS)
    return Prepared(found, missing, {})
