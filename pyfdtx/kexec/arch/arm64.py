# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""arm64: where a kernel may lie, the code that hands it its tree, and where the
running one has its memory.

Source: Linux Documentation/arch/arm64/booting.rst.
"""

from __future__ import annotations

import struct

from ..._native import lib
from ...errors import FdtMachineError
from ...reg import U64_END, MemRange
from ..mapping import Mapping, kernel_image
from .rules import Rules

__all__ = ["RULES", "mapping", "trampoline"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..machine import Machine

MIB = 1 << 20
GIB = 1 << 30
# Linux arch/arm64/include/asm/memory.h SEGMENT_ALIGN: _stext is at most this
# far behind _text
HEAD = 0x1_0000

# Arm Architecture Reference Manual (DDI 0487), A64. Literals lie in front of
# or behind the code by a number of words: imm19 counts words from the
# instruction itself.
LDR_LITERAL = 0x5800_0000  # ldr Xt, <literal>: imm19 << 5 | Xt
MOV = 0xAA00_03E0  # mov Xd, Xm (orr Xd, xzr, Xm): Xm << 16 | Xd
BR = 0xD61F_0000  # br Xn: Xn << 5
XZR = 31
CODE_WORDS = 6


def _ldr(register: int, words: int) -> int:
    return LDR_LITERAL | words << 5 | register


def _clear(register: int) -> int:
    return MOV | XZR << 16 | register


def trampoline(kernel: int, dtb: int) -> bytes:
    """Code that starts the kernel at an address with its tree: 40 bytes.

    kexec_load(2) leaves x0 zero, where the kernel wants its tree. Runs at any
    address that is a multiple of 8, MMU and caches off as the old kernel left
    them. Instructions are little-endian in either data endianness; so are the
    two numbers behind them, as a little-endian kernel loads them.

    Args:
        kernel: physical address of the image, to be jumped to.
        dtb: physical address of the tree.
    """
    code = (
        _ldr(4, CODE_WORDS),  # x4: the kernel, from the first number
        _ldr(0, CODE_WORDS + 2 - 1),  # x0: the tree, from the second
        _clear(1),  # x1, x2, x3: reserved, must be zero
        _clear(2),
        _clear(3),
        BR | 4 << 5,  # br x4
    )
    return struct.pack(f"<{CODE_WORDS}I2Q", *code, kernel, dtb)


def initrd_reach(image: int) -> int:
    """Image and initrd share one window of 32 GiB that starts at a multiple of
    1 GiB."""
    return image // GIB * GIB + 32 * GIB


def verifying(
    kernel: int, dtb: int, entry: int, pieces: list[tuple[int, int]], digest: bytes
) -> bytes:
    """As trampoline(), after a check of SHA-256 over memory."""
    from .arm64_check import checking_trampoline

    return checking_trampoline(kernel, dtb, entry, pieces, digest)


def _version(release: str) -> tuple[int, int]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    return int(major), int(minor)


def mapping(machine: Machine) -> Mapping:
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
            "Machine", info.where, f"OSRELEASE={info['OSRELEASE']} is no version"
        ) from None
    image = kernel_image(machine)
    voffset = info.number("kimage_voffset")
    stext = (info.symbol("_stext") - voffset) % U64_END
    if not image.start <= stext < image.stop:
        raise FdtMachineError(
            "Machine",
            info.where,
            f"_stext is at {stext:#x}, but {machine.path('proc/iomem')} has the "
            f"kernel at {image!r}; are the files of the same boot?",
        )
    if "KERNELOFFSET" in info and info.has_number("MODULES_END"):
        # The image begins before _stext; up to 6.10 iomem leaves that out
        text = info.number("MODULES_END") + info.kernel_offset - voffset
        if 0 <= stext - text % U64_END <= HEAD:
            image = MemRange(text % U64_END, image.stop - text % U64_END)
    return Mapping(
        -(1 << bits) - info.number("PHYS_OFFSET"),
        (image, (image.start + voffset) % U64_END),
    )


RULES = Rules(
    name="arm64",
    tree="arm64",
    elf_machine=lib.EM_AARCH64,
    images=("arm64",),
    boundary=2 * MIB,
    initrd_boundary=1,
    initrd_reach=initrd_reach,
    max_dtb=2 * MIB,
    trampoline=trampoline,
    verifying=verifying,
)
