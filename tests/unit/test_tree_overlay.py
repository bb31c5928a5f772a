# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Applying overlays: all or nothing, with the culprit named.

Overlays are laid out as dtc's Documentation/dt-object-internal.txt has it.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, cells, node

from pyfdtx import (
    Fdt,
    FdtBadBlob,
    FdtBadContent,
    FdtBadParameter,
    FdtError,
    FdtExists,
    FdtNotFound,
)

UNRESOLVED = cells(0xFFFF_FFFF)


def base(*, symbols=True):
    children = [
        ("soc", [("phandle", cells(1))], [("uart@1", [("phandle", cells(2))], [])]),
        ("plain", [], []),
    ]
    if symbols:
        labels = [("soc", b"/soc\0"), ("u1", b"/soc/uart@1\0"), ("plain", b"/plain\0")]
        labels += [("gone", b"/gone\0")]
        children.append(("__symbols__", labels, []))
    return Fdt(blob([], children))


def fragment(props, body=(), children=()):
    return ("fragment@0", list(props), [("__overlay__", list(body), list(children))])


def overlay(*children):
    return blob([], list(children))


PATH = ("target-path", b"/soc\0")
LABEL = ("target", UNRESOLVED)
SET = ("status", b"okay\0")


def fixups(label, place):
    return ("__fixups__", [(label, place.encode() + b"\0")], [])


def local_fixups(offset=0, name="link", *, top="fragment@0", more=b""):
    value = cells(offset) + more
    return ("__local_fixups__", [], [(top, [], [("__overlay__", [(name, value)], [])])])


LOCAL = fragment(
    [PATH], [("link", cells(1)), ("target-path", b"x\0\0\0")],
    [("new", [("phandle", cells(1))], [])],
)  # fmt: skip


def test_by_path_by_label_and_with_references_of_its_own():
    fdt = base()
    uart = fdt["/soc/uart"]
    fdt.apply_overlay(overlay(fragment([PATH], [SET], [("new", [SET], [])])))
    assert fdt["/soc"].get_string("status") == "okay"
    assert fdt["/soc/new"].get_string("status") == "okay"
    fdt.apply_overlay(
        overlay(fragment([LABEL], [SET]), fixups("u1", "/fragment@0:target:0"))
    )
    assert uart.get_string("status") == "okay"
    fdt.apply_overlay(overlay(LOCAL, local_fixups()))
    # the largest phandle of the base was 2: 1 becomes 3, as does the reference
    assert fdt["/soc/new"].phandle == 3
    assert fdt["/soc"].get_u32("link") == 3
    assert Fdt(fdt.to_bytes()).to_bytes() == fdt.to_bytes()


def test_labels_of_the_overlay_become_labels_of_the_tree():
    fdt = base()
    fdt.apply_overlay(
        overlay(
            fragment([PATH], [], [("new", [], [])]),
            ("__symbols__", [("n", b"/fragment@0/__overlay__/new\0")], []),
        )
    )
    assert fdt["&n"].path == "/soc/new"


def test_an_fdt_can_be_an_overlay_and_is_not_changed():
    over = Fdt(overlay(LOCAL, local_fixups()))
    before = over.to_bytes()
    one, two = base(), base()
    one.apply_overlay(over)
    two.apply_overlay(before)
    assert one.to_bytes() == two.to_bytes()
    assert over.to_bytes() == before


def test_a_tree_grows_for_an_overlay_however_large():
    fdt = base()
    big = bytes(range(256)) * 4000
    over = overlay(
        fragment([PATH], [("big", big)], [(f"n{i}", [SET], []) for i in range(500)])
    )
    fdt.apply_overlay(over)
    assert fdt["/soc"]["big"] == big
    assert len(list(fdt["/soc"].children())) == 501


SELF_CHANGING = (
    "__local_fixups__", [], [("__local_fixups__", [("x", cells(0))], [])],
)  # fmt: skip
UNTERMINATED = ("__fixups__", [("u1", b"/fragment@0:target:0")], [])

BAD = {
    "label without symbols": (
        base(symbols=False),
        [fragment([LABEL]), fixups("u1", "/fragment@0:target:0")],
        FdtNotFound,
        "needs the label 'u1' (fragment@0), but the base tree has no /__symbols__: "
        "compile it with dtc -@",
    ),
    "label missing": (
        base(),
        [fragment([LABEL]), fixups("u9", "/fragment@0:target:0")],
        FdtNotFound,
        "/__symbols__:u9: the overlay needs the label 'u9'",
    ),
    "label of no node": (
        base(),
        [fragment([LABEL]), fixups("gone", "/fragment@0:target:0")],
        FdtNotFound,
        "/gone: the label 'gone' stands for a missing node",
    ),
    "path missing": (
        base(),
        [fragment([("target-path", b"/nowhere\0")], [SET])],
        FdtNotFound,
        "overlay/fragment@0:target-path: the base tree has no node '/nowhere'",
    ),
    "phandle missing": (
        base(),
        [fragment([("target", cells(77))], [SET])],
        FdtNotFound,
        "overlay/fragment@0:target: no node has the phandle 0x4d",
    ),
    "target unresolved": (
        base(),
        [fragment([LABEL], [SET])],
        FdtBadParameter,
        "overlay/fragment@0:target: is not a phandle",
    ),
    "no target": (
        base(),
        [fragment([], [SET])],
        FdtBadContent,
        "overlay/fragment@0: overlay: has neither target nor target-path",
    ),
    "second fragment fails": (
        base(),
        [
            fragment([PATH], [SET]),
            ("f2", [("target-path", b"/no\0")], [("__overlay__", [], [])]),
        ],
        FdtNotFound,
        "overlay/f2:target-path: the base tree has no node '/no'",
    ),
    "local fixup outside": (
        base(), [LOCAL, local_fixups(1)], FdtBadContent,
        "/__local_fixups__/fragment@0/__overlay__:link: overlay: fixup outside",
    ),
    "local fixup far outside": (
        base(), [LOCAL, local_fixups(0xFFFFFFFC)], FdtBadContent,
        "/__overlay__:link: overlay: fixup outside its property",
    ),
    "local fixup ragged": (
        base(), [LOCAL, local_fixups(0, more=b"x")], FdtBadContent,
        "/__overlay__:link: overlay: local fixup that is not whole cells",
    ),
    "local fixup of no property": (
        base(), [LOCAL, local_fixups(name="x")], FdtBadContent,
        "/__overlay__:x: overlay: fixup for a property that does not exist",
    ),
    "local fixup of no node": (
        base(), [LOCAL, local_fixups(top="x")], FdtBadContent,
        "/__local_fixups__/x: overlay: local fixup for a node that does not exist",
    ),
    "local fixup of the fixups": (
        base(),
        [LOCAL, SELF_CHANGING],
        FdtBadContent,
        "/__local_fixups__:x: overlay: fixup",
    ),
    "fixup outside": (
        base(), [fragment([LABEL]), fixups("u1", "/fragment@0:target:1")],
        FdtBadContent, "/__fixups__:u1: overlay: fixup outside its property",
    ),
    "fixup that wraps": (
        base(), [fragment([LABEL]), fixups("u1", "/fragment@0:target:4294967292")],
        FdtBadContent, "/__fixups__:u1: overlay: fixup outside its property",
    ),
    "fixup below zero": (
        base(), [fragment([LABEL]), fixups("u1", "/fragment@0:target:-4")],
        FdtBadContent, "/__fixups__:u1: overlay: fixup outside its property",
    ),
    "fixup of no property": (
        base(), [fragment([LABEL]), fixups("u1", "/fragment@0:x:0")],
        FdtBadContent, "overlay: fixup for a property that does not exist",
    ),
    "fixup of no node": (
        base(), [fragment([LABEL]), fixups("u1", "/x:target:0")],
        FdtBadContent, "overlay: fixup for a node that does not exist",
    ),
    "fixup without offset": (
        base(), [fragment([LABEL]), fixups("u1", "/fragment@0:target")],
        FdtBadContent, "overlay: fixup is not path:property:offset",
    ),
    "fixup of the fixups": (
        base(), [fragment([LABEL]), fixups("u1", "/__fixups__:u1:0")],
        FdtBadContent, "overlay: fixup that changes another fixup",
    ),
    "fixup not terminated": (
        base(), [fragment([LABEL]), UNTERMINATED],
        FdtBadContent, "/__fixups__:u1: overlay: fixup is not terminated",
    ),
    "two nodes of one name": (
        base(), [fragment([PATH], [SET]), fragment([PATH], [SET])],
        FdtBadContent, "two nodes of the same name",
    ),
    "two properties of one name": (
        base(), [fragment([PATH], [SET, SET])],
        FdtBadContent,
        "/fragment@0/__overlay__:status: overlay: two properties of the same name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_overlay_changes_nothing_and_is_explained(case):
    fdt, children, cls, says = BAD[case]
    before = fdt.to_bytes()
    over = overlay(*children)
    with pytest.raises(cls) as e:
        fdt.apply_overlay(over)
    assert says in str(e.value)
    assert str(e.value).startswith("apply_overlay")
    assert fdt.to_bytes() == before


def test_phandles_that_run_out_are_an_error():
    fdt = base()
    fdt["/soc"].set_u32("phandle", 0xFFFF_FFFE)
    before = fdt.to_bytes()
    with pytest.raises(FdtBadContent, match="NOPHANDLES"):
        fdt.apply_overlay(overlay(LOCAL, local_fixups()))
    assert fdt.to_bytes() == before


def test_an_overlay_that_is_no_tree():
    fdt = base()
    with pytest.raises(FdtBadBlob, match="apply_overlay"):
        fdt.apply_overlay(b"no tree")
    with pytest.raises(TypeError):
        fdt.apply_overlay("no tree")


def test_a_result_nested_too_deep_is_refused():
    fdt = Fdt.empty()
    node = fdt.root
    for _ in range(1000):
        node = node.add("n")
    deep = [("x", [], [])]
    for _ in range(100):
        deep = [("x", [], deep)]
    path = node.path.encode() + b"\0"
    before = fdt.to_bytes()
    with pytest.raises(FdtBadBlob, match="too deep"):
        fdt.apply_overlay(overlay(fragment([("target-path", path)], [], deep)))
    assert fdt.to_bytes() == before


def test_every_flipped_byte_of_an_overlay_gives_a_tree_or_an_error():
    good = overlay(
        LOCAL,
        ("f1", [LABEL], [("__overlay__", [SET], [])]),
        fixups("u1", "/f1:target:0"),
        local_fixups(),
        ("__symbols__", [("n", b"/fragment@0/__overlay__/new\0")], []),
    )
    base().apply_overlay(good)
    tree = base()
    before = tree.to_bytes()
    for i in range(len(good)):
        for flip in (0x01, 0x04, 0x80, 0xFF):
            data = bytearray(good)
            data[i] ^= flip
            fdt = tree.duplicate()
            try:
                fdt.apply_overlay(data)
            except FdtError:
                assert fdt.to_bytes() == before, (i, flip)
            else:
                assert Fdt(fdt.to_bytes()).to_bytes() == fdt.to_bytes(), (i, flip)


def test_nodes_from_an_overlay_count_as_existing():
    """A node that had many children added knows their names by heart."""
    fdt = base()
    soc = fdt["/soc"]
    for i in range(40):
        soc.add(f"n{i}")
    fdt.apply_overlay(overlay(fragment([PATH], [], [("new", [], [])])))
    with pytest.raises(FdtExists, match="/soc/new: exists already"):
        soc.add("new")
    del fdt["/soc/n7"]
    fdt["/soc/n8"].rename("n7")
    for name, there in (("n7", True), ("n8", False), ("n39", True), ("new", True)):
        if there:
            with pytest.raises(FdtExists):
                soc.add(name)
        else:
            soc.add(name)


def test_a_label_is_written_as_linux_reads_it():
    """The node's own path, however target-path is spelled; fdt_overlay_apply()
    puts the spelling in front. of_find_node_by_path() takes no doubled slash."""
    spelled = b"/" * 100_000 + b"soc"
    fdt = base()
    labels = [(f"n{i}", b"/fragment@0/__overlay__/new\0") for i in range(20)]
    fdt.apply_overlay(
        overlay(
            fragment([("target-path", spelled + b"\0")], [], [("new", [], [])]),
            ("__symbols__", labels, []),
        )
    )
    assert fdt["/__symbols__"]["n19"] == b"/soc/new\0"
    assert fdt["&n19"] is fdt["/soc/new"]


def test_names_that_share_their_bytes_in_the_overlay_find_room():
    """In the base they share theirs only if the longest is written first."""
    names = ["a" * n for n in range(1, 400)]
    strings = b"a" * 399 + b"\0"

    class Tails:
        block = strings + b"target-path\0"

        def offset(self, name):
            return self.block.index(name.encode() + b"\0")

    tails = Tails()
    top = fragment([PATH], [(name, b"") for name in names])
    tree = node("", [], [top], tails) + cells(9)
    at_strings = 56 + len(tree)
    words = [
        0xD00DFEED, at_strings + len(tails.block), 56, at_strings, 40,
        17, 16, 0, len(tails.block), len(tree),
    ]  # fmt: skip
    fdt = base()
    fdt.apply_overlay(cells(*words) + bytes(16) + tree + tails.block)
    assert set(names) <= set(fdt["/soc"])


@pytest.mark.parametrize("value", [b"", b"\0", b"soc\0", b"\xff\0", b"/soc"])
def test_a_label_of_the_base_that_is_no_path_is_bad_content(value):
    fdt = base()
    fdt["/__symbols__"]["u1"] = value
    before = fdt.to_bytes()
    with pytest.raises(FdtBadContent, match=r"apply_overlay /__symbols__:u1: "):
        fdt.apply_overlay(
            overlay(fragment([LABEL], [SET]), fixups("u1", "/fragment@0:target:0"))
        )
    assert fdt.to_bytes() == before


def test_an_invalid_phandle_of_the_base_that_leaves_none_is_named():
    # libfdt adds the base's largest number to all of the overlay's
    fdt = base()
    fdt["/plain"].set_u32("phandle", 0xFFFF_FFFF)
    with pytest.raises(FdtBadContent, match=r"/plain:phandle: .*0xffffffff"):
        fdt.apply_overlay(overlay(LOCAL, local_fixups()))
