# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a running arm kernel has its memory."""

from __future__ import annotations

from ...facts.mapping import Mapping
from ...facts.number import hexadecimal

__all__ = ["mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine

ADDRESS_END = 1 << 32
KALLSYMS = "proc/kallsyms"
# arch/arm/Kconfig PAGE_OFFSET of VMSPLIT_3G
PAGE_OFFSET = 0xC000_0000


def mapping(machine: Machine) -> Mapping:
    """There is no /proc/kcore to ask: the kernel's own symbols tell where the
    halves of the address space meet, memory is mapped from its start."""
    page_offset = PAGE_OFFSET
    if machine.exists(KALLSYMS):
        for line in machine.text(KALLSYMS).splitlines():
            text, _, name = line.partition(" ")
            if name[2:] != "_stext":
                continue
            try:
                address = hexadecimal(text)
            except ValueError:
                machine.refuse(KALLSYMS, f"not 'address type name': {line[:80]!r}")
            # Zero for those who may not see addresses
            if address:
                page_offset = address & 0xF000_0000
                break
    start = machine.ram[0].start
    return Mapping(page_offset - start, last=start + (ADDRESS_END - 1 - page_offset))
