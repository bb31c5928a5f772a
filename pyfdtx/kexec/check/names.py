# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Names that Linux reads, as the rules speak of them.

Source: Linux drivers/of/fdt.c, drivers/firmware/efi/fdtparams.c; dt-schema
chosen.yaml.
"""

from __future__ import annotations

AC, SC = "#address-cells", "#size-cells"
HEADER = "linux,elfcorehdr"
USABLE = "linux,usable-memory-range"
INITRD_START, INITRD_END = "linux,initrd-start", "linux,initrd-end"
BOOTARGS = "bootargs"
KASLR, RNG = "kaslr-seed", "rng-seed"
KEYS = "linux,dmcryptkeys"
KHO = ("linux,kho-fdt", "linux,kho-scratch")
IMA = "linux,ima-kexec-buffer"
EFI_TABLE = "linux,uefi-system-table"
# All five, or Linux does as if there were none
EFI = (
    EFI_TABLE,
    "linux,uefi-mmap-start",
    "linux,uefi-mmap-size",
    "linux,uefi-mmap-desc-size",
    "linux,uefi-mmap-desc-ver",
)
