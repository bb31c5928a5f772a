# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""32-bit arm, with and without LPAE: its record. A zImage needs no trampoline: the old
kernel looks for the segment that is a device tree, and enters the image with r0 = 0,
r1 = ~0 and r2 = the tree (Linux arch/arm/kernel/machine_kexec.c
machine_kexec_prepare(), relocate_kernel.S).

Source: Linux Documentation/arch/arm/booting.rst.
"""

from __future__ import annotations

from errno import EINVAL

from ...._core import HEADER_WORD, MEM_WORD
from ...architecture import Arch

__all__ = ["ARCHES", "CRASH_BOUNDARY", "PLAIN_BOUNDARY"]

MIB = 1 << 20
# What fdt_check_mem_start() makes the start of the crash kernel's memory a
# multiple of (arch/arm/boot/compressed/fdt_check_mem_start.c, since Linux 5.16,
# commit 48342ae751c7; before, PLAIN_BOUNDARY holds for a crash kernel too)
CRASH_BOUNDARY = 2 * MIB
# Without a usable range the start of memory is the zImage's own address,
# rounded down to this (arch/arm/boot/compressed/head.S, AUTO_ZRELADDR)
PLAIN_BOUNDARY = 128 * MIB
# Memory that a kernel of VMSPLIT_3G surely maps; an initrd beyond it is lost
# (arch/arm/mm/mmu.c adjust_lowmem_bounds(); vmalloc's 240 MiB and gaps off 1 GiB)
LOWMEM = 760 * MIB

STUCK = (
    "there are several CPUs, which this platform's code cannot stop: boot with "
    "nr_cpus=1; or a segment is in no memory that the kernel knows"
)


def _cpuinfo(lines: list[str]) -> str | None:
    # arm64 has the first, but no name
    starts = ("CPU implementer", "model name")
    ours = all(any(line.startswith(s) for line in lines) for s in starts)
    return "arm" if ours else None


ARCHES = (
    Arch(
        __name__,
        "arm",
        # ELF32 with LPAE too: the crash kernel refuses the other class
        # (arch/arm/include/asm/elf.h vmcore_elf64_check_arch(), "Core image elf
        # header is not sane")
        machines={"arm": (32, "little")},
        elf_machine=40,
        parts={
            "OURS": "check",
            "mapping": "running",
            "read_image": "image",
            "stuck_cpus": "cpus",
            "usable": "start",
        },
        judged=True,
        uname=(("armv*", "arm"),),
        cpuinfo=_cpuinfo,
        symbols=("_text", "_stext", "_end"),
        # arch/arm/kernel/machine_kexec.c machine_kexec_prepare()
        refusals={(EINVAL, crash): STUCK for crash in (False, True)},
        crash_words=HEADER_WORD | MEM_WORD,
        command_line_size=1024,
        # The header is read with ioremap(), which refuses the kernel's own memory
        header_inside=False,
        # There is no KASLR
        unread=("kaslr-seed",),
        image="a zImage",
        images=("arm",),
        placed="arm",
        boundary=CRASH_BOUNDARY,
        plain_boundary=PLAIN_BOUNDARY,
        initrd_reach=lambda start: start + LOWMEM,
        # Two sections are mapped from the one that the tree starts in, each of
        # 1 MiB or more (arch/arm/kernel/head.S)
        max_dtb=MIB,
        above_max_dtb="may have no more of it mapped, and die when they read the rest",
        # QEMU's tree of 1 MiB and some bytes, most of them slack, boots
        slack_counts=False,
        # There is no /proc/kcore to read it from, and no other size
        page_size=4096,
        address_end=1 << 32,
    ),
)
