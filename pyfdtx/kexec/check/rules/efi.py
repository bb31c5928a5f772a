# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""UEFI and ACPI: what the EFI stub said, and who may say it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import names
from ..facts import Facts, hexed
from ..rule import ERROR, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMS = "drivers/firmware/efi/fdtparams.c efi_get_fdt_params()"


@rule(
    "uefi-partial",
    ERROR,
    about="some, but not all five linux,uefi-* properties are there",
    effect='prints "Can\'t find ... in device tree!" and does as if there were no '
    "UEFI: no memory map, no ACPI",
    way_out="take over all five from the tree this machine booted with",
    source=PARAMS,
)
def uefi_partial(f: Facts) -> Iterator[Found]:
    if f.efi or not any(name in f.in_chosen for name in names.EFI):
        return
    for name in names.EFI:
        if name not in f.in_chosen:
            yield Found("it is missing", f.chosen, name)


@rule(
    "uefi-length",
    ERROR,
    about="a linux,uefi-* property has neither 4 nor 8 bytes",
    effect="reads another number than was meant",
    way_out="take it over from the tree this machine booted with",
    source=PARAMS,
)
def uefi_length(f: Facts) -> Iterator[Found]:
    for name in names.EFI:
        value = f.in_chosen.get(name)
        if value is not None and len(value) not in (4, 8):
            yield Found(f"{len(value)} bytes", f.chosen, name, hexed(value))
