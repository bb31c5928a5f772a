# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python seeds.py DIRECTORY`: what the fuzzers of C start from, DIRECTORY/TARGET.

The samples and the cases of tests/hostile as they are (blobs.c, in_blob()), with
the bytes in front that choose options, and for targets of two trees pairs.
"""

import hashlib
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
    """Trees that are a header, or less: every version, everything inside of it."""
    return [
        raw(blobs.u32(0xD00DFEED, size, 16, 16, 16, version, 0, 0, 0, 0)[:size])
        for size in range(24, 41)
        for version in (1, 2, 3, 16, 17)
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


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for source in Path(__file__).parent.glob("fuzz_*.c"):
        target = source.stem[len("fuzz_") :]
        directory = root / target
        directory.mkdir(parents=True, exist_ok=True)
        for seed in inputs(target):
            (directory / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
