# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec and kdump: the machine, the next tree, core header, placing, loading."""

from __future__ import annotations

from ..codec.memrange import MemRange
from .dtb import Crash, second_kernel_dtb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arch.arm.image import ZImage
    from .arch.x86_64 import MapEntry, crash_memory_map, memmap_words
    from .check.checker import check_tree
    from .doctor.examine import examine
    from .doctor.need import estimate
    from .elfcore import core_header_of, elf_core_header, ranges_of_32_bits
    from .facts.capture import capture
    from .facts.machine import Machine
    from .facts.ranges import Ranges
    from .image.kernel import Image, parse_image, read_image
    from .loading.kexec_load import is_loaded, reboot_into_loaded, unload
    from .loading.load import load
    from .place.file_plan import FilePlan
    from .place.plan import Plan, Segment, make_plan, plan
    from .vmcore.dmesg import Record, dmesg

__all__ = [
    "Crash",
    "FilePlan",
    "Image",
    "Machine",
    "MapEntry",
    "MemRange",
    "Plan",
    "Ranges",
    "Record",
    "Segment",
    "ZImage",
    "capture",
    "check_tree",
    "core_header_of",
    "crash_memory_map",
    "dmesg",
    "elf_core_header",
    "estimate",
    "examine",
    "is_loaded",
    "load",
    "make_plan",
    "memmap_words",
    "parse_image",
    "plan",
    "ranges_of_32_bits",
    "read_image",
    "reboot_into_loaded",
    "second_kernel_dtb",
    "unload",
]

# Loaded when asked for: each costs more than what a tree needs
_LATER = {
    "FilePlan": "place.file_plan",
    "Image": "image.kernel",
    "Machine": "facts.machine",
    "MapEntry": "arch.x86_64",
    "Plan": "place.plan",
    "Ranges": "facts.ranges",
    "Record": "vmcore.dmesg",
    "Segment": "place.places",
    "ZImage": "arch.arm.image",
    "capture": "facts.capture",
    "check_tree": "check.checker",
    "core_header_of": "elfcore",
    "crash_memory_map": "arch.x86_64",
    "dmesg": "vmcore.dmesg",
    "elf_core_header": "elfcore",
    "estimate": "doctor.need",
    "examine": "doctor.examine",
    "is_loaded": "loading.kexec_load",
    "load": "loading.load",
    "make_plan": "place.plan",
    "memmap_words": "arch.x86_64",
    "parse_image": "image.kernel",
    "plan": "place.plan",
    "ranges_of_32_bits": "elfcore",
    "read_image": "image.kernel",
    "reboot_into_loaded": "loading.kexec_load",
    "unload": "loading.kexec_load",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_LATER[name]}"
    found: object = getattr(__import__(home, fromlist=[name]), name)
    globals()[name] = found
    return found
