# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is measured: the job J1 and the trees it is done on.

J1 makes a crash kernel's tree out of a boot tree, bytes in and bytes out:
command line, initrd, ELF core header, usable memory and seeds in /chosen,
the memory reservations of the initrd and the header, stale ones removed.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import percall
from compare import decode

# What tests/corpus/fetch.py leaves
DEBIAN = Path(__file__).resolve().parent.parent / ".cache" / "dtbs" / "arm64"

# Machines that were captured, of which each has its boot tree
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

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


class Corpus(NamedTuple):
    """Trees to do the job on: `names[i]` is where `blobs[i]` came from."""

    key: str
    title: str
    names: list[str]
    blobs: list[bytes]

    def every(self, step: int) -> Corpus:
        return self._replace(names=self.names[::step], blobs=self.blobs[::step])


def read(directory: Path) -> tuple[list[str], list[bytes], dict[str, str]]:
    """All *.dtb files below a directory, by name: names, contents, and the
    files left out with the reason.

    Left out are trees whose root lacks a cells property: readers disagree
    about what the missing one means, so the crash tree is refused for them.
    """
    names, blobs, left_out = [], [], {}
    for path in sorted(directory.rglob("*.dtb")):
        name = path.relative_to(directory).as_posix()
        blob = path.read_bytes()
        try:
            tree = decode(blob)
        except (ValueError, struct.error) as e:
            left_out[name] = f"not decoded: {e}"
            continue
        missing = [
            cells
            for cells in ("#address-cells", "#size-cells")
            if tree.value("/", cells) is None
        ]
        if missing:
            left_out[name] = f"the root has no {' and no '.join(missing)}"
            continue
        names.append(name)
        blobs.append(blob)
    return names, blobs, left_out


def stand_in(directory: Path, target: Path) -> Path:
    """The folder itself, or one with the trees of the captured machines if it has
    none (without network it cannot be fetched)."""
    if next(directory.rglob("*.dtb"), None) is not None:
        return directory
    target.mkdir(parents=True, exist_ok=True)
    for tree in sorted(EXAMPLES.glob("*/sys/firmware/fdt")):
        (target / f"{tree.parents[2].name}.dtb").write_bytes(tree.read_bytes())
    return target


def as_running(blob: bytes) -> bytes:
    """The tree as the kernel booted with it shows it in /sys/firmware/fdt:
    every property of the job there with other values, three reservations."""
    return percall.reserve_first(percall.second_kernel_dtb(blob, BEFORE), FIRMWARE)


def corpora(names: list[str], blobs: list[bytes]) -> list[Corpus]:
    return [
        Corpus("A", "as packaged", names, blobs),
        Corpus("B", "as a running kernel shows them", names,
               [as_running(b) for b in blobs]),
    ]  # fmt: skip
