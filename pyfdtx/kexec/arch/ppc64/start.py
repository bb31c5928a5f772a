# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""How a ppc64le kernel is placed: by rules of its own, place.py."""

from __future__ import annotations

from ....codec.reg import U64_END
from ...place.rules import Footprint, Rules
from .image import Vmlinux
from .place import place, taken

__all__ = ["RULES"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...image.kernel import KernelImage

KIB = 1 << 10


def footprint(image: KernelImage) -> Footprint:
    """A vmlinux runs in what it is loaded to, BSS included."""
    assert isinstance(image, Vmlinux)
    return Footprint(image.image_size, at=0, length=image.image_size)


RULES = Rules(
    name="ppc64le",
    tree=None,
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
)
