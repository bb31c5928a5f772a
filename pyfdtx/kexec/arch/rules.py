# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What an architecture has to say about placing and starting a kernel."""

from __future__ import annotations

__all__ = ["Rules"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal


class Rules:
    """The rules of one architecture.

    name: as Machine.arch.
    tree: as the argument arch of second_kernel_dtb().
    elf_machine: EM_*; kexec_load(2) takes it as KEXEC_ARCH_*.
    images: the Image.arch that can be started.
    boundary: the image lies text_offset behind a multiple of this, bytes.
    initrd_boundary: the initrd starts at or behind the image's end, rounded up
        to this, bytes.
    initrd_reach: from the image's start to the first byte that the initrd must
        not reach.
    max_dtb: the largest tree, bytes.
    trampoline: (kernel, dtb), physical, to the code that hands the tree over;
        None where the kernel that is left behind does so.
    """

    __slots__ = (
        "boundary",
        "elf_machine",
        "images",
        "initrd_boundary",
        "initrd_reach",
        "max_dtb",
        "name",
        "trampoline",
        "tree",
    )

    def __init__(
        self,
        *,
        name: str,
        tree: Literal["arm64", "arm", "riscv"],
        elf_machine: int,
        images: tuple[str, ...],
        boundary: int,
        initrd_boundary: int,
        initrd_reach: Callable[[int], int],
        max_dtb: int,
        trampoline: Callable[[int, int], bytes] | None,
    ):
        self.name = name
        self.tree = tree
        self.elf_machine = elf_machine
        self.images = images
        self.boundary = boundary
        self.initrd_boundary = initrd_boundary
        self.initrd_reach = initrd_reach
        self.max_dtb = max_dtb
        self.trampoline = trampoline
