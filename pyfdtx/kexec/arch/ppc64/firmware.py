# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory that firmware keeps while kernels come and go, as the tree tells it.

/proc/iomem does not show it: it is inside System RAM, and may be inside the
crash region (RTAS is, on QEMU's pseries).
"""

from __future__ import annotations

from ....codec.reg import U64_END, MemRange
from ....errors import FdtBadContent
from ...facts.ranges import Ranges

__all__ = ["first_memory", "kept", "memory_nodes", "old_kernel", "reserved"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ....tree.fdt import Fdt, Node

OP = "ppc64le"
RTAS, OPAL = "/rtas", "/ibm,opal"
# Table of I/O translations that firmware or an older kernel made: any node
TCE = ("linux,tce-base", "linux,tce-size")
# A table for each PCI host bridge, of which the largest machines have some hundred
MAX_PIECES = 1024


def _number(node: Node, name: str) -> int | None:
    """One number of one or two cells."""
    value: bytes | None = node.get(name)
    if value is None:
        return None
    if len(value) not in (4, 8):
        raise FdtBadContent(
            OP, f"{node.path}:{name}", f"{len(value)} bytes are no number of 4 or 8"
        )
    return int.from_bytes(value, "big")


def _range(node: Node, start: str, size: str) -> Iterator[MemRange]:
    first, length = _number(node, start), _number(node, size)
    if first is None or not length:
        return
    if first + length > U64_END:
        raise FdtBadContent(
            OP, f"{node.path}:{size}", f"{first:#x} and {length:#x} wrap 2**64"
        )
    yield MemRange(first, length)


def kept(fdt: Fdt) -> list[MemRange]:
    """RTAS, OPAL and TCE tables: reserved in the next tree, avoided by
    segments; usable in the sense that the next kernel may map them.

    Source: Linux arch/powerpc/kexec/ranges.c add_rtas_mem_range(),
        add_opal_mem_range(), add_tce_mem_ranges(); kexec-tools kexec/fs2dt.c
        checkprop().
    """
    found: list[MemRange] = []
    if RTAS in fdt:
        found += _range(fdt[RTAS], "linux,rtas-base", "rtas-size")
    if OPAL in fdt:
        found += _range(fdt[OPAL], "opal-base-address", "opal-runtime-size")
    for node in fdt:
        if TCE[0] in node:
            found += _range(node, *TCE)
    if len(found) > MAX_PIECES:
        raise FdtBadContent(
            OP, "/", f"{len(found)} tables of firmware, more than a machine has"
        )
    return found


def reserved(fdt: Fdt) -> list[MemRange]:
    """The root's reserved-ranges: the next kernel reads them itself; segments
    avoid them. Two cells each, whatever the root's cells are (Linux
    arch/powerpc/kernel/prom.c early_reserve_mem_dt())."""
    value: bytes = fdt.root.get("reserved-ranges", b"")
    if len(value) % 16:
        raise FdtBadContent(
            OP, "/:reserved-ranges", f"{len(value)} bytes are no multiple of 16"
        )
    cells = [
        int.from_bytes(value[at : at + 8], "big") for at in range(0, len(value), 8)
    ]
    pairs = zip(cells[::2], cells[1::2])
    return [MemRange(start, size) for start, size in pairs if size]


def old_kernel(fdt: Fdt) -> list[MemRange]:
    """What runs while a plain kexec copies segments to their places: the kernel
    itself, and the hash table of a machine without hypervisor.

    Source: Linux arch/powerpc/kexec/core.c, core_64.c.
    """
    found = []
    if "/chosen" in fdt:
        chosen = fdt["/chosen"]
        end = _number(chosen, "linux,kernel-end")
        if end:
            found.append(MemRange(0, end))
        found += _range(chosen, "linux,htab-base", "linux,htab-size")
    return found


def memory_nodes(fdt: Fdt) -> list[Node]:
    """What Linux takes for memory: drivers/of/fdt.c early_init_dt_scan_memory()."""
    return [n for n in fdt.root.children() if n.get("device_type") == b"memory\0"]


def first_memory(fdt: Fdt) -> int:
    """The end of the first piece of memory: all that can be reached while the
    next kernel's MMU is off, on a partition with a hash table.

    Source: Linux arch/powerpc/kernel/prom.c early_init_dt_add_memory_arch():
        its first_memblock_size is ppc64_rma_size.
    """
    pieces = [r for n in memory_nodes(fdt) for r in n.reg() if r.size]
    if not pieces:
        raise FdtBadContent(OP, "/", "no memory node with a reg: how much memory?")
    return min(pieces).stop


def pages(ranges: list[MemRange], page: int) -> Ranges:
    """Whole pages around the ranges."""
    return Ranges.union(
        [
            (r.start // page * page, -(-r.stop // page) * page - r.start // page * page)
            for r in ranges
        ]
    )
