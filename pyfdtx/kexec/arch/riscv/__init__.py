# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""riscv64, and what is known of riscv32: all that is special about them.

start: where a kernel may lie. running, image, check: see arch/__init__.py.

Source: Linux Documentation/arch/riscv/boot.rst.
"""

from __future__ import annotations

from ...._core import HEADER_WORD, WORDS_FIRST
from ...architecture import Arch

__all__ = ["ARCHES"]

MIB = 1 << 20


def _cpuinfo(lines: list[str]) -> str | None:
    for width in ("64", "32"):
        if any(line.startswith(f"isa\t\t: rv{width}") for line in lines):
            return f"riscv{width}"
    return None


ARCHES = (
    Arch(
        __name__,
        "riscv",
        machines={"riscv64": (64, "little"), "riscv32": (32, "little")},
        elf_machine=243,
        parts=("start", "running", "image", "check"),
        cpuinfo=_cpuinfo,
        file_image=("riscv64", "an Image that is not compressed"),
        crash_words=HEADER_WORD | WORDS_FIRST,
        command_line_size=1024,
        # Outside it is mapped anew, but no loader puts a segment there
        header_inside=True,
        # arch/riscv/mm/init.c early_mem(): the least of them
        mem_limit=min,
        image="an Image",
        images=("riscv64", "riscv32", "riscv"),
        boundaries={"riscv64": 2 * MIB, "riscv": 2 * MIB, "riscv32": 4 * MIB},
    ),
)
