# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the running kernel has its memory and itself, by virtual address.

Readers of a dump start from these addresses. How to find them says each
architecture, in arch/.
"""

from __future__ import annotations

from ...codec.reg import U64_END, U64_MAX, MemRange
from ...errors import FdtMachineError

__all__ = ["Mapping", "kernel_image", "mapping_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .machine import Machine

OP = "Machine"


class Mapping:
    """offset: virtual minus physical address of memory, modulo 2**64.
    last: the last physical byte that is mapped so.
    text: the kernel image's physical range and its virtual start; None where
        the kernel lies in the mapping of all memory.
    """

    __slots__ = ("last", "offset", "text")

    def __init__(
        self,
        offset: int,
        text: tuple[MemRange, int] | None = None,
        last: int = U64_MAX,
    ):
        self.offset = offset % U64_END
        self.text = text
        self.last = last

    def __repr__(self) -> str:
        return f"Mapping({self.offset:#x}, {self.text!r}, {self.last:#x})"


def kernel_image(machine: Machine) -> MemRange:
    """From the start of the kernel's code to the end of its data."""
    whole = machine.named("Kernel image")
    if whole:
        return whole[0]
    code = machine.named("Kernel code")
    data = [*machine.named("Kernel bss"), *machine.named("Kernel data")]
    if not code or not data or data[0].stop <= code[0].start:
        machine.refuse(
            "proc/iomem", "has no 'Kernel code' with 'Kernel data' behind it"
        )
    return MemRange(code[0].start, data[0].stop - code[0].start)


def mapping_of(machine: Machine) -> Mapping:
    """The mapping of a machine.

    Raises:
        FdtMachineError: a fact is missing or contradicts another, or the
            architecture's mapping cannot be read from such facts.
    """
    from ..architecture import arch_of, arches

    arch = arch_of(machine.arch)
    find = arch.mapping if arch is not None and machine.arch in arch.machines else None
    if find is None:
        known = sorted(m for a in arches() if a.mapping for m in a.machines)
        raise FdtMachineError(
            OP,
            machine.root,
            f"how {machine.arch} maps its memory is not known here (known: "
            f"{', '.join(known)}); call elf_core_header() with "
            "virtual_offset",
        )
    return find(machine)
