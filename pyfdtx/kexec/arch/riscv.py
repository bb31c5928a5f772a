# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""riscv64, and what is known of riscv32.

A kernel needs no trampoline: the old one looks for the segment that is a device tree
and puts its address into a1 (Linux arch/riscv/kernel/machine_kexec.c
machine_kexec_prepare()).

Source: Linux Documentation/arch/riscv/boot.rst.
"""

from __future__ import annotations

import struct

from ..._core import HEADER_WORD, WORDS_FIRST
from ...codec.memrange import U64_END
from ..architecture import Arch
from ..facts.mapping import Mapping
from ..image.kernel import Image, flat_magic, vmlinux

__all__ = ["ARCHES", "mapping", "read_image"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..facts.machine import Machine

# A kernel maps itself in pieces of 2 MiB and takes all of the last one
# (arch/riscv/mm/init.c)
PIECE = 2 << 20
MAGIC = b"RSC\x05"
EM_RISCV = 243
PE_AT = 60
# Microsoft's PE format: the machine stands behind the signature
PE_RISCV = {0x5032: "riscv32", 0x5064: "riscv64"}


def _cpuinfo(lines: list[str]) -> str | None:
    for width in ("64", "32"):
        if any(line.startswith(f"isa\t\t: rv{width}") for line in lines):
            return f"riscv{width}"
    return None


ARCHES = (
    Arch(
        __name__,
        "riscv",
        machines={"riscv64": (64, "little"), "riscv32": (32, "little")},
        elf_machine=EM_RISCV,
        parts={"mapping": "", "read_image": ""},
        judged=True,
        cpuinfo=_cpuinfo,
        file_image=("riscv64", "an Image that is not compressed"),
        crash_words=HEADER_WORD | WORDS_FIRST,
        command_line_size=1024,
        # Outside it is mapped anew, but no loader puts a segment there
        header_inside=True,
        # arch/riscv/mm/init.c early_mem(): the least of them
        mem_limit=min,
        image="an Image",
        images=("riscv64", "riscv32", "riscv"),
        boundaries={"riscv64": PIECE, "riscv": PIECE, "riscv32": 2 * PIECE},
        placed="riscv64",
        startable=("riscv64", "riscv"),
        # An initrd that starts in the last piece of the kernel is dropped
        initrd_boundary=PIECE,
        # One such piece is mapped, MAX_FDT_SIZE (arch/riscv/mm/init.c
        # create_fdt_early_page_table())
        max_dtb=PIECE,
        above_max_dtb="map no more of it, and die when they read the rest",
    ),
)


def mapping(machine: Machine) -> Mapping:
    """Source: Linux arch/riscv/kernel/vmcore_info.c, arch/riscv/mm/init.c."""
    info = machine.vmcoreinfo
    image = machine.kernel_image
    if info.has_number("va_kernel_pa_offset"):
        virtual = image.start + info.number("va_kernel_pa_offset")
    else:
        virtual = info.number("KERNEL_LINK_ADDR")
    return Mapping(
        info.number("PAGE_OFFSET") - info.number("phys_ram_base"),
        (image, virtual % U64_END),
    )


def _width(data: bytes) -> str:
    (at,) = struct.unpack_from("<I", data, PE_AT)
    if at and data[at : at + 4] == b"PE\0\0" and at + 6 <= len(data):
        return PE_RISCV.get(struct.unpack_from("<H", data, at + 4)[0], "riscv")
    return "riscv"


def read_image(data: bytes, where: str, layers: tuple[str, ...]) -> Image | None:
    """An Image, by its magic, or the ELF file of one."""
    flat = vmlinux(EM_RISCV, MAGIC, data, where)
    if flat is not None:
        data, layers = flat, (*layers, "ELF")
    if flat_magic(data) != MAGIC:
        return None
    return Image(_width(data), data, where, layers)
