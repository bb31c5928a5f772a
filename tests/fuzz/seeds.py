# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python seeds.py DIRECTORY`: what the fuzzers start from, in DIRECTORY/TARGET.

The samples and the cases of tests/hostile as they are (blobs.c, in_blob()), with
the bytes in front that choose options, and for targets of two trees pairs.
"""

import hashlib
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import hostile_blobs as blobs
import hostile_cases as cases
import hostile_overlays as overlays

LARGEST = 2048


def raw(blob: bytes) -> bytes:
    """A blob as in_blob() reads it."""
    return b"\0" + len(blob).to_bytes(2, "big") + blob


def trees() -> "list[bytes]":
    samples = [*blobs.SAMPLES.values(), blobs.minimal()]
    samples += [
        case.blob for case in (*cases.ACCEPTED, *cases.REFUSED, *overlays.ATTACKS)
    ]
    return [raw(blob) for blob in samples if len(blob) <= LARGEST]


def overlays_on_bases() -> "list[bytes]":
    base, sound = raw(blobs.rich()), raw(blobs.overlay())
    pairs = [(base, raw(attack.blob)) for attack in overlays.ATTACKS]
    pairs += [(base, sound), (base, base), (sound, sound), (sound, base)]
    return [b"\x40" + first + second for first, second in pairs]


# A few edits (fuzz_edits.c, make_change()), and a crash kernel's job
EDITS = b"\0\x1a\0\x20\4abcd" + b"\4\x19\x0f" + b"\1\x19\x0f\x22\3xyz" + b"\6\x19\x0f"
JOB = b"\x31\x4f\3x=1\1\1\1\2\1\1\1\2\1\x20\1\1\1\x10\1\x40\4seed"


def short_headers() -> "list[bytes]":
    """Trees that are a header, or less, in buffers that are as long or longer: every
    version, everything inside of the header."""
    return [
        raw(blobs.u32(0xD00DFEED, size, 16, 16, 16, version, *[0] * 6)[:length])
        for size in range(24, 41)
        for version in (1, 2, 3, 16, 17)
        for length in (size, 48)
    ]


def inputs(target: str) -> "list[bytes]":
    """All that TARGET starts from."""
    if target == "overlay":
        return overlays_on_bases()
    if target == "guard":
        calls = [b"\6\1\0\x10\0", b"\x0e\1\0\x10\0", b"\x1e\1\0\0\0", b"\4\1\0\0\0"]
        return [tree + call for tree in short_headers() + trees() for call in calls]
    front = {"walk": b"\0", "edits": b"\0", "second_kernel": JOB}.get(target, b"")
    behind = {"edits": EDITS}.get(target, b"")
    return [front + tree + behind for tree in trees()]


# The targets in Python (python_targets.py)

IOMEM = b"""\
40000000-bfffffff : System RAM
  40210000-41ffffff : Kernel code
  42000000-4235ffff : reserved
  42360000-4287ffff : Kernel data
  a0000000-afffffff : Crash kernel
4010000000-401fffffff : PCI ECAM
"""
VMCOREINFO = b"""\
OSRELEASE=6.12
KERNELOFFSET=1f0000
NUMBER(VA_BITS)=48
NUMBER(PHYS_OFFSET)=0x40000000
SYMBOL(_stext)=ffff800008010000
"""


def kcore() -> bytes:
    """An ELF core with a note and a load, without the header that kcore() makes."""
    note = struct.pack("<3I12s", 11, len(VMCOREINFO), 0, b"VMCOREINFO\0") + VMCOREINFO
    rows = struct.pack("<2I6Q", 4, 0, 176, 0, 0, len(note), 0, 0)
    rows += struct.pack("<2I6Q", 1, 7, 4096, 2**63, 2**30, 2**28, 2**28, 4096)
    return b"\x03\x02" + rows + note


def images() -> "list[bytes]":
    """The smallest of each form, as it is, and wrapped in each way."""
    flat = struct.pack("<2I3Q24x4s4x", 0, 0, 0, 1 << 20, 10, b"MAGI")
    zimage = struct.pack("<36x6I", 0x016F2818, 0, 88, 0x04030201, 0x45454545, 64)
    zimage += struct.pack("<I6I", 5000, 6, 0x5A534C4B, 60, 900, 0x8000, 4096)
    elf = b"\x7fELF\2\1\1" + bytes(9)
    elf += struct.pack("<HHIQQQIHHHHHH", 2, 21, 1, 2**63, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    elf += struct.pack("<2I6Q", 1, 7, 120, 2**63, 0, 8, 16, 8) + bytes(8)
    packed = [b"\x02\x21\x4c\x18\x06\0\0\0\x50hello", b"\x28\xb5\x2f\xfd\x20\0\1\0\0"]
    plain = [flat.replace(b"MAGI", magic) for magic in (b"ARM\x64", b"RSC\x05")]
    plain += [zimage, elf, *packed]
    wrappers = [b"\0\0\0", *(bytes((1, w, 0)) for w in range(1, 14))]
    return [wrapper + image for wrapper in wrappers for image in plain]


def initrds() -> "list[bytes]":
    """A cpio archive in each form, and what is none."""
    name = b"f\0"
    entry = b"070701" + b"%08x" * 13 % (1, 0o100644, *[0] * 4, 3, *[0] * 4, 2, 0)
    end = b"070701" + b"%08x" * 13 % (*[0] * 11, 11, 0) + b"TRAILER!!!\0"
    cpio = entry + name + b"abc\0" + end
    others = [cpio, b"\x27\x05\x19\x56", b"hsqs" + bytes(20), b"\x80" * 40]
    return [bytes((how,)) + data for how in (0, 1, 3, 5, 64, 69, 89) for data in others]


def python_inputs() -> "dict[str, list[bytes]]":
    small = [tree for tree in trees() if len(tree) < 800]
    front = bytes((0x3D, 1, 5, 5, 5, 5, 5, 5, 5, 3)) + b"x=1"
    return {
        "texts": [IOMEM, VMCOREINFO],
        "kcore": [kcore()],
        "dmesg": [
            bytes((how, gap, 5, *(n for i in range(6) for n in (i, 9, *b"a message"))))
            for how in range(64)
            for gap in (0, 3)
        ],
        "images": images(),
        "initrds": initrds(),
        "roots": [
            bytes((r, 0, n, how))
            for r in range(4)
            for n in range(9)
            for how in range(9)
        ],
        "trees": small,
        "second_kernel": [front + tree for tree in small],
        "overlays": [bytes((0, 1, 2, 3, n, 1)) * 20 for n in range(12)],
        "meaning": small,
        "checker": [bytes((arch, 3, 1)) + tree for tree in small for arch in range(4)],
    }


def write(directory: Path, seeds: "list[bytes]") -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (directory / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def write_all(root: Path) -> None:
    """The seeds of every target, below root."""
    for source in Path(__file__).parent.glob("fuzz_*.c"):
        target = source.stem[len("fuzz_") :]
        write(root / target, inputs(target))
    for target, found in python_inputs().items():
        write(root / f"python_{target}", found)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
