# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""ppc64le (pseries and PowerNV): all that is special about it.

firmware: memory that is not the kernel's. tree: the second kernel's tree.
trampoline: how it is entered. place: where everything lies. check: what is
wrong with such a tree.
"""

from __future__ import annotations

from ...._native import lib
from ....reg import U64_END
from ...mapping import Mapping
from ...vmlinux import Vmlinux
from ..rules import Footprint, Rules
from .place import place, taken
from .tree import COMMAND_LINE_SIZE

__all__ = ["RULES", "mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...image import AnyImage
    from ...machine import Machine

KIB = 1 << 10
# Linux arch/powerpc/Kconfig PAGE_OFFSET of PPC64
PAGE_OFFSET = 0xC000_0000_0000_0000


def mapping(_machine: Machine) -> Mapping:
    """All memory in one piece, the kernel in it."""
    return Mapping(PAGE_OFFSET)


def footprint(image: AnyImage) -> Footprint:
    """A vmlinux runs in what it is loaded to, BSS included."""
    assert isinstance(image, Vmlinux)
    return Footprint(image.image_size, at=0, length=image.image_size)


RULES = Rules(
    name="ppc64le",
    tree=None,
    elf_machine=lib.EM_PPC64,
    images=("ppc64le",),
    # Linux arch/powerpc/kernel/head_64.S: a kernel that runs where it is loaded
    # must lie on 64 KiB
    boundary=64 * KIB,
    initrd_boundary=1,
    initrd_reach=lambda _image: U64_END,
    max_dtb=1 << 31,
    trampoline=None,
    footprint=footprint,
    place=place,
    taken=taken,
    live_tree=True,
    # /chosen is scanned before the root's cells are known; there is no KASLR
    unread=("linux,elfcorehdr", "linux,usable-memory-range", "kaslr-seed"),
    command_line_size=COMMAND_LINE_SIZE,
)
