# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Memory that segments keep off: what trees reserve."""

from __future__ import annotations

from ...codec.memrange import MemRange
from ...tree import flat
from ..dtb.full import unjudged
from ..facts.ranges import Ranges
from ..reserved import reserved_in

__all__ = ["kept_off"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..reserved import Reserved

    Buffer = Union[bytes, bytearray, memoryview]

# No machine has memory there, and what ends below has a size of 64 bits
TOP = 1 << 63


def _staying(arch: Arch, blob: Buffer) -> list[Reserved]:
    """What a tree reserves when all that was true for the last boot only is gone: its
    initrd's, core header's and tree's own reservation."""
    if arch.crash_words < 0:  # a tree of its own, without the header's reservations
        return [r for r in reserved_in(flat.read(blob)) if r.node >= 0]
    plain = unjudged(blob, arch, kaslr_seed=None, rng_seed=None)
    return reserved_in(flat.read(plain))


def kept_off(
    machine: Machine, arch: Arch, blob: Buffer, crash: bool, page: int
) -> Ranges:
    """What the tree that is handed over reserves; and, for a plain kexec, what the
    running one does, which /proc/iomem does not show everywhere (32-bit arm): whole
    pages. A crash region has been kept off that already."""
    found = _staying(arch, blob)
    if not crash and machine.has_fdt:
        found += _staying(arch, machine.fdt)
    return Ranges.union([_pages(r.range, page) for r in found if r.range.start < TOP])


def _pages(r: MemRange, page: int) -> MemRange:
    start, stop = r.start // page * page, min(r.stop, TOP)
    return MemRange(start, -(-stop // page) * page - start)
