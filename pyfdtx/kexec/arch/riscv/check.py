# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What pyfdtx.kexec.check.checker has to say about a tree for riscv alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...check import names
from ...check.facts import shown
from ...check.rule import ERROR, Found, rule
from ...check.rules.image import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...check.facts import Facts

OURS = ("riscv",)
# The kernel maps itself in pieces of 2 MiB and takes all of the last one
PIECE = 2 << 20


@rule(
    "initrd-below-image",
    ERROR,
    about="the image cannot lie in front of the initrd",
    effect="drops an initrd that starts before the end of the image, rounded up to "
    "2 MiB",
    way_out="place the initrd higher",
    source="arch/riscv/mm/init.c setup_bootmem(); init/initramfs.c "
    "reserve_initrd_mem()",
    arches=OURS,
    before="image-misplaced",
)
def initrd_below_image(f: Facts) -> Iterator[Found]:
    if not f.image or not f.usable or not f.initrd or not is_ours(f):
        return
    start = f.image_address
    if start is None:
        start, _ = f.image.lowest(f.usable[0], f.usable)
    stop = -(-(start + f.image_size) // PIECE) * PIECE
    if f.usable[0].start <= f.initrd.start < stop:
        yield Found(
            f"the image reaches to {stop:#x} at least",
            f.chosen,
            names.INITRD_START,
            shown(f.initrd),
        )
