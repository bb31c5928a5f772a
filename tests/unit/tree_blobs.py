# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Blobs assembled word by word, by the layout in the Devicetree Specification
v0.4, chapter 5; nothing of the package is used."""

import struct

BEGIN, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
MAGIC = 0xD00DFEED


def cells(*words):
    return struct.pack(f">{len(words)}I", *words)


def padded(raw, fill=b"\0"):
    return raw + fill * (-len(raw) % 4)


class Strings:
    def __init__(self):
        self.block = b""

    def offset(self, name):
        at = len(self.block)
        self.block += name.encode() + b"\0"
        return at


def node(name, props, children, strings, fill=b"\0"):
    """props: (name, bytes) pairs, or "nop"; children: (name, props, children)
    triples, or "nop"."""
    out = cells(BEGIN) + padded(name.encode() + b"\0", fill)
    for item in props:
        if item == "nop":
            out += cells(NOP)
            continue
        prop, value = item
        out += cells(PROP, len(value), strings.offset(prop)) + padded(value, fill)
    for child in children:
        out += cells(NOP) if child == "nop" else node(*child, strings, fill)
    return out + cells(END_NODE)


def blob(
    props=(),
    children=(),
    *,
    version=17,
    order="rsv struct strings",
    gap=0,
    leading_nops=0,
    rsv=(),
    boot_cpu=0,
    fill=b"\0",
    tail=b"",
    junk=b"",
):
    """fill: padding of names and values; tail: tags behind FDT_END; junk:
    bytes behind totalsize."""
    strings = Strings()
    tree = cells(NOP) * leading_nops + node("", props, children, strings, fill)
    tree += cells(END) + tail
    blocks = {
        "rsv": b"".join(struct.pack(">QQ", *r) for r in (*rsv, (0, 0))),
        "struct": tree,
        "strings": strings.block,
    }
    head = 40
    out = b""
    at = {}
    for name in order.split():
        out += b"\xee" * gap
        out += b"\xee" * (-(head + len(out)) % 8)
        at[name] = head + len(out)
        out += blocks[name]
    words = [
        MAGIC, head + len(out), at["struct"], at["strings"], at["rsv"],
        version, 16, boot_cpu, len(strings.block),
        len(tree) if version >= 17 else 0xEEEEEEEE,
    ]  # fmt: skip
    return cells(*words) + out + junk


def canonical(props=(), children=(), *, rsv=(), boot_cpu=0):
    """The canonical form of docs/trees.md: no gaps, version 17."""
    strings = Strings()
    tree = node("", props, children, strings) + cells(END)
    reservations = b"".join(struct.pack(">QQ", *r) for r in (*rsv, (0, 0)))
    at_struct = 40 + len(reservations)
    at_strings = at_struct + len(tree)
    words = [
        MAGIC, at_strings + len(strings.block), at_struct, at_strings, 40,
        17, 16, boot_cpu, len(strings.block), len(tree),
    ]  # fmt: skip
    return cells(*words) + reservations + tree + strings.block
