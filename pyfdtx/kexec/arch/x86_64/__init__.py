# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""x86_64: all that is special about it. No device tree; the running kernel places
and starts the next one by itself, from files (kexec_file_load(2)).

memory_map: the memory map of a crash kernel, which its loader makes too. running,
image: see arch/__init__.py.

Source: Linux arch/x86/kernel/crash.c, arch/x86/kernel/kexec-bzimage64.c.
"""

from __future__ import annotations

from ...architecture import Arch

__all__ = ["ARCHES", "LOW"]

# Real mode, and what firmware leaves there: every kernel reserves it, the crash
# kernel uses it too, so it is never part of a dump (elf_header_exclude_ranges())
LOW = (0, 1 << 20)

ARCHES = (
    Arch(
        __name__,
        "x86_64",
        machines={"x86_64": (64, "little")},
        elf_machine=62,
        parts=("running", "image"),
        # KASLR moves memory too
        kcore_loads=True,
        not_dumped=(LOW,),
        by_file=True,
        file_image=("x86", "bzImage"),
    ),
)
