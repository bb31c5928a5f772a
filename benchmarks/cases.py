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
from crash_job import BEFORE, FIRMWARE

# What tests/corpus/fetch.py leaves
DEBIAN = Path(__file__).resolve().parent.parent / ".cache" / "dtbs" / "arm64"

# Machines that were captured, of which each has its boot tree
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


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
