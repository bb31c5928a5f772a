# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the running kernel has its memory and itself, by virtual address.

Readers of a dump start from these addresses. One function per architecture.
"""

from __future__ import annotations

from ..errors import FdtMachineError
from ..reg import U64_END, U64_MAX, MemRange

__all__ = ["Mapping", "mapping_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .machine import Machine

OP = "Machine"
U32 = 1 << 32
# Linux arch/powerpc/Kconfig PAGE_OFFSET of PPC64
PPC64_PAGE_OFFSET = 0xC000_0000_0000_0000
# Linux arch/arm/Kconfig PAGE_OFFSET of VMSPLIT_3G
ARM_PAGE_OFFSET = 0xC000_0000
# Linux arch/arm64/include/asm/memory.h SEGMENT_ALIGN: _stext is at most this
# far behind _text
ARM64_HEAD = 0x1_0000


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


def _kernel_image(machine: Machine) -> MemRange:
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


def _version(release: str) -> tuple[int, int]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    return int(major), int(minor)


def _arm64(machine: Machine) -> Mapping:
    """Source: Linux arch/arm64/include/asm/memory.h __phys_to_virt(),
    __kimg_to_phys(), KIMAGE_VADDR; kernel/kaslr.c."""
    info = machine.vmcoreinfo
    bits = info.number("VA_BITS")
    try:
        # Linux 5.4 turned the halves of the address space round
        if _version(info["OSRELEASE"]) < (5, 4):
            bits -= 1
    except ValueError:
        raise FdtMachineError(
            OP, info.where, f"OSRELEASE={info['OSRELEASE']} is no version"
        ) from None
    image = _kernel_image(machine)
    voffset = info.number("kimage_voffset")
    stext = (info.symbol("_stext") - voffset) % U64_END
    if not image.start <= stext < image.stop:
        raise FdtMachineError(
            OP,
            info.where,
            f"_stext is at {stext:#x}, but {machine.path('proc/iomem')} has the "
            f"kernel at {image!r}; are the files of the same boot?",
        )
    if "KERNELOFFSET" in info and info.has_number("MODULES_END"):
        # The image begins before _stext; up to 6.10 iomem leaves that out
        text = info.number("MODULES_END") + info.kernel_offset - voffset
        if 0 <= stext - text % U64_END <= ARM64_HEAD:
            image = MemRange(text % U64_END, image.stop - text % U64_END)
    return Mapping(
        -(1 << bits) - info.number("PHYS_OFFSET"),
        (image, (image.start + voffset) % U64_END),
    )


def _riscv(machine: Machine) -> Mapping:
    """Source: Linux arch/riscv/kernel/vmcore_info.c, arch/riscv/mm/init.c."""
    info = machine.vmcoreinfo
    image = _kernel_image(machine)
    if info.has_number("va_kernel_pa_offset"):
        virtual = image.start + info.number("va_kernel_pa_offset")
    else:
        virtual = info.number("KERNEL_LINK_ADDR")
    return Mapping(
        info.number("PAGE_OFFSET") - info.number("phys_ram_base"),
        (image, virtual % U64_END),
    )


def _arm(machine: Machine) -> Mapping:
    """There is no /proc/kcore to ask: the kernel's own symbols tell where the
    halves of the address space meet, memory is mapped from its start."""
    page_offset = ARM_PAGE_OFFSET
    if machine.exists("proc/kallsyms"):
        for line in machine.text("proc/kallsyms").splitlines():
            text, _, name = line.partition(" ")
            if name[2:] != "_stext":
                continue
            try:
                address = int(text, 16)
            except ValueError:
                machine.refuse("proc/kallsyms", f"not 'address type name': {line!r}")
            # Zero for those who may not see addresses
            if address:
                page_offset = address & 0xF000_0000
                break
    start = machine.ram[0].start
    return Mapping(page_offset - start, last=start + (U32 - 1 - page_offset))


def _ppc64(_machine: Machine) -> Mapping:
    return Mapping(PPC64_PAGE_OFFSET)


ARCHES = {
    "arm": _arm,
    "arm64": _arm64,
    "ppc64": _ppc64,
    "ppc64le": _ppc64,
    "riscv32": _riscv,
    "riscv64": _riscv,
}


def mapping_of(machine: Machine) -> Mapping:
    """The mapping of a machine.

    Raises:
        FdtMachineError: a fact is missing or contradicts another, or the
            architecture's mapping cannot be read from such facts.
    """
    find = ARCHES.get(machine.arch)
    if find is None:
        raise FdtMachineError(
            OP,
            machine.root,
            f"how {machine.arch} maps its memory is not known here (known: "
            f"{', '.join(ARCHES)}); call elf_core_header() with virtual_offset",
        )
    return find(machine)
