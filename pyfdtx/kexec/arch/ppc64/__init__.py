# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ppc64le (pseries and PowerNV): all that is special about it.

firmware: memory that is not the kernel's. tree: the second kernel's tree.
trampoline: how it is entered. place: where everything lies. running: where the
running kernel has its memory. check: rules of its own. image: a vmlinux.
"""

from __future__ import annotations

from ...architecture import Arch

__all__ = ["ARCHES", "COMMAND_LINE_SIZE"]

# Linux arch/powerpc/include/uapi/asm/setup.h COMMAND_LINE_SIZE
COMMAND_LINE_SIZE = 2048
EM_PPC64 = 21

ARCHES = (
    Arch(
        __name__,
        "ppc64le",
        machines={"ppc64le": (64, "little")},
        elf_machine=EM_PPC64,
        parts={
            "OURS": "check",
            "mapping": "running",
            "read_image": "image",
            "place": "place",
            "taken": "place",
        },
        judged=True,
        live_tree=True,
        crash_in_chosen=("linux,crashkernel-base", "linux,crashkernel-size"),
        command_line_size=COMMAND_LINE_SIZE,
        # /chosen is scanned before the root's cells are known; there is no KASLR
        unread=("linux,elfcorehdr", "linux,usable-memory-range", "kaslr-seed"),
        image="a vmlinux",
        images=("ppc64le",),
        placed="ppc64le",
        # Linux arch/powerpc/kernel/head_64.S: a kernel that runs where it is loaded
        # must lie on 64 KiB
        boundary=64 << 10,
        max_dtb=1 << 31,
    ),
    Arch(
        __name__,
        "ppc64",
        machines={"ppc64": (64, "big")},
        elf_machine=EM_PPC64,
        parts={"mapping": "running"},
    ),
)
