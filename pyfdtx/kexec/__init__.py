# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel: its tree, the machine it starts on, its core header, its place."""

from __future__ import annotations

from ..memrange import MemRange
from .dtb import Crash, second_kernel_dtb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arch import MapEntry, ZImage, crash_memory_map, memmap_words
    from .elfcore import core_header_of, elf_core_header
    from .image import Image, parse_image, read_image
    from .machine import Machine
    from .plan import Plan, Segment, make_plan
    from .ranges import Ranges

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
    "Image": "image",
    "Machine": "machine",
    "MapEntry": "arch",
    "Plan": "plan",
    "Ranges": "ranges",
    "Segment": "plan",
    "ZImage": "arch",
    "core_header_of": "elfcore",
    "crash_memory_map": "arch",
    "elf_core_header": "elfcore",
    "make_plan": "plan",
    "memmap_words": "arch",
    "parse_image": "image",
    "ranges_of_32_bits": "elfcore",
    "read_image": "image",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
