# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The facts that J1 writes: of the crash kernel, and of the boot before."""

from __future__ import annotations

import struct
from typing import NamedTuple

Range = tuple[int, int]  # (start, size)


class Job(NamedTuple):
    """The facts that J1 writes. Ranges are (start, size) in bytes.

    Everything lies below 4 GiB, so that it fits trees of one-cell addresses.
    """

    cmdline: str
    initrd: Range
    elfcorehdr: Range
    usable: tuple[Range, ...]
    kaslr_seed: int
    rng_seed: bytes
    arch: str = "arm64"

    def reg(self, entries: tuple[Range, ...], cells: Range) -> bytes:
        """(start, size) entries as a property of (address, size) cells."""
        address, size = cells
        return b"".join(
            start.to_bytes(4 * address, "big") + length.to_bytes(4 * size, "big")
            for start, length in entries
        )

    def properties(self, cells: Range) -> dict[str, bytes]:
        """What /chosen gets, by name; cells are the root's."""
        start, size = self.initrd
        return {
            "linux,initrd-start": struct.pack(">Q", start),
            "linux,initrd-end": struct.pack(">Q", start + size),
            "linux,elfcorehdr": self.reg((self.elfcorehdr,), cells),
            "linux,usable-memory-range": self.reg(self.usable, cells),
            "bootargs": self.cmdline.encode() + b"\0",
            "kaslr-seed": struct.pack(">Q", self.kaslr_seed),
            "rng-seed": self.rng_seed,
            "linux,booted-from-kexec": b"",
        }


CRASH = Job(
    cmdline="console=ttyAMA0,115200 root=/dev/vda1 ro maxcpus=1 reset_devices",
    initrd=(0x6C6B0000, 0x214000),
    elfcorehdr=(0x7ABFF000, 0x400),
    usable=((0x6AC00000, 0x10000000), (0x50000000, 0x8000000)),
    kaslr_seed=0x0123456789ABCDEF,
    rng_seed=bytes(range(128)),
)
# What the boot before left: all other values, other lengths where they vary
BEFORE = Job(
    cmdline="console=ttyAMA0,115200 root=/dev/vda1 ro crashkernel=256M quiet",
    initrd=(0x48000000, 0x200000),
    elfcorehdr=(0x3FFFF000, 0x800),
    usable=((0x30000000, 0x10000000),),
    kaslr_seed=0xFEDCBA9876543210,
    rng_seed=bytes(range(128, 192)),
)
FIRMWARE = (0x40000000, 0x10000)  # a reservation that has to stay
