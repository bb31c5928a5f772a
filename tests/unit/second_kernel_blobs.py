# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A small assembler and a small parser of blobs, for the tests alone.

Written from the Devicetree Specification v0.4, chapter 5, and independent of
the package: what it makes is input, what it reads is judged.

A tree is (name, [(property, value), ...], [child, ...]).
"""

import struct

BEGIN, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def u32(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def u64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def aligned(data):
    return data + bytes(-len(data) % 4)


def assemble(
    tree,
    reserved=(),
    *,
    strings=b"",
    nops=False,
    version=17,
    boot_cpu=0,
    misordered=False,
):
    """A blob; nops puts one FDT_NOP behind each tag that may have one."""
    table = bytearray(strings)
    places = {}
    nop = u32(NOP) if nops else b""

    def name_at(name):
        if name not in places:
            raw = name.encode() + b"\0"
            places[name] = table.find(raw)
            if places[name] < 0:
                places[name] = len(table)
                table.extend(raw)
        return places[name]

    structure = bytearray(nop)
    todo = [tree]  # nodes to begin; None: a node to end
    while todo:
        node = todo.pop()
        if node is None:
            structure += u32(END_NODE) + nop
            continue
        name, props, children = node
        structure += u32(BEGIN) + aligned(name.encode() + b"\0") + nop
        for prop, value in props:
            structure += u32(PROP, len(value), name_at(prop)) + aligned(value) + nop
        todo += [None, *reversed(children)]
    structure += u32(END)

    entries = b"".join(u64(*r) for r in reserved) + u64(0, 0)
    if misordered:
        blocks = [("strings", bytes(table)), ("struct", structure), ("rsv", entries)]
    else:
        blocks = [("rsv", entries), ("struct", structure), ("strings", bytes(table))]
    at, place, body = 40, {}, b""
    for what, data in blocks:
        pad = bytes(-at % 8)
        body += pad + data
        place[what] = at + len(pad)
        at += len(pad) + len(data)
    header = u32(
        0xD00DFEED, at, place["struct"], place["strings"], place["rsv"], version, 16,
        boot_cpu, len(table), len(structure) if version >= 17 else 0,
    )  # fmt: skip
    return header + body


class Parsed:
    """One canonical blob: .reserved, .tree, .strings, .boot_cpu.

    Reading fails an assertion where the blob is not in the canonical form
    that docs/second-kernel.md describes.
    """

    def __init__(self, blob):
        assert type(blob) is bytes
        words = struct.unpack_from(">10I", blob)
        magic, total, off_struct, off_strings, off_rsv = words[:5]
        version, compatible, self.boot_cpu, len_strings, len_struct = words[5:]
        assert magic == 0xD00DFEED
        assert (version, compatible) == (17, 16)
        assert total == len(blob), "totalsize is not the length"
        assert off_rsv == 40, "gap between header and reservations"

        self.reserved = []
        at = 40
        while True:
            entry = struct.unpack_from(">2Q", blob, at)
            at += 16
            if not entry[1]:
                assert entry[0] == 0, "terminator is not zero"
                break
            self.reserved.append(entry)
        assert off_struct == at, "gap between reservations and structure"
        assert off_strings == at + len_struct, "gap before the strings"
        assert off_strings + len_strings == total, "something behind the strings"
        self.strings = blob[off_strings:]
        self._blob = blob
        self._at = off_struct
        assert self._word() == BEGIN
        self.tree = self._node()
        assert self._word() == END
        assert self._at == off_strings, "something behind FDT_END"

    def _word(self):
        (word,) = struct.unpack_from(">I", self._blob, self._at)
        self._at += 4
        return word

    def _take(self, length):
        data = self._blob[self._at : self._at + length]
        self._at += length
        pad = -length % 4
        assert self._blob[self._at : self._at + pad] == bytes(pad), "dirty padding"
        self._at += pad
        return data

    def _string(self, data, at):
        return data[at : data.index(b"\0", at)].decode()

    def _node(self):
        name = self._string(self._blob, self._at)
        self._take(len(name) + 1)
        props, children = [], []
        while True:
            tag = self._word()
            if tag == PROP:
                assert not children, "property behind a child"
                length, at = self._word(), self._word()
                props.append((self._string(self.strings, at), self._take(length)))
            elif tag == BEGIN:
                children.append(self._node())
            else:
                assert tag == END_NODE, f"tag {tag} at {self._at - 4}"
                return (name, props, children)

    @property
    def root(self):
        return self.tree[1]

    @property
    def chosen(self):
        """Properties of the first chosen node, in blob order."""
        for name, props, _ in self.tree[2]:
            if name == "chosen" or name.startswith("chosen@"):
                return props
        raise AssertionError("no /chosen")

    def prop(self, name):
        """The one value of a property of /chosen, or None."""
        found = [value for prop, value in self.chosen if prop == name]
        assert len(found) <= 1, f"{name} stands {len(found)} times"
        return found[0] if found else None
