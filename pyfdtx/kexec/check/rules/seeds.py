# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Random numbers for the next kernel. Their values are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import names
from ..facts import Facts
from ..rule import NOTE, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...architecture import Arch

KASLR_BYTES = 8
# Linux drivers/char/random.c POOL_READY_BITS, in bytes
RNG_BYTES = 32


def _with_kaslr(arch: Arch) -> bool:
    return names.KASLR not in arch.unread


@rule(
    "kaslr-seed-length",
    WARNING,
    about="kaslr-seed does not have 8 bytes",
    effect="ignores it, and leaves it where everybody can read it",
    way_out="write 8 bytes",
    source="arch/arm64/kernel/pi/kaslr_early.c (older: kaslr.c) get_kaslr_seed(); "
    "arch/riscv/kernel/pi/fdt_early.c",
    holds=_with_kaslr,
)
def kaslr_seed_length(f: Facts) -> Iterator[Found]:
    seed = f.in_chosen.get(names.KASLR)
    if seed is not None and len(seed) != KASLR_BYTES:
        yield Found(f"{len(seed)} bytes", f.chosen, names.KASLR)


@rule(
    "kaslr-seed-zero",
    WARNING,
    about="kaslr-seed is 0: a kernel has used it up",
    effect="boots at predictable addresses, unless the CPU has random numbers",
    way_out="write a new one: crash-dtb and kexec-dtb do",
    source="arch/arm64/kernel/pi/kaslr_early.c (older: kaslr.c) get_kaslr_seed(); "
    "arch/riscv/kernel/pi/fdt_early.c",
    holds=_with_kaslr,
)
def kaslr_seed_zero(f: Facts) -> Iterator[Found]:
    if f.in_chosen.get(names.KASLR) == bytes(KASLR_BYTES):
        yield Found("8 bytes of zeros", f.chosen, names.KASLR)


@rule(
    "kaslr-seed-missing",
    NOTE,
    about="there is no kaslr-seed",
    effect="boots at predictable addresses, unless the CPU has random numbers",
    way_out="write one, or say nokaslr if that is meant",
    source="arch/arm64/kernel/pi/kaslr_early.c (older: kaslr.c) get_kaslr_seed()",
    holds=_with_kaslr,
)
def kaslr_seed_missing(f: Facts) -> Iterator[Found]:
    if f.chosens and names.KASLR not in f.in_chosen and "nokaslr" not in f.words:
        yield Found("it is missing", f.chosen, names.KASLR)


@rule(
    "rng-seed-short",
    NOTE,
    about="there is no rng-seed of 32 bytes or more",
    effect="starts without good random numbers: programs may wait for them, long "
    "after a crash",
    way_out="write 32 bytes or more: crash-dtb and kexec-dtb write 128",
    source="drivers/of/fdt.c early_init_dt_scan_chosen(); drivers/char/random.c "
    "add_bootloader_randomness()",
)
def rng_seed_short(f: Facts) -> Iterator[Found]:
    seed = f.in_chosen.get(names.RNG)
    if f.chosens and len(seed or b"") < RNG_BYTES:
        why = "it is missing" if seed is None else f"{len(seed)} bytes"
        yield Found(why, f.chosen, names.RNG)
