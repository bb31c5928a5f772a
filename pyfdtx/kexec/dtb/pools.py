# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Pools of memory that a crash kernel does not have.

A fixed pool (a child of /reserved-memory that is a shared-dma-pool, reusable, and has a
reg) is set up although linux,usable-memory-range took its memory away: the kernel then
oopses before it prints a word (Linux kernel/dma/contiguous.c rmem_cma_setup(), mm/cma.c
cma_activate_area()). So the node is switched off.
"""

from __future__ import annotations

from ...errors import FdtBadBlob
from ...tree import flat
from ...tree.fdt import Fdt
from ..reserved import reserved_in

__all__ = ["without_lost_pools"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...codec.memrange import MemRange


def without_lost_pools(blob: bytes, usable: Sequence[MemRange]) -> bytes:
    """The tree with status = "disabled" in each node whose pool is not all inside the
    usable ranges; the blob itself if there is none."""
    try:
        fdt = Fdt(blob)
    except FdtBadBlob:
        return blob  # refused in other words later
    lost = {
        r.node
        for r in reserved_in(flat.read(fdt))
        if r.cma
        and not any(u.start <= r.range.start and r.range.stop <= u.stop for u in usable)
    }
    if not lost:
        return blob
    nodes = list(fdt)
    for number in sorted(lost):
        nodes[number].set_string("status", "disabled")
    return fdt.to_bytes()
