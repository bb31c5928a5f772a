# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An input of the Python targets, read from its front, and the trees made of it."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import hostile_blobs as blobs

T = TypeVar("T")
BORDERS = (0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 4096, 0x4000_0000)
NODES = (b"chosen", b"memory@0", b"soc", b"soc@1", b"cpus", b"cpu@0", b"aliases",
         b"reserved-memory", b"__symbols__", b"a", b"a@0", b"a@00", b"memory", b"b",
         b"\xff", b"x y", b"elfcorehdr@1", b"rtas", b"initrd")  # fmt: skip
PROPS = (b"reg", b"compatible", b"#address-cells", b"#size-cells", b"phandle",
         b"linux,phandle", b"bootargs", b"linux,initrd-start", b"linux,initrd-end",
         b"linux,elfcorehdr", b"linux,usable-memory-range", b"kaslr-seed", b"rng-seed",
         b"ranges", b"device_type", b"name", b"status", b"stdout-path", b"alias",
         b"linux,crashkernel-base", b"linux,crashkernel-size", b"enable-method",
         b"linux,uefi-system-table", b"linux,booted-from-kexec", b"no-map",
         b"linux,ima-kexec-buffer", b"\xfe", b"#", b"interrupt-parent")  # fmt: skip
TEXTS = (b"/", b"/soc", b"/chosen", b"okay", b"memory", b"cpu", b"psci", b"/a/b", b"a",
         b"console=ttyAMA0 mem=64M", b"crashkernel=1G-:64M@16M root=/dev/vda -- init",
         b"elfcorehdr=0x1000 acpi=off nokaslr maxcpus=1", b"linux,dummy-virt", b"",
         b"/soc:115200n8", b"\xff\xfe", b'"\\\t\n')  # fmt: skip


class Input:
    """The rest of the input; behind its end everything is 0."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def byte(self) -> int:
        if not self.left:
            return 0
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self, size: int) -> bytes:
        """At most so many; fewer at the end."""
        found = self.data[self.at : self.at + size]
        self.at += len(found)
        return found

    def rest(self) -> bytes:
        return self.bytes(self.left)

    def number(self) -> int:
        """Of 64 bits: small, or near a border, or any."""
        how = self.byte()
        if how < 64:
            return how
        if how < 192:
            border = BORDERS[how % len(BORDERS)]
            return (border + self.byte() - 16) % 2**64
        return int.from_bytes(self.bytes(8).ljust(8, b"\0"), "big")

    def pick(self, of: Sequence[T]) -> T:
        return of[self.byte() % len(of)]


def _value(source: Input) -> bytes:
    how = source.byte() % 5
    if how == 0:
        return source.bytes(source.byte())
    if how == 1:
        return blobs.u32(*(source.byte() for _ in range(source.byte() % 6)))
    if how == 2:
        return blobs.u64(*(source.number() for _ in range(source.byte() % 5)))
    texts = [source.pick(TEXTS) for _ in range(1 + source.byte() % 3)]
    return b"\0".join(texts) + (b"\0" if how == 3 else b"")


def _structure(source: Input, strings: blobs.Strings) -> bytes:
    out = blobs.begin()
    depth = 1
    for _ in range(200):
        code = source.byte() % 12
        if code == 0:
            break
        if code < 4:
            name = source.pick(NODES) if code < 3 else source.bytes(source.byte() % 20)
            out += blobs.begin(name)
            depth += 1
        elif code < 9:
            name = source.pick(PROPS) if code < 8 else source.bytes(source.byte() % 40)
            out += strings.prop(name, _value(source))
        elif code < 11 and depth > 1:
            out += blobs.END_NODE
            depth -= 1
        else:
            out += blobs.NOP
    return out + blobs.END_NODE * depth + blobs.END


def tree(source: Input) -> bytes:
    """A blob: raw, or by a program that writes nodes and properties, with one
    header field that may be wrong."""
    how = source.byte()
    if how % 4 == 0:
        return source.bytes(int.from_bytes(source.bytes(2), "big"))
    strings = blobs.Strings()
    structure = _structure(source, strings)
    pairs = [(source.number(), source.number()) for _ in range(source.byte() % 4)]
    blob = bytearray(
        blobs.assemble(
            structure,
            strings.data,
            blobs.reservations(*pairs),
            version=16 if how & 16 else 17,
            boot_cpuid_phys=source.byte(),
        )
    )
    if how & 32:
        at = 4 * (source.byte() % 10)
        (field,) = struct.unpack_from(">I", blob, at)
        struct.pack_into(">I", blob, at, (field + source.byte() - 128) % 2**32)
    return bytes(blob)


Target = Callable[[Input], None]
