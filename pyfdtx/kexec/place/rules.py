# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the start.py of an architecture has to say: placing and starting a kernel."""

from __future__ import annotations

from ...codec.reg import U64_END

__all__ = ["Footprint", "Rules"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...codec.reg import MemRange
    from ..facts.machine import Machine
    from ..facts.ranges import Ranges, Source
    from ..image.kernel import KernelImage
    from .places import Segment
    from .plan import _Job as Job


class Footprint:
    """The memory that an image takes until its kernel runs.

    size: bytes. offset: where it starts, bytes behind a multiple of the
        boundary.
    at, length: the part of it that is loaded, bytes from its start.
    """

    __slots__ = ("at", "length", "offset", "size")

    def __init__(self, size: int, *, at: int, length: int, offset: int = 0):
        self.size = size
        self.at = at
        self.length = length
        self.offset = offset


class Rules:
    """The rules of one Machine.arch.

    name: as Machine.arch.
    tree: as the argument arch of second_kernel_dtb(); None where place makes
        the tree.
    images: the Image.arch that can be started.
    boundary: the image lies text_offset behind a multiple of this, bytes.
    initrd_boundary: the initrd starts at or behind the image's end, rounded up
        to this, bytes.
    initrd_reach: from the start of the image's footprint to the first byte
        that the initrd must not reach.
    max_dtb: the largest tree, bytes.
    trampoline: (kernel, dtb), physical, to the code that hands the tree over;
        None where the kernel that is left behind does so.
    plain_boundary: as boundary, for a kexec that is no crash; None: the same.
    footprint: of an image; None: image_size bytes, all of them loaded.
    usable: (main crash region, core header) to what the crash kernel is told to
        use of the region; None: all of it.
    page_size: of the running kernel, bytes; None: VMCOREINFO says it.
    address_end: the first byte that cannot be addressed.
    place: places everything by itself: (job, free memory) to the segments and
        the entry; Full (pyfdtx/kexec/place/places.py) if they do not fit.
    taken: (machine, crash) to memory that is no place for segments.
    verifying: (kernel, dtb, entry, pieces, digest) to a trampoline that checks
        SHA-256 first, see arm64/verify.py; None where there is none.
    """

    __slots__ = (
        "address_end",
        "boundary",
        "footprint",
        "images",
        "initrd_boundary",
        "initrd_reach",
        "max_dtb",
        "name",
        "page_size",
        "place",
        "plain_boundary",
        "taken",
        "trampoline",
        "tree",
        "usable",
        "verifying",
    )

    def __init__(
        self,
        *,
        name: str,
        tree: str | None,
        images: tuple[str, ...],
        boundary: int,
        initrd_boundary: int,
        initrd_reach: Callable[[int], int],
        max_dtb: int,
        trampoline: Callable[[int, int], bytes] | None,
        plain_boundary: int | None = None,
        footprint: Callable[[KernelImage], Footprint] | None = None,
        usable: Callable[[MemRange, MemRange], MemRange] | None = None,
        page_size: int | None = None,
        address_end: int = U64_END,
        place: Callable[[Job, Ranges], tuple[list[Segment], int]] | None = None,
        taken: Callable[[Machine, bool], Source] | None = None,
        verifying: Callable[[int, int, int, list[tuple[int, int]], bytes], bytes]
        | None = None,
    ):
        self.name = name
        self.tree = tree
        self.images = images
        self.boundary = boundary
        self.initrd_boundary = initrd_boundary
        self.initrd_reach = initrd_reach
        self.max_dtb = max_dtb
        self.trampoline = trampoline
        self.plain_boundary = plain_boundary or boundary
        self.footprint = footprint
        self.usable = usable
        self.page_size = page_size
        self.address_end = address_end
        self.place = place
        self.taken = taken
        self.verifying = verifying
