# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""arm64: its record. start: the code that hands a kernel its tree; verify, a64: code
that first checks what was loaded; running: where the running kernel has its memory;
image; gic: what hardware goes on writing to; check: rules of its own.

Source: Linux Documentation/arch/arm64/booting.rst.
"""

from __future__ import annotations

from errno import EBUSY

from ...architecture import Arch

__all__ = ["ARCHES"]

MIB = 1 << 20
GIB = 1 << 30


def _cpuinfo(lines: list[str]) -> str | None:
    # 32-bit arm has that line too, and a name that arm64 lacks
    if any(line.startswith("model name") for line in lines):
        return None
    ours = any(line.startswith("CPU implementer") for line in lines)
    return "arm64" if ours else None


ARCHES = (
    Arch(
        __name__,
        "arm64",
        machines={"arm64": (64, "little")},
        elf_machine=183,
        parts={
            "OURS": "check",
            "handed_on": "gic",
            "mapping": "running",
            "read_image": "image",
            "stuck_cpus": "cpus",
            "trampoline": "start",
            "verifying": "verify",
        },
        judged=True,
        uname=(("aarch64", "arm64"),),
        cpuinfo=_cpuinfo,
        file_image=("arm64", "an Image that is not compressed"),
        # arch/arm64/kernel/machine_kexec.c machine_kexec_prepare(), smp.c
        # cpus_are_stuck_in_kernel()
        refusals={
            (EBUSY, False): "CPUs are stuck in the kernel (started by a spin-table, "
            "failed to start, or protected KVM is on): boot with nr_cpus=1 or without "
            "kvm-arm.mode=protected; or another program is loading a kernel"
        },
        crash_words=0,
        command_line_size=2048,
        # arch/arm64/include/asm/boot.h MAX_FDT_SIZE; setup_machine_fdt() of
        # arch/arm64/kernel/setup.c
        max_dtb=2 * MIB,
        above_max_dtb="spin for ever before they print a word",
        # The header is read through the linear map, which has usable memory alone
        header_inside=True,
        header_outside="an arm64 crash kernel oopses when it reads it",
        # arch/arm64/mm/init.c early_mem(): each takes the place of the one before
        mem_limit=lambda limits: limits[-1],
        image="an Image",
        images=("arm64",),
        boundaries={"arm64": 2 * MIB},
        placed="arm64",
        # Image and initrd share one window of 32 GiB that starts at a multiple of
        # 1 GiB
        initrd_reach=lambda start: start // GIB * GIB + 32 * GIB,
    ),
)
