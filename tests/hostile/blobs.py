# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A little assembler for device tree blobs, sound or not.

Written from the Devicetree Specification, chapter 5 (flattened devicetree
format), and independent of libfdt and of the package under test: every header
field, tag, length and padding byte can be given a wrong value.

`python blobs.py DIRECTORY` writes the feature-rich samples, which the sweep
mutates and the fuzzer starts from, as files.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = (
    struct.pack(">I", tag) for tag in (1, 2, 3, 4, 9)
)

# The header, word by word. Version 16 has no size_dt_struct.
FIELDS = (
    "magic",
    "totalsize",
    "off_dt_struct",
    "off_dt_strings",
    "off_mem_rsvmap",
    "version",
    "last_comp_version",
    "boot_cpuid_phys",
    "size_dt_strings",
    "size_dt_struct",
)
OFFSET = {name: 4 * place for place, name in enumerate(FIELDS)}

ALIGNMENT = {"rsv": 8, "struct": 4, "strings": 1}
IN_ORDER = ("rsv", "struct", "strings")


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def u64(*values: int) -> bytes:
    return struct.pack(f">{len(values)}Q", *values)


def pad(data: bytes, alignment: int = 4, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % alignment)


def reservations(*pairs: tuple[int, int], end: tuple[int, int] = (0, 0)) -> bytes:
    return b"".join(u64(*pair) for pair in (*pairs, end))


def begin(name: bytes = b"", fill: bytes = b"\0") -> bytes:
    return BEGIN_NODE + pad(name + b"\0", 4, fill)


def node(name: bytes, *content: bytes) -> bytes:
    return begin(name) + b"".join(content) + END_NODE


def root(*content: bytes) -> bytes:
    """A whole structure block."""
    return node(b"", *content) + END


class Strings:
    """The strings block; strings[name] is a name's offset, added when new."""

    def __init__(self, *names: bytes) -> None:
        self.data = b""
        for name in names:
            self[name]

    def __getitem__(self, name: bytes) -> int:
        place = (b"\0" + self.data).find(b"\0" + name + b"\0")
        if place < 0:
            place = len(self.data)
            self.data += name + b"\0"
        return place

    def prop(
        self, name: bytes, value: bytes = b"", fill: bytes = b"\0", **lies: int
    ) -> bytes:
        """A property. lies: `length` or `nameoff` other than the true one."""
        length = lies.get("length", len(value))
        nameoff = lies["nameoff"] if "nameoff" in lies else self[name]
        return PROP + u32(length, nameoff) + pad(value, 4, fill)


def assemble(
    structure: bytes,
    strings: bytes = b"",
    rsv: bytes | None = None,
    *,
    order: tuple[str, ...] = IN_ORDER,
    gap: int = 0,
    tail: bytes = b"",
    version: int = 17,
    **header: int,
) -> bytes:
    """A blob with its blocks in `order`, `gap` bytes of 0xaa in front of each
    (more where the alignment wants it) and `tail` behind totalsize; header
    fields as given, the others true."""
    blocks = {
        "rsv": reservations() if rsv is None else rsv,
        "struct": structure,
        "strings": strings,
    }
    size = 40 if version >= 17 else 36
    body = b""
    offset = {}
    for name in order:
        body += b"\xaa" * gap
        body += b"\xaa" * (-(size + len(body)) % ALIGNMENT[name])
        offset[name] = size + len(body)
        body += blocks[name]
    true = {
        "magic": MAGIC,
        "totalsize": size + len(body),
        "off_dt_struct": offset["struct"],
        "off_dt_strings": offset["strings"],
        "off_mem_rsvmap": offset["rsv"],
        "version": version,
        "last_comp_version": 16,
        "boot_cpuid_phys": 0,
        "size_dt_strings": len(strings),
        "size_dt_struct": len(structure),
    }
    if unknown := set(header) - set(true):
        raise TypeError(f"no header field {unknown}")
    words = [{**true, **header}[name] for name in FIELDS]
    return u32(*words)[:size] + body + tail


def minimal(**header: int) -> bytes:
    """The smallest sound blob: a root node without anything, 72 bytes."""
    return assemble(root(), **header)


def rich(
    version: int = 17,
    order: tuple[str, ...] = IN_ORDER,
    gap: int = 0,
    before: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """A base tree with a bit of everything: reservations, NOPs, cells, reg,
    phandles of both names, aliases, symbols, duplicate names, odd lengths,
    dirty padding, a node without properties; tags `before` and `behind` the
    root node."""
    s = Strings(b"reg", b"linux,initrd-start", b"start")
    tree = node(
        b"",
        s.prop(b"#address-cells", u32(2)),
        NOP,
        s.prop(b"#size-cells", u32(2)),
        s.prop(b"compatible", b"a,b\0c\0"),
        node(b"aliases", s.prop(b"s0", b"/soc/u@1\0"), s.prop(b"s1", b"s0\0")),
        NOP,
        node(b"chosen", s.prop(b"bootargs", b"x\0"), s.prop(b"seed", b"\1" * 5)),
        node(
            b"soc",
            s.prop(b"phandle", u32(1)),
            s.prop(b"ranges"),
            node(b"u@1", s.prop(b"reg", u64(1, 2)), s.prop(b"linux,phandle", u32(7))),
            node(b"u@1", NOP, s.prop(b"reg", b"abc", b"\xee")),
            node(b"x"),
            NOP,
        ),
        node(b"__symbols__", s.prop(b"bus", b"/soc\0"), s.prop(b"bad", b"/soc")),
    )
    structure = before + tree + behind + END
    rsv = reservations((0x1000, 0x2000), (1 << 40, 1), end=(5, 0))
    return assemble(structure, s.data, rsv, version=version, order=order, gap=gap)


def overlay() -> bytes:
    """An overlay for `rich`: one fragment by reference, one by path, a local
    reference, a symbol of its own, a phandle that meets one of the base."""
    s = Strings(b"target", b"target-path", b"phandle")
    structure = root(
        node(
            b"f@0",
            s.prop(b"target", u32(0xFFFFFFFF)),
            node(
                b"__overlay__",
                s.prop(b"link", u32(2, 1)),
                node(b"new", s.prop(b"phandle", u32(1)), s.prop(b"reg", u32(9))),
            ),
        ),
        node(
            b"f@1",
            s.prop(b"target-path", b"/soc\0"),
            node(b"__overlay__", s.prop(b"phandle", u32(2)), node(b"x")),
        ),
        node(b"__symbols__", s.prop(b"lab", b"/f@0/__overlay__/new\0")),
        node(b"__fixups__", s.prop(b"bus", b"/f@0:target:0\0")),
        node(
            b"__local_fixups__",
            node(b"f@0", node(b"__overlay__", s.prop(b"link", u32(0, 4)))),
        ),
    )
    return assemble(structure, s.data)


SAMPLES = {
    "rich": rich(),
    "overlay": overlay(),
    "v16": rich(16, ("strings", "struct", "rsv"), 4),
    "nops": rich(17, ("rsv", "strings", "struct"), 1, NOP + NOP, NOP),
}


def write_samples(directory: Path) -> list[Path]:
    paths = []
    for name, data in SAMPLES.items():
        path = directory / f"{name}.dtb"
        path.write_bytes(data)
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_samples(Path(sys.argv[1])):
        print(written)
