# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Device trees as sets of nodes and properties, and how two of them differ.

Decodes by the format's specification (Devicetree Specification, chapter 5)
without any of the implementations that are measured.
"""

from __future__ import annotations

import struct
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
SHOWN = 4  # differences in a message
SECRET = ("kaslr-seed", "rng-seed")

# (node path, property name, value); (node path, "", b"") is the node itself
Item = tuple[str, str, bytes]


class Tree(NamedTuple):
    """What a blob says, whatever the order of its nodes and properties.

    Attributes:
        reserved: memory reservations, (address, size), in blob order.
        boot_cpu: boot_cpuid_phys of the header.
        items: every node and property, with how often it is there.
    """

    reserved: list[tuple[int, int]]
    boot_cpu: int
    items: Counter[Item]

    def value(self, path: str, name: str) -> bytes | None:
        """A property's value, None if it is not there."""
        return next(
            (v for (p, n, v) in self.items if p == path and n == name and n), None
        )


@lru_cache(maxsize=2)  # one reference is compared with many
def decode(blob: bytes) -> Tree:
    """The tree of a version 16 or 17 blob; not to be changed, it is cached.

    Raises:
        ValueError: not a blob, or an unknown tag.
    """
    magic, _, structure, strings, reservations, _, _, boot_cpu = struct.unpack_from(
        ">8I", blob
    )
    if magic != 0xD00DFEED:
        raise ValueError("no device tree blob: wrong magic")
    reserved = []
    while any(entry := struct.unpack_from(">QQ", blob, reservations)):
        reserved.append(entry)
        reservations += 16
    items: Counter[Item] = Counter()
    path: list[str] = []
    at = structure
    while True:
        (tag,) = struct.unpack_from(">I", blob, at)
        at += 4
        if tag == BEGIN_NODE:
            end = blob.index(0, at)
            path.append(blob[at:end].decode("ascii"))
            items["/".join(path) or "/", "", b""] += 1
            at = (end + 4) & ~3
        elif tag == PROP:
            length, nameoff = struct.unpack_from(">2I", blob, at)
            name = blob[strings + nameoff : blob.index(0, strings + nameoff)]
            value = blob[at + 8 : at + 8 + length]
            items["/".join(path) or "/", name.decode("ascii"), value] += 1
            at = (at + 8 + length + 3) & ~3
        elif tag == END_NODE:
            path.pop()
        elif tag == END:
            return Tree(reserved, boot_cpu, items)
        elif tag != NOP:
            raise ValueError(f"unknown tag {tag:#x} at byte {at - 4}")


def _show(item: Item) -> str:
    path, name, value = item
    if not name:
        return f"node {path}"
    if name in SECRET:
        return f"{path}:{name} ({len(value)} bytes)"
    text = value[:40].hex(" ", 4) + (" ..." if len(value) > 40 else "")
    return f"{path}:{name} = <{text}>"


def tree_difference(want: bytes, got: bytes) -> list[str]:
    """Lines that say how got's tree differs from want's; none if it does not.

    The order of nodes and properties, gaps and padding are not looked at.
    """
    a, b = decode(want), decode(got)
    lines = []
    if a.reserved != b.reserved:
        lines.append(
            "memory reservations: wanted "
            + f"{_ranges(a.reserved)}, got {_ranges(b.reserved)}"
        )
    if a.boot_cpu != b.boot_cpu:
        lines.append(f"boot CPU: wanted {a.boot_cpu}, got {b.boot_cpu}")
    lines += [f"lacks {_show(item)}" for item in a.items - b.items]
    lines += [f"has instead {_show(item)}" for item in b.items - a.items]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more"]
    return lines


def _ranges(pairs: list[tuple[int, int]]) -> str:
    return "[" + ", ".join(f"({a:#x}, {s:#x})" for a, s in pairs) + "]"


def byte_difference(want: bytes, got: bytes) -> list[str]:
    """One line with the first byte that differs; none if there is none."""
    if want == got:
        return []
    at = next(
        (i for i, (a, b) in enumerate(zip(want, got)) if a != b),
        min(len(want), len(got)),
    )
    return [
        f"byte {at}: wanted {want[at : at + 8].hex(' ')}, "
        f"got {got[at : at + 8].hex(' ')}; {len(want)} against {len(got)} bytes"
    ]
