# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a running x86_64 kernel has its memory and itself."""

from __future__ import annotations

from ....codec.reg import MemRange
from ...facts.mapping import Mapping

__all__ = ["mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine

# arch/x86/include/asm/page_64_types.h __START_KERNEL_map; the kernel's own
# mapping has 1 GiB at most (KERNEL_IMAGE_SIZE with KASLR)
KERNEL_MAP = 0xFFFF_FFFF_8000_0000
KERNEL_MAP_SIZE = 1 << 30


def mapping(machine: Machine) -> Mapping:
    """Where memory and kernel are mapped says /proc/kcore alone: KASLR moves both
    (arch/x86/mm/kaslr.c), VMCOREINFO tells of the kernel only."""
    text, offset = None, None
    for load in machine.kcore_loads:
        if KERNEL_MAP <= load.virtual < KERNEL_MAP + KERNEL_MAP_SIZE:
            text = MemRange(load.physical, load.size), load.virtual
        elif offset is None and machine.ram.covers((load.physical, load.size)):
            offset = load.virtual - load.physical
    if text is None or offset is None:
        machine.refuse("proc/kcore", "does not tell where kernel and memory are mapped")
    return Mapping(offset, text)
