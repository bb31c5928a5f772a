# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J7: single operations on a node, and a tree that is opened for one change.

pylibfdt's rows are its best calls: module functions, on a bytearray with room,
at an offset that is known; nothing is checked. Its methods are shown beside.
"""

from __future__ import annotations

from typing import Any, Callable

import cases
from compare import decode
from frame import Case, Group, Prepared, Row, Setup, collect

KEY = "j7"
TITLE = "Edits by node"
ROUNDS = 25
CLOCK = "thread"
GROUPS = {
    "node": Group(
        "One operation on a node", "operation",
        "The tree is open and the node at hand; the median tree by size.",
    ),
    "whole": Group(
        "Open a tree, set a string in it, take its bytes", "tree",
        "The smallest, the median and the largest tree.",
    ),
}  # fmt: skip

TURNS = 200
FEW = 40  # what makes the tree larger is done so often, then undone
ROOM = 8192
CHECKS, NONE = "checks: fdtx_check, once", "no checks"
TEXT = "console=ttyS0,115200 quiet"

Turn = Callable[[], object]
# What is done once; the tree's bytes; what undoes it, or None
Made = tuple[Turn, Callable[[], bytes], Any]
Maker = Callable[[bytes, str], Made]


def _rounds(turn: Turn, times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            turn()

    return run


# -- pyfdtx ------------------------------------------------------------------


def ours(do: Callable[[Any], Turn], undo: Callable[[Any], Turn] | None = None) -> Maker:
    def make(blob: bytes, path: str) -> Made:
        from pyfdtx import Fdt

        fdt = Fdt(blob)
        node = fdt[path]
        return do(node), fdt.to_bytes, undo and undo(node)

    return make


def _edited(node: Any) -> Turn:
    fdt = node.fdt

    def run() -> None:
        with fdt.edit() as edit:
            edit.set_u32(node, "bench,u32", 6)

    return run


# -- pylibfdt ----------------------------------------------------------------


def theirs(
    do: Callable[[Any, Any, int], Turn],
    undo: Callable[[Any, Any, int], Turn] | None = None,
) -> Maker:
    """do(libfdt, tree, offset of the node)."""

    def make(blob: bytes, path: str) -> Made:
        import libfdt

        tree = libfdt.Fdt(blob)
        tree.resize(len(blob) + ROOM)
        at = tree.path_offset(path)

        def result() -> bytes:
            packed = libfdt.Fdt(bytes(tree._fdt))
            packed.pack()
            return bytes(packed.as_bytearray()[: packed.totalsize()])

        return do(libfdt, tree, at), result, undo and undo(libfdt, tree, at)

    return make


def _add_and_delete(libfdt: Any, tree: Any, at: int) -> Turn:
    raw = tree._fdt
    add, delete = libfdt.fdt_add_subnode, libfdt.fdt_del_node
    return lambda: delete(raw, add(raw, at, "bench@0"))


def _append(libfdt: Any, tree: Any, at: int) -> Turn:
    raw, above = tree._fdt, libfdt.fdt_parent_offset(tree._fdt, at)
    append = libfdt.fdt_appendprop_addrrange
    return lambda: append(raw, above, at, REG, 4096, 8192)


REG = "bench,reg"
STRING = TEXT.encode() + b"\0"
BIG = "big"
# (key, title, rows, times); a row: (key, title, note, maker)
OPERATIONS: tuple[tuple[str, str, Any, int], ...] = (
    ("get", "value as bytes", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node["bench,u32"])),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(lambda L, t, at: lambda g=L.fdt_getprop, raw=t._fdt:
                g(raw, at, "bench,u32")[0])),
        ("method", "pylibfdt, methods of Fdt", NONE,
         theirs(lambda L, t, at: lambda: t.getprop(at, "bench,u32"))),
    ), TURNS),
    ("get_u32", "value as a number", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node.get_u32("bench,u32"))),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(lambda L, t, at: lambda g=L.fdt_getprop, raw=t._fdt, i=int.from_bytes:
                i(g(raw, at, "bench,u32")[0], BIG))),
        ("method", "pylibfdt, methods of Fdt", NONE,
         theirs(lambda L, t, at: lambda: t.getprop(at, "bench,u32").as_uint32())),
    ), TURNS),
    ("set_u32", "set a number", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node.set_u32("bench,u32", 6))),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(lambda L, t, at: lambda s=L.fdt_setprop_u32, raw=t._fdt:
                s(raw, at, "bench,u32", 6))),
        ("edit", "pyfdtx, an edit() of one change", CHECKS, ours(_edited)),
    ), TURNS),
    ("set_string", "set a string", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node.set_string("bench,text", TEXT))),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(lambda L, t, at: lambda s=L.fdt_setprop, raw=t._fdt:
                s(raw, at, "bench,text", STRING, len(STRING)))),
    ), TURNS),
    ("add_delete", "add a node and delete it", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node.add("bench@0").delete())),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(_add_and_delete)),
    ), TURNS),
    ("append_reg", "append a range", (
        ("native", "pyfdtx, by node", CHECKS,
         ours(lambda node: lambda: node.append_reg(REG, [(4096, 8192)]),
              lambda node: lambda: node.pop(REG, None))),
        ("pylibfdt", "pylibfdt, module functions", NONE,
         theirs(_append, lambda L, t, at: lambda: L.fdt_delprop(t._fdt, at, REG))),
    ), FEW),
)  # fmt: skip


# -- a tree for one change ---------------------------------------------------


def ours_whole(blob: bytes) -> Callable[[], bytes]:
    from pyfdtx import Fdt

    def run() -> bytes:
        fdt = Fdt(blob)
        fdt["/chosen"].set_string("bootargs", TEXT)
        return fdt.to_bytes()

    return run


def theirs_whole(blob: bytes) -> Callable[[], bytes]:
    import libfdt

    def run() -> bytes:
        raw = bytearray(len(blob) + 128)
        libfdt.fdt_open_into(bytearray(blob), raw, len(raw))
        at = libfdt.fdt_path_offset(raw, "/chosen")
        libfdt.fdt_setprop(raw, at, "bootargs", STRING, len(STRING))
        libfdt.fdt_pack(raw)
        return bytes(raw[: libfdt.fdt_totalsize(raw)])

    return run


WHOLE: tuple[tuple[str, str, str, Any], ...] = (
    ("native", "pyfdtx.Fdt", "checks: fdtx_check", ours_whole),
    ("pylibfdt", "pylibfdt: module functions", NONE, theirs_whole),
)


def _prepared(blob: bytes) -> tuple[bytes, str]:
    """The tree with what is looked for in the middle of it, and that node."""
    from pyfdtx import Fdt

    fdt = Fdt(blob)
    # As many properties as nodes have, below one whose cells are there
    fit = [
        node for node in fdt
        if 4 <= len(node) <= 10 and node.parent is not None
        and "#address-cells" in node.parent and "#size-cells" in node.parent
    ]  # fmt: skip
    node = fit[len(fit) // 2]
    node.set_string("bench,text", TEXT)
    node.set_u32("bench,u32", 6)
    return fdt.to_bytes(), node.path


def prepare(setup: Setup) -> Prepared:
    _, blobs, _ = cases.read(setup.directory)
    blobs = [b for b in blobs if any(p == "/chosen" for p, _, _ in decode(b).items)]
    blobs.sort(key=len)
    if not blobs:
        raise ValueError(f"no usable .dtb file below {setup.directory}")
    missing: dict[str, str] = {}
    found: list[Case] = []
    blob, path = _prepared(blobs[len(blobs) // 2])

    for key, title, table, times in OPERATIONS:

        def operation(
            row: str, name: str, note: str, maker: Maker, times: int = times
        ) -> Row:
            turn, result, undo = maker(blob, path)

            def answer() -> object:
                if undo:
                    undo()
                turn()
                return decode(result())

            return Row(row, name, note, _rounds(turn, times), answer, undo)

        rows = collect(
            [(f"{key}:{i[0]}", lambda i=i, do=operation: do(*i)) for i in table],
            missing,
        )
        found.append(Case(key, title, "node", times, "native", rows))

    sizes = {"small": blobs[0], "median": blobs[len(blobs) // 2], "large": blobs[-1]}
    for which, blob_of in sizes.items():

        def whole(
            row: str, name: str, note: str, maker: Any, blob_of: bytes = blob_of
        ) -> Row:
            once = maker(blob_of)
            return Row(row, name, note, _rounds(once, FEW), lambda: decode(once()))

        rows = collect(
            [(f"whole:{i[0]}", lambda i=i, do=whole: do(*i)) for i in WHOLE], missing
        )
        title = f"{len(blob_of):,} bytes"
        found.append(Case(which, title, "whole", FEW, "native", rows))
    return Prepared(found, missing, {"bytes": len(blob), "path": path})
