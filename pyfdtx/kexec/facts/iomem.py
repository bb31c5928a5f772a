# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""/proc/iomem: the kernel's map of physical memory, line by line."""

from __future__ import annotations

from ...codec.reg import MemRange
from ...errors import FdtBadParameter, FdtMachineError
from .number import hexadecimal

__all__ = ["Resource", "parse"]

OP = "Machine"


class Resource:
    """One line of /proc/iomem.

    range: what it covers; the kernel prints the last byte, inclusive.
    name: "System RAM", "Crash kernel", "Kernel code", "reserved", ...
    depth: 0 for a resource of its own, 1 for one inside the last one of depth
        0, and so on.
    """

    __slots__ = ("depth", "name", "range")

    def __init__(self, range: MemRange, name: str, depth: int):
        self.range = range
        self.name = name
        self.depth = depth

    def __repr__(self) -> str:
        return f"Resource({self.range!r}, {self.name!r}, {self.depth})"


def parse(text: str, where: str) -> tuple[Resource, ...]:
    """The resources in the kernel's order: parents before children.

    Args:
        text: the content of the file.
        where: its name, for errors.
    Raises:
        FdtMachineError: a line of another form, no line at all, or all
            addresses zero (what the kernel shows without CAP_SYS_ADMIN).
    Source: Linux kernel/resource.c r_show(): two blanks per level, at least
        8 hexadecimal digits, addresses 0 for the unprivileged.
    """
    if not text:
        raise FdtMachineError(OP, where, "is empty")
    found = []
    hidden = True
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        bare = line.lstrip(" ")
        addresses, colon, name = bare.partition(" : ")
        first, _, last = addresses.partition("-")
        try:
            start, stop = hexadecimal(first), hexadecimal(last) + 1
            covered = MemRange(start, stop - start)
        except (ValueError, FdtBadParameter):
            colon = ""
        # r_show() never sees a resource without a byte (__request_resource())
        if not colon or not covered.size:
            raise FdtMachineError(
                OP, where, f"line {number} is not 'first-last : name': {line[:80]!r}"
            )
        hidden = hidden and stop == 1
        found.append(Resource(covered, name, (len(line) - len(bare)) // 2))
    if hidden:
        raise FdtMachineError(
            OP,
            where,
            "all addresses are zero: the kernel hides them from users without "
            "CAP_SYS_ADMIN; run as root",
        )
    return tuple(found)
