# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel image (--image F): what can be told before it is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....codec.reg import U64_END, MemRange
from ...facts.ranges import Ranges
from .. import names
from ..facts import Facts, inside, shown, shown_place
from ..rule import ERROR, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096


def is_ours(f: Facts) -> bool:
    """Whether there is an image, of the architecture that the tree is for."""
    return f.image is not None and f.image.arch in f.own.images


def _up(number: int, step: int) -> int:
    return -(-number // step) * step


@rule(
    "image-arch",
    ERROR,
    about="the image is of another architecture",
    effect="does not run",
    way_out="give the image that belongs to the tree, or --arch",
    source="Documentation/arch/arm64/booting.rst, arch/riscv/boot-image-header.rst",
)
def image_arch(f: Facts) -> Iterator[Found]:
    if f.image and not is_ours(f):
        yield Found(f"the tree is judged as {f.arch}'s", value=f"image: {f.image.arch}")


def _free(f: Facts) -> Ranges:
    """The main range without what else lies in it."""
    taken = [s[3] for s in f.segments()]
    return Ranges([f.usable[0]]).exclude(Ranges.union(taken))


def _room(f: Facts, hole: MemRange) -> list[MemRange]:
    """What is left of a hole when the image lies in it as low as it can; no
    range if it does not fit."""
    image = f.image
    if image is None:
        return []
    start, stop = image.lowest(hole, f.usable)
    if start == stop or stop > hole.stop:
        return []
    return [MemRange(hole.start, start - hole.start), MemRange(stop, hole.stop - stop)]


@rule(
    "image-does-not-fit",
    ERROR,
    about="no place in the main usable range is large enough for the image (BSS "
    "included) and the tree, beside core header and initrd",
    effect="the loader refuses it, or the kernel overwrites what lies behind it",
    way_out="reserve more (crashkernel=), move core header and initrd to the end, or "
    "use a smaller initrd",
    source="Documentation/arch/arm64/booting.rst (image_size); "
    "arch/arm/boot/compressed/head.S",
)
def image_does_not_fit(f: Facts) -> Iterator[Found]:
    if not f.usable or not is_ours(f):
        return
    if f.usable[0].size == U64_END or f.image_address is not None:
        return
    holes = list(_free(f))
    tree = len(f.blob) if f.address is None else 0
    for i, hole in enumerate(holes):
        rest = _room(f, hole)
        others = [*rest, *holes[:i], *holes[i + 1 :]]
        if rest and any(_up(h.start, PAGE) + tree <= h.stop for h in others):
            return
    free = ", ".join(shown(h) for h in holes) or "nothing"
    yield Found(
        f"free: {free}; the image needs {f.image_size:#x} bytes, the tree {tree:#x}",
        f.chosen,
        names.USABLE,
        shown(f.usable[0]),
    )


@rule(
    "initrd-below-image",
    ERROR,
    about="the image cannot lie in front of the initrd",
    effect="drops an initrd that starts before the end of the image, rounded up to "
    "2 MiB",
    way_out="place the initrd higher",
    source="arch/riscv/mm/init.c setup_bootmem(); init/initramfs.c "
    "reserve_initrd_mem()",
    holds=lambda arch: arch.initrd_boundary > 1,
)
def initrd_below_image(f: Facts) -> Iterator[Found]:
    if not f.image or not f.usable or not f.initrd or not is_ours(f):
        return
    start = f.image_address
    if start is None:
        start, _ = f.image.lowest(f.usable[0], f.usable)
    stop = _up(start + f.image_size, f.own.initrd_boundary)
    if f.usable[0].start <= f.initrd.start < stop:
        yield Found(
            f"the image reaches to {stop:#x} at least",
            f.chosen,
            names.INITRD_START,
            shown(f.initrd),
        )


@rule(
    "image-misplaced",
    ERROR,
    about="the image does not lie text_offset bytes behind a multiple of 2 MiB "
    "(riscv32: 4 MiB)",
    effect='arm64: prints "Kernel image misaligned at boot"; off by less than 64 KiB '
    "it then dies in one way or another. riscv maps itself wrongly",
    way_out="place it as make_plan() does",
    source="Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/boot.rst; "
    "arch/arm64/kernel/setup.c setup_arch()",
    holds=lambda arch: bool(arch.boundaries),
)
def image_misplaced(f: Facts) -> Iterator[Found]:
    if f.image_address is None or not f.image or not is_ours(f):
        return
    step, offset = f.image.boundary, f.image.text_offset
    if (f.image_address - offset) % step:
        yield Found(
            f"text_offset is {offset:#x}, the boundary {step:#x}",
            value=f"image address {f.image_address:#x}",
        )


@rule(
    "image-outside-usable",
    ERROR,
    about="a crash kernel's image (BSS included) lies outside its usable memory",
    effect="the loader refuses it; loaded by other means it overwrites memory of the "
    "dead kernel and does not come up",
    way_out="place it inside the main range",
    source="kernel/kexec_core.c sanity_check_segment_list()",
)
def image_outside_usable(f: Facts) -> Iterator[Found]:
    where = f.image_range()
    if where and f.usable and not inside(where, f.usable):
        yield Found(
            "usable: " + ", ".join(map(shown, f.usable)),
            value=shown_place("the image", where),
        )
