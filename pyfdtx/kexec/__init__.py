# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel: its tree, the machine it starts on, its core header, its place."""

from __future__ import annotations

from ..codec.memrange import MemRange
from .dtb import Crash, second_kernel_dtb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arch.arm.image import ZImage
    from .arch.x86_64 import MapEntry, crash_memory_map, memmap_words
    from .elfcore import core_header_of, elf_core_header, ranges_of_32_bits
    from .facts.machine import Machine
    from .facts.ranges import Ranges
    from .image.kernel import Image, parse_image, read_image
    from .place.plan import Plan, Segment, make_plan

__all__ = [
    "Crash",
    "Image",
    "Machine",
    "MapEntry",
    "MemRange",
    "Plan",
    "Ranges",
    "Segment",
    "ZImage",
    "core_header_of",
    "crash_memory_map",
    "elf_core_header",
    "make_plan",
    "memmap_words",
    "parse_image",
    "ranges_of_32_bits",
    "read_image",
    "second_kernel_dtb",
]

# Loaded when asked for: each costs more than what a tree needs
_LATER = {
    "Image": "image.kernel",
    "Machine": "facts.machine",
    "MapEntry": "arch.x86_64",
    "Plan": "place.plan",
    "Ranges": "facts.ranges",
    "Segment": "place.places",
    "ZImage": "arch.arm.image",
    "core_header_of": "elfcore",
    "crash_memory_map": "arch.x86_64",
    "elf_core_header": "elfcore",
    "make_plan": "place.plan",
    "memmap_words": "arch.x86_64",
    "parse_image": "image.kernel",
    "ranges_of_32_bits": "elfcore",
    "read_image": "image.kernel",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_LATER[name]}"
    found: object = getattr(__import__(home, fromlist=[name]), name)
    globals()[name] = found
    return found
