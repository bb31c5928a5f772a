# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Targets about whole device trees: overlays, and what a tree's cells mean."""

from __future__ import annotations

from collections.abc import Callable

from python_input import Input, tree

from pyfdtx import Fdt, FdtView, pure
from pyfdtx.errors import FdtError
from pyfdtx.files.kinds import kind_of, other_version, trees_in
from pyfdtx.text.diff import diff
from pyfdtx.text.dts import render

Node = tuple[str, list[tuple[str, bytes]], list["Node"]]

LABELS = ("soc", "uart", "gone", "alias", "0", "/soc", "/soc/uart@1", "/none")
NAMES = ("soc", "uart@1", "uart", "new", "new@1", "__overlay__", "chosen")
PATHS = (b"/", b"/soc", b"/soc/uart", b"/soc/uart@1", b"ser", b"ser/x", b"//soc//",
         b"/none", b"", b"x", b"/soc/new")  # fmt: skip
UNRESOLVED = b"\xff" * 4


def cell(number: int) -> bytes:
    return (number % 2**32).to_bytes(4, "big")


def text(raw: bytes) -> bytes:
    return raw + b"\0"


def base(source: Input) -> bytes:
    """A tree with labels, some of which lead nowhere."""
    phandles = [source.byte() % 5 for _ in range(3)]
    symbols = [("soc", text(b"/soc")), ("uart", text(b"/soc/uart@1")),
               ("gone", text(b"/gone")), ("alias", text(b"ser"))]  # fmt: skip

    def numbered(n: int) -> list[tuple[str, bytes]]:
        return [("phandle", cell(phandles[n]))] if phandles[n] else []

    uart: Node = ("uart@1", numbered(1), [])
    other: Node = ("uart@2", numbered(2), [])
    return pure.flatten(
        (
            "",
            [("compatible", text(source.pick((b"a", b"b"))))],
            [
                ("soc", numbered(0), [uart, other] if source.byte() & 1 else [uart]),
                ("aliases", [("ser", text(source.pick(PATHS)))], []),
                ("__symbols__", symbols[: source.byte() % 5], []),
            ],
        )
    )


def content(source: Input, depth: int) -> Node:
    properties = [(f"p{n}", source.bytes(source.byte() % 10)) for n in range(2)]
    if source.byte() & 1:
        properties.append(("phandle", cell(source.byte() % 6)))
    children = []
    if depth:
        children = [content(source, depth - 1) for _ in range(source.byte() % 3)]
    return source.pick(NAMES), properties, children


def place(source: Input) -> bytes:
    fragment = f"/f{source.byte() % 3}"
    path = fragment + source.pick(("", "/__overlay__", "/__overlay__/new", "/x"))
    name = source.pick(("target", "p0", "p1", "phandle", "x"))
    return f"{path}:{name}:{source.pick((0, 1, 4, 9, -4, 2**31, 2**32 - 4))}".encode()


def overlay(source: Input) -> bytes:
    """Fragments, fixups and symbols that fit each other now and then."""
    top: list[Node] = []
    mirrors: list[Node] = []
    for n in range(source.byte() % 4):
        how = source.byte() % 5
        target = [
            [("target", UNRESOLVED)],
            [("target-path", text(source.pick(PATHS)))],
            [("target", cell(source.byte() % 6))],
            [],
            [("target", b"x"), ("target-path", b"/soc")],
        ][how]
        inside = content(source, 2)
        child = "__overlay__" if source.byte() % 8 else inside[0]
        top.append((f"f{n}", target, [(child, inside[1], inside[2])]))
        if source.byte() & 1:
            offsets = [(f"p{i}", cell(4 * (source.byte() % 3))) for i in range(2)]
            mirrors.append((f"f{n}", [], [("__overlay__", offsets, [])]))
    fixups: dict[str, bytes] = {}
    for _ in range(source.byte() % 5):
        label = source.pick(LABELS)
        fixups[label] = fixups.get(label, b"") + text(place(source))
    if fixups:
        top.append(("__fixups__", list(fixups.items()), []))
    if mirrors:
        top.append(("__local_fixups__", [], mirrors))
    exports = [
        (f"s{n}", text(b"/f%d/__overlay__%s" % (n, source.pick((b"", b"/new", b"/x")))))
        for n in range(source.byte() % 3)
    ]
    top.append(("__symbols__", exports, []))
    return pure.flatten(("", [("compatible", text(b"a"))], top))


def overlays(source: Input) -> None:
    """An overlay on a tree, on another overlay, and both one behind the other:
    a sound tree comes out, or all stays as it was."""
    how = source.byte()
    over = tree(source) if how & 1 else overlay(source)
    first = overlay(source) if how & 2 else over
    under = tree(source) if how & 4 else base(source)
    for left, right in ((under, over), (first, over), (over, under)):
        try:
            fdt = Fdt(left)
            before = fdt.to_bytes()
        except FdtError as e:
            str(e)
            continue
        try:
            fdt.apply_overlay(right)
        except FdtError as e:
            str(e)
            assert fdt.to_bytes() == before
            continue
        made = fdt.to_bytes()
        pure.check(made)
        assert Fdt(made).to_bytes() == made
        diff(before, made)
        try:
            render(made)
        except FdtError as e:
            str(e)


def meaning(source: Input) -> None:
    """Addresses, PCI, interrupts, look-ups and references of any tree; what a file
    is, and which trees are in it."""
    blob = tree(source)
    kind_of(blob)
    other_version(blob)
    try:
        for start, size in trees_in(blob + source.rest()):
            assert start >= 0
            assert size >= 0
    except ValueError as e:
        str(e)
    try:
        opened = (Fdt(blob), FdtView(blob))
    except FdtError as e:
        str(e)
        return
    for fdt in opened:
        fdt.find(property="reg", value=1)
        asks: list[Callable[[], object]] = [fdt.stdout_path]
        for node in fdt:
            asks += [node.ranges, node.dma_ranges, node.addresses, node.pci_reg]
            asks += [node.interrupts, lambda n=node: n.translate(1 << 63)]
            asks += [lambda n=node: n.to_bus(0), lambda n=node: n.reg("ranges")]
        for ask in asks:
            try:
                ask()
            except FdtError as e:
                str(e)
