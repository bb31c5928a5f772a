# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Overlays that are sound trees and attack whoever applies them.

libfdt adds to 4 bytes wherever a local fixup says, and overwrites 4 bytes where
a fixup says unless the sum of offset and 4 is beyond the property: it wraps.
Each of these goes beyond, at once or in a second step, or is not well formed.
"""

from __future__ import annotations

from typing import NamedTuple

from hostile_blobs import END, END_NODE, Strings, assemble, node, root, u32


class Attack(NamedTuple):
    name: str
    blob: bytes
    cause: str


ATTACKS: list[Attack] = []

OUTSIDE = "fixup outside its property"
OTHER = "fixup that changes another fixup"
LOCAL, FIXUPS = b"__local_fixups__", b"__fixups__"


def overlay(s: Strings, *content: bytes, size: int = 6) -> bytes:
    """One fragment whose property `v` has 6 bytes, and what comes with it."""
    fragment = node(
        b"f@0",
        s.prop(b"target-path", b"/soc\0"),
        node(b"__overlay__", s.prop(b"v", bytes(size))),
    )
    return assemble(root(fragment, *content), s.data)


def local(value: bytes, name: bytes = b"v", size: int = 6) -> bytes:
    s = Strings()
    inner = node(b"f@0", node(b"__overlay__", s.prop(name, value)))
    return overlay(s, node(LOCAL, inner), size=size)


def fixup(value: bytes, size: int = 6) -> bytes:
    s = Strings()
    return overlay(s, node(FIXUPS, s.prop(b"bus", value)), size=size)


def attack(name: str, blob: bytes, cause: str) -> None:
    ATTACKS.append(Attack(name, blob, cause))


PATH = b"/f@0/__overlay__"

for offset in (3, 4, 6, 7, 64, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF):
    attack(f"local {offset:#x}", local(u32(offset)), OUTSIDE)
    attack(f"local 0, {offset:#x}", local(u32(0, offset)), OUTSIDE)
    attack(f"local {offset:#x}, 0", local(u32(offset, 0)), OUTSIDE)
    text = PATH + b":v:%d\0" % offset
    attack(f"fixup {offset:#x}", fixup(text), OUTSIDE)
    attack(f"fixup 0, {offset:#x}", fixup(PATH + b":v:0\0" + text), OUTSIDE)
    attack(f"fixup {offset:#x}, 0", fixup(text + PATH + b":v:0\0"), OUTSIDE)
for number in (b"-1", b"-4", b"+3", b" 3", b"4294967292", b"99999999999999999999"):
    attack(f"fixup {number!r}", fixup(PATH + b":v:" + number + b"\0"), OUTSIDE)

attack("local, ragged", local(b"\0" * 5), "local fixup that is not whole cells")
attack("local, no property", local(u32(0), b"w"), "a property that does not exist")
for name in (b"phandle", b"linux,phandle"):
    # libfdt adds the base's highest phandle to it, then follows it
    s = Strings()
    blob = overlay(
        s,
        node(b"x", s.prop(name, u32(1))),
        node(LOCAL, node(b"x", s.prop(name, u32(0)))),
    )
    attack(f"local of {name!r}", blob, "local fixup of a phandle property")
s = Strings()
attack(
    "local, no node",
    overlay(s, node(LOCAL, node(b"g@0", s.prop(b"v", u32(0))))),
    "local fixup for a node that does not exist",
)

# The first fixup moves the second one out of its property
s = Strings()
inner = node(b"f@0", node(b"__overlay__", s.prop(b"v", u32(0))))
attack("local to local", overlay(s, node(LOCAL, node(LOCAL, inner), inner)), OTHER)
s = Strings()
blob = overlay(
    s,
    node(FIXUPS, s.prop(b"bus", PATH + b":v:0\0")),
    node(LOCAL, node(FIXUPS, s.prop(b"bus", u32(len(PATH) + 1)))),
)
attack("local to fixup", blob, OTHER)
for target in (LOCAL, FIXUPS):
    s = Strings()
    fixups = s.prop(b"bus", b"/%b:v:0\0" % target), s.prop(b"v", PATH + b":v:0\0")
    # "v" of the root is what "v" of /__local_fixups__ is about
    tree = node(b"", s.prop(b"v", u32(0)), node(FIXUPS, *fixups))
    tree = tree[:-4] + node(LOCAL, s.prop(b"v", u32(0))) + END_NODE + END
    attack(f"fixup to {target!r}", assemble(tree, s.data), OTHER)
s = Strings()
blob = overlay(s, node(FIXUPS, s.prop(b"bus", b"x/__overlay__:v:0\0")))
attack("fixup by alias", blob, "fixup that does not start with '/'")

for value, cause in (
    (b"", "fixup without a value"),
    (PATH + b":v:0", "fixup is not terminated"),
    (PATH + b":v:0\0/", "fixup is not terminated"),
    (b"\0", "fixup that does not start with '/'"),
    (PATH + b"\0", "fixup is not path:property:offset"),
    (PATH + b":v\0", "fixup is not path:property:offset"),
    (PATH + b":v:\0", "fixup does not end with a number"),
    (PATH + b":v:x\0", "fixup does not end with a number"),
    (PATH + b":v:0x\0", "fixup does not end with a number"),
    (PATH + b":v:0:0\0", "fixup does not end with a number"),
    (b"/f@0/nothing:v:0\0", "fixup for a node that does not exist"),
    (PATH + b":w:0\0", "a property that does not exist"),
    (PATH + b"::0\0", "a property that does not exist"),
):
    attack(f"fixup {value!r}", fixup(value), cause)


def slow(nodes: int) -> bytes:
    """Each node has a phandle, each is looked up by its name."""
    s = Strings()
    names = [b"n%x" % number for number in range(nodes)]
    phandle = [s.prop(b"phandle", u32(1 + number)) for number in range(nodes)]
    v = s.prop(b"v", u32(0))
    return assemble(
        root(
            *(node(n, p, v) for n, p in zip(names, phandle)),
            node(LOCAL, *(node(n, v) for n in names)),
        ),
        s.data,
    )
