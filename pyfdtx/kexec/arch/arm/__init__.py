# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""32-bit arm, with and without LPAE: all that is special about it.

start: where a zImage may lie. running, image, check: see arch/__init__.py.

Source: Linux Documentation/arch/arm/booting.rst.
"""

from __future__ import annotations

from ...._core import HEADER_WORD, MEM_WORD
from ...architecture import Arch

__all__ = ["ARCHES"]


def _cpuinfo(lines: list[str]) -> str | None:
    # arm64 has the first, but no name
    starts = ("CPU implementer", "model name")
    ours = all(any(line.startswith(s) for line in lines) for s in starts)
    return "arm" if ours else None


ARCHES = (
    Arch(
        __name__,
        "arm",
        # ELF32 with LPAE too: the crash kernel refuses the other class
        # (arch/arm/include/asm/elf.h vmcore_elf64_check_arch(), "Core image elf
        # header is not sane")
        machines={"arm": (32, "little")},
        elf_machine=40,
        parts=("start", "running", "image", "check"),
        uname=(("armv*", "arm"),),
        cpuinfo=_cpuinfo,
        symbols=("_text", "_stext", "_end"),
        crash_words=HEADER_WORD | MEM_WORD,
        command_line_size=1024,
        # The header is read with ioremap(), which refuses the kernel's own memory
        header_inside=False,
        # There is no KASLR
        unread=("kaslr-seed",),
        image="a zImage",
        images=("arm",),
    ),
)
