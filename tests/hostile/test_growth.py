# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What four times the input costs: every public operation on trees that an enemy
would send. Quadratic is sixteen times as much; see growth.py.

Operations whose cost is that of one edit in place (they move what stands behind)
are tried once on each tree; those that are meant for many, many times.
"""

from __future__ import annotations

import struct
import sys
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from growth import LIMIT, ratio

from pyfdtx import Fdt, FdtNotFound, FdtView, to_dict
from pyfdtx.kexec import second_kernel_dtb
from pyfdtx.text.diff import diff
from pyfdtx.text.dts import render

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, END_NODE, PROP, NOP, END = (struct.pack(">I", n) for n in (1, 2, 3, 4, 9))


def padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


def begin(name: str) -> bytes:
    return BEGIN + padded(name.encode() + b"\0")


def prop(nameoff: int, value: bytes) -> bytes:
    return PROP + struct.pack(">II", len(value), nameoff) + padded(value)


def blob(body: bytes, strings: bytes = b"", rsv: bytes = b"") -> bytes:
    tree = begin("") + body + END_NODE + END
    rsv += bytes(16)
    at = 40 + len(rsv)
    words = 0xD00DFEED, at + len(tree) + len(strings), at, at + len(tree)
    words += 40, 17, 16, 0, len(strings), len(tree)
    return struct.pack(">10I", *words) + rsv + tree + strings


def distinct(n: int) -> tuple[bytes, list[int]]:
    """A strings block of n names, and where they are."""
    names = [b"p%d\0" % i for i in range(n)]
    offsets = [0]
    for name in names:
        offsets.append(offsets[-1] + len(name))
    return b"".join(names), offsets[:-1]


# Trees by n; each is about n times as large as its smallest part


def siblings(n: int) -> bytes:
    return blob(b"".join(begin(f"n{i}") + END_NODE for i in range(n)))


def twins(n: int) -> bytes:
    """Of one name, of which only the first is found."""
    return blob((begin("same") + END_NODE) * n)


def nested(n: int) -> bytes:
    """Chains of 30 nodes, beside each other."""
    chains = []
    for i in range(n // 30):
        chains.append(begin(f"c{i}") + begin("a") * 29 + END_NODE * 30)
    return blob(b"".join(chains))


def properties(n: int) -> bytes:
    strings, offsets = distinct(n)
    return blob(b"".join(prop(at, b"1234") for at in offsets), strings)


def same_property(n: int) -> bytes:
    return blob(prop(0, b"1234") * n, b"p0\0")


def shared_names(n: int) -> bytes:
    """Tails of one long name, used in turn by nodes that have one each."""
    strings = b"x" * 100 + b"\0"
    nodes = [begin(f"n{i}") + prop(i % 90, b"12") + END_NODE for i in range(n)]
    return blob(b"".join(nodes), strings)


def reserved(n: int) -> bytes:
    entries = [struct.pack(">QQ", i << 12, 4096) for i in range(6 * n)]
    return blob(begin("n0") + END_NODE, rsv=b"".join(entries))


def nops(n: int) -> bytes:
    """Wherever they can stand."""
    run = NOP * (n // 4)
    return blob(run + prop(0, b"1") + run + begin("n0") + run + END_NODE + run, b"p0\0")


def phandles(n: int) -> bytes:
    nodes = [begin(f"n{i}") + prop(0, struct.pack(">I", i + 1)) for i in range(n)]
    return blob(b"".join(node + END_NODE for node in nodes), b"phandle\0")


def strings_block(n: int) -> bytes:
    """Nothing but names that nobody uses."""
    return blob(begin("n0") + END_NODE, b"ab\0" * n)


TREES = {
    make.__name__: make
    for make in (
        siblings,
        twins,
        nested,
        properties,
        same_property,
        shared_names,
        reserved,
        nops,
        phandles,
        strings_block,
    )
}


def with_cells(n: int) -> bytes:
    """Nodes beside each other, each with cells of its own and a child."""
    cells = prop(0, b"\0\0\0\2") + prop(15, b"\0\0\0\2")
    nodes = [begin(f"n{i}") + cells + begin("c") + END_NODE * 2 for i in range(n)]
    return blob(b"".join(nodes), b"#address-cells\0#size-cells\0")


def far_alias(n: int) -> bytes:
    """An alias of many names, of which only the first few are there."""
    target = b"/n1" + b"/a" * n + b"\0"
    aliases = begin("aliases") + prop(0, target) + END_NODE
    nodes = [begin(f"n{i}") + END_NODE for i in range(n)]
    return blob(b"".join(nodes) + begin("z") + END_NODE + aliases, b"far\0")


def deep(n: int) -> bytes:
    """One node in the other, up to 1,000."""
    return blob((begin("a") + prop(0, b"1")) * (n // 16) + END_NODE * (n // 16), b"p\0")


def colliding(n: int, bits: int) -> bytes:
    """A name of many that met in one chain, whatever the seed was, of the mix that
    hashed names before SipHash: it multiplied words by an odd number and folded
    bit 63 onto bit 34 of the next, so flips of these bits cancelled out."""
    units = (b"aaaaaaaabbbbbbbb", b"aaaaaaa\xe1bbbbfbb\xe2")
    return b"".join(units[n >> i & 1] for i in range(bits))


def colliding_nodes(n: int) -> bytes:
    names = [colliding(i, n.bit_length()) + b"\0" for i in range(n)]
    return blob(b"".join(BEGIN + padded(name) + END_NODE for name in names))


def colliding_properties(n: int) -> bytes:
    names = [colliding(i, n.bit_length()) + b"\0" for i in range(n)]
    size = len(names[0])
    return blob(b"".join(prop(i * size, b"1234") for i in range(n)), b"".join(names))


def last(fdt: Any) -> str:
    return [node.path for node in fdt.walk()][-1]


def rename_last(fdt: Fdt) -> None:
    if len(fdt) > 1:
        fdt[last(fdt)].rename("other")


def delete_last(fdt: Fdt) -> None:
    if len(fdt) > 1:
        fdt[last(fdt)].delete()


def delete_all(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        for node in fdt.root.children():
            edit.delete_node(node.path)


def delete_every_property(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        for node in fdt.walk():
            for name in node:
                edit.delete(node.path, name)


def set_everywhere(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        for node in fdt.walk():
            edit.set(node.path, "new", b"1")
            for name in node:
                edit.append(node.path, name, b"2")


def unreserve_all(fdt: Fdt) -> None:
    entries = list(fdt.memreserve)
    with fdt.edit() as edit:
        for entry in reversed(entries):
            edit.unreserve(entry)
        for entry in entries:
            edit.reserve(entry)


def add_children(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        edit.add_node("/new")
        for node in list(fdt.root.children()):
            edit.add_node(f"/new/{node.name}")
            edit.set(f"/new/{node.name}", "p", b"")


def set_names(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        edit.add_node("/new")
        for name in fdt.root:
            edit.set("/new", name, b"1")
            edit.set("/new", name, b"2")


def set_reg_everywhere(fdt: Fdt) -> None:
    with fdt.edit() as edit:
        for node in fdt.root.children():
            edit.set_reg(f"{node.path}/c", "reg", [(1, 2)])
            edit.append_reg(f"{node.path}/c", "reg", [(3, 4)])


def follow(tree: Any) -> None:
    with pytest.raises(FdtNotFound, match="/n1 has no child 'a'"):
        tree["far"]


def reg_everywhere(fdt: Any) -> None:
    for node in fdt.root.children():
        node.child("c").reg("reg") if "reg" in node.child("c") else node.address_cells


def every_name(nodes: Any) -> None:
    for node in nodes.walk():
        for name in node:
            node[name]
            assert name in node


# What is done with a tree: once, whatever it takes to read all of it
READ: dict[str, Callable[[Any], object]] = {
    "walk": lambda t: list(t.walk()),
    "paths": lambda t: [n.path for n in t.walk()],
    "parents": lambda t: [n.parent for n in t.walk()],
    "depths": lambda t: [n.depth for n in t.walk()],
    "names": lambda t: [n.name for n in t.walk()],
    "repr": lambda t: [repr(n) for n in t.walk()],
    "len": len,
    "children": lambda t: [list(n.children()) for n in t.walk()],
    "child": lambda t: [t.root.child(n.name) for n in islice(t.root.children(), 3)],
    "path lookup": lambda t: t[last(t)],
    "lookup of what is not there": lambda t: t.get("/none"),
    "dict": lambda t: [dict(n) for n in t.walk()],
    "items": lambda t: [list(n.items()) for n in t.walk()],
    "values": lambda t: [list(n.values()) for n in t.walk()],
    "properties": lambda t: [len(n) for n in t.walk()],
    "every name": every_name,
    "equality": lambda t: [n == n for n in t.walk()],
    "phandles": lambda t: [n.phandle for n in t.walk()],
    "labels": lambda t: (t.labels(), t.aliases()),
    "reservations": lambda t: list(t.memreserve),
}
CHANGE: dict[str, Callable[[Fdt], object]] = {
    "to_bytes": lambda f: f.to_bytes(),
    "duplicate": lambda f: f.duplicate(),
    "squeeze": lambda f: f.squeeze(),
    "pack": lambda f: f.pack(),
    "add": lambda f: f.root.add("new"),
    "add_node": lambda f: f.add_node("/a/b/c", parents=True),
    "set": lambda f: f.root.set_u32("new", 1),
    "append": lambda f: f.root.append("p0", b"1"),
    "clear": lambda f: [n.clear() for n in islice(f.walk(), 2)],
    "pop": lambda f: f.root.pop("p0", None),
    "rename": rename_last,
    "delete": delete_last,
    "new_phandle": lambda f: f.new_phandle(),
    "ensure_phandle": lambda f: f.root.ensure_phandle(),
    "node_by_phandle": lambda f: (f.root.ensure_phandle(), f.node_by_phandle(1)),
    "reserve": lambda f: f.memreserve.append(1, 1),
    "unreserve": lambda f: f.memreserve and f.memreserve.remove(f.memreserve[-1]),
    "clear reservations": lambda f: f.memreserve.clear(),
    "edit: delete all nodes": delete_all,
    "edit: delete all properties": delete_every_property,
    "edit: set everywhere": set_everywhere,
    "edit: reservations": unreserve_all,
}
WHOLE: dict[str, Callable[[bytes], object]] = {
    "Fdt": Fdt,
    "FdtView": FdtView,
    "to_dict": to_dict,
    "render": render,
    "diff": lambda b: diff(b, bytes(b)),
    "second_kernel_dtb": lambda b: second_kernel_dtb(b, cmdline="x"),
    "view by phandle": lambda b: FdtView(b).get("/n0") and FdtView(b)._index.phandles(),
}
# Enough for the part that grows faster to be seen, if there is one
N = 4_000


@cache
def written(make: Callable[[int], bytes], n: int) -> bytes:
    """Hundreds of tests look at the same few trees."""
    return make(n)


def made(
    make: Callable[[int], bytes], build: Callable[[bytes], Any]
) -> Callable[[int], Callable[[], Any]]:
    def of_size(n: int) -> Callable[[], Any]:
        data = written(make, n)
        return lambda: build(data)

    return of_size


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("kind", [Fdt, FdtView])
@pytest.mark.parametrize("act", READ)
def test_reading(act: str, kind: Any, tree: str) -> None:
    assert ratio(READ[act], made(TREES[tree], kind), N) < LIMIT


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("act", CHANGE)
def test_changing(act: str, tree: str) -> None:
    assert ratio(CHANGE[act], made(TREES[tree], Fdt), N) < LIMIT


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("act", WHOLE)
def test_whole_trees(act: str, tree: str) -> None:
    assert ratio(WHOLE[act], made(TREES[tree], bytes), N) < LIMIT


@pytest.mark.parametrize("tree", [colliding_nodes, colliding_properties])
@pytest.mark.parametrize(
    "act",
    [
        set_everywhere,
        delete_all,
        delete_every_property,
        add_children,
        set_names,
        every_name,
    ],
)
def test_names_that_met_in_one_chain(
    act: Callable[[Fdt], object], tree: Callable[[int], bytes]
) -> None:
    assert ratio(act, made(tree, Fdt), N // 2) < LIMIT


@pytest.mark.parametrize("act", [set_reg_everywhere, reg_everywhere])
def test_cells_of_many_nodes(act: Callable[[Fdt], object]) -> None:
    assert ratio(act, made(with_cells, Fdt), N) < LIMIT


@pytest.mark.parametrize("kind", [Fdt, FdtView])
def test_an_alias_that_leads_nowhere(kind: Any) -> None:
    assert ratio(follow, made(far_alias, kind), N) < LIMIT


# Whose results have the length of all paths, or of one
BELOW = {
    "walk", "len", "names", "dict", "items", "values", "every name", "phandles",
    "labels", "reservations", "parents", "properties",
}  # fmt: skip


@pytest.mark.parametrize("kind", [Fdt, FdtView])
@pytest.mark.parametrize("act", sorted(BELOW))
def test_reading_what_is_deep(act: str, kind: Any) -> None:
    assert ratio(READ[act], made(deep, kind), N) < LIMIT


@pytest.mark.parametrize("act", ["to_bytes", "duplicate", "squeeze", "pack", "add"])
def test_changing_what_is_deep(act: str) -> None:
    assert ratio(CHANGE[act], made(deep, Fdt), N) < LIMIT


@pytest.mark.parametrize("act", ["Fdt", "FdtView", "second_kernel_dtb"])
def test_deep_trees(act: str) -> None:
    assert ratio(WHOLE[act], made(deep, bytes), N) < LIMIT
