# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where an overlay's nodes go, what its references become, what is refused.

Right is what dtc gives for base and overlay in one source, and what Linux does
at run time (drivers/of/overlay.c, drivers/of/resolver.c); tests/differential
holds the same against dtc and fdtoverlay.
"""

import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tree_blobs import blob, cells

from pyfdtx import Fdt, FdtBadContent, FdtNotFound, FdtWarning

UNRESOLVED = cells(0xFFFF_FFFF)


def tree(*children, props=()):
    return Fdt(blob(list(props), list(children)))


def overlay(*children, props=()):
    return blob(list(props), list(children))


def fragment(n, props, body=(), children=(), content="__overlay__"):
    return (f"fragment@{n}", list(props), [(content, list(body), list(children))])


def symbols(**paths):
    found = [(name, path.encode() + b"\0") for name, path in paths.items()]
    return ("__symbols__", found, [])


def fixups(**places):
    found = [
        (name, b"".join(p.encode() + b"\0" for p in places[name].split()))
        for name in places
    ]
    return ("__fixups__", found, [])


def path(text):
    return ("target-path", text.encode() + b"\0")


LABEL = ("target", UNRESOLVED)
X = [("x", b"")]


def base():
    return tree(
        ("soc", [("phandle", cells(1))], [
            ("uart@1000", [("phandle", cells(2)), ("status", b"okay\0")], []),
            ("uart@2000", [], []),
            ("port@0", [], []),
        ]),
        ("bare", [], []),
        symbols(soc="/soc", u1="/soc/uart@1000", bare="/bare"),
    )  # fmt: skip


# -- nodes --------------------------------------------------------------------


def test_names_in_a_merge_are_whole():
    fdt = base()
    body = [("uart", [("status", b"disabled\0")], []), ("port", X, [])]
    fdt.apply_overlay(overlay(fragment(0, [path("/soc")], [], body)))
    assert fdt["/soc/uart@1000"].get_string("status") == "okay"
    assert list(fdt["/soc/port@0"]) == []
    assert [n.name for n in fdt["/soc"].children()] == [
        "uart", "port", "uart@1000", "uart@2000", "port@0",
    ]  # fmt: skip


def test_a_target_path_without_unit_address_has_to_fit_one_node():
    fdt = base()
    fdt.apply_overlay(overlay(fragment(0, [path("/soc/port")], X)))
    assert "x" in fdt["/soc/port@0"]
    before = fdt.to_bytes()
    with pytest.raises(
        FdtBadContent, match=r"'uart' fits uart@1000, uart@2000 in /soc"
    ):
        fdt.apply_overlay(overlay(fragment(0, [path("/soc/uart")], X)))
    assert fdt.to_bytes() == before


def test_a_target_path_by_alias():
    fdt = base()
    fdt.add_node("/aliases").set_string("serial0", "/soc/uart@2000")
    fdt.apply_overlay(overlay(fragment(0, [path("serial0")], X)))
    assert "x" in fdt["/soc/uart@2000"]


def test_the_order_of_what_is_added_is_the_overlays():
    fdt = base()
    body = [("a", b"1"), ("b", b"2"), ("c", b"3")]
    children = [("n1", [], []), ("n2", body, []), ("n3", [], [])]
    fdt.apply_overlay(overlay(fragment(0, [path("/bare")], body, children)))
    assert list(fdt["/bare"]) == list(fdt["/bare/n2"]) == ["a", "b", "c"]
    assert [n.name for n in fdt["/bare"].children()] == ["n1", "n2", "n3"]


# -- what would do nothing ----------------------------------------------------


@pytest.mark.parametrize(
    ("over", "says"),
    [
        (overlay(), "has no fragment with __overlay__"),
        (overlay(("soc", X, [])), "has no fragment with __overlay__"),
        (overlay(("fragment@0", [path("/soc")], [])), "no node __overlay__"),
        (
            overlay(fragment(0, [path("/soc")], X, content="__overlay_")),
            "/fragment@0: .*no node __overlay__.* it has __overlay_",
        ),
        (
            # one good fragment does not hide the other
            overlay(
                fragment(0, [path("/soc")], X),
                fragment(1, [LABEL], X, content="__overlay"),
            ),
            "/fragment@1: .*no node __overlay__",
        ),
    ],
)
def test_an_overlay_that_does_nothing_is_refused(over, says):
    fdt = base()
    before = fdt.to_bytes()
    with pytest.raises(FdtBadContent, match=says):
        fdt.apply_overlay(over)
    assert fdt.to_bytes() == before


def test_base_and_overlay_swapped():
    over = Fdt(overlay(fragment(0, [path("/soc")], X)))
    with pytest.raises(FdtBadContent, match="are the two swapped"):
        over.apply_overlay(base())


def test_a_fragment_that_firmware_switches_on_is_no_mistake():
    fdt = base()
    fdt.apply_overlay(
        overlay(
            fragment(0, [path("/soc")], X),
            fragment(1, [path("/soc")], [("y", b"")], content="__dormant__"),
        )
    )
    assert "x" in fdt["/soc"]
    assert "y" not in fdt["/soc"]


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (b"acme,one\0", b"acme,two\0", True),
        (b"acme,one\0acme,all\0", b"acme,all\0", False),
        (b"acme,one\0", None, False),
        (None, b"acme,two\0", False),
    ],
)
def test_another_boards_overlay_is_warned_about(ours, theirs, told):
    fdt = base()
    if ours:
        fdt.root["compatible"] = ours
    props = [("compatible", theirs)] if theirs else []
    over = overlay(fragment(0, [path("/soc")], X), props=props)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fdt.apply_overlay(over)
    assert [w.category for w in seen] == [FdtWarning] * told
    assert "x" in fdt["/soc"]


# -- references ---------------------------------------------------------------


def test_a_reference_by_path_is_resolved():
    # dtc writes <&{/soc/uart@1000}> as a fixup that is called by the path
    fdt = base()
    body = [("link", UNRESOLVED), ("other", UNRESOLVED)]
    links = [
        ("/soc/uart@1000", b"/fragment@0/__overlay__:link:0\0"),
        ("/bare", b"/fragment@0/__overlay__:other:0\0"),
    ]
    fdt.apply_overlay(
        overlay(fragment(0, [path("/soc")], body), ("__fixups__", links, []))
    )
    assert fdt["/soc"].get_u32("link") == 2
    # a node without a phandle gets one that nobody has
    assert fdt["/soc"].get_u32("other") == fdt["/bare"].phandle == 3


def test_a_reference_by_path_to_no_node():
    fdt = base()
    links = [("/soc/none", b"/fragment@0/__overlay__:x:0\0")]
    with pytest.raises(FdtNotFound, match=r"/soc/none.* \(fragment@0\).*no such node"):
        fdt.apply_overlay(
            overlay(
                fragment(0, [path("/soc")], [("x", UNRESOLVED)]),
                ("__fixups__", links, []),
            )
        )


def test_a_label_of_a_node_without_phandle_gives_it_one():
    fdt = base()
    fdt.apply_overlay(
        overlay(fragment(0, [LABEL], X), fixups(bare="/fragment@0:target:0"))
    )
    assert "x" in fdt["/bare"]
    assert fdt["/bare"].phandle == 3


def test_all_missing_labels_are_named_with_their_fragments():
    fdt = base()
    before = fdt.to_bytes()
    with pytest.raises(FdtNotFound) as e:
        fdt.apply_overlay(
            overlay(
                fragment(0, [LABEL], [("y", UNRESOLVED)]),
                fragment(1, [LABEL], X),
                fixups(
                    i2c9="/fragment@0:target:0 /fragment@1:target:0",
                    soc="/fragment@0/__overlay__:y:0",
                    clk="/fragment@0/__overlay__:y:0",
                ),
            )
        )
    assert "'i2c9' (fragment@0, fragment@1), 'clk' (fragment@0)" in str(e.value)
    assert "'soc'" not in str(e.value)
    assert fdt.to_bytes() == before


def test_a_node_that_has_a_phandle_keeps_it():
    """What refers to the overlay's name of it gets the base's number; so does
    fdt_overlay_apply() since 1.7.1."""
    fdt = base()
    local = ("__local_fixups__", [], [
        ("fragment@0", [], [("__overlay__", [("link", cells(0))], [])])
    ])  # fmt: skip
    child = ("uart@1000", [("phandle", cells(1))], [])
    fdt.apply_overlay(
        overlay(fragment(0, [path("/soc")], [("link", cells(1))], [child]), local)
    )
    assert fdt["/soc/uart@1000"].phandle == 2
    assert fdt["/soc"].get_u32("link") == 2


def test_a_reference_to_a_phandle_that_nobody_has():
    local = ("__local_fixups__", [], [
        ("fragment@0", [], [("__overlay__", [("link", cells(0))], [])])
    ])  # fmt: skip
    with pytest.raises(FdtBadContent, match="0x9, which no node of the overlay has"):
        base().apply_overlay(
            overlay(fragment(0, [path("/soc")], [("link", cells(9))]), local)
        )


@pytest.mark.parametrize("target", ["/", "/soc", "//soc//"])
def test_a_label_of_the_fragment_itself_has_no_slash_behind(target):
    """of_find_node_by_path() finds no node at "/soc/"."""
    fdt = base()
    fdt.apply_overlay(
        overlay(
            fragment(0, [path(target)], [], [("n", [], [])]),
            symbols(top="/fragment@0/__overlay__", sub="/fragment@0/__overlay__/n"),
        )
    )
    plain = "/" + target.strip("/")
    assert fdt["/__symbols__"].get_string("top") == plain
    assert fdt["/__symbols__"].get_string("sub") == f"{plain.rstrip('/')}/n"


# -- an overlay on an overlay -------------------------------------------------


def stack():
    first = overlay(
        fragment(0, [LABEL], [], [
            ("mux@70", [("phandle", cells(1))], [
                ("i2c@0", [("phandle", cells(2))], []),
            ]),
        ]),
        symbols(mux="/fragment@0/__overlay__/mux@70",
                chan="/fragment@0/__overlay__/mux@70/i2c@0"),
        fixups(u1="/fragment@0:target:0"),
    )  # fmt: skip
    second = overlay(
        fragment(0, [LABEL], [], [
            ("rtc@68", [("phandle", cells(1)), ("parent", UNRESOLVED),
                        ("clock", UNRESOLVED), ("me", cells(1))], []),
        ]),
        fixups(chan="/fragment@0:target:0",
               mux="/fragment@0/__overlay__/rtc@68:parent:0",
               soc="/fragment@0/__overlay__/rtc@68:clock:0"),
        ("__local_fixups__", [], [("fragment@0", [], [
            ("__overlay__", [], [("rtc@68", [("me", cells(0))], [])])])]),
        symbols(rtc="/fragment@0/__overlay__/rtc@68"),
    )  # fmt: skip
    return first, second


def check_stack(fdt):
    mux = fdt["/soc/uart@1000/mux@70"]
    rtc = fdt["/soc/uart@1000/mux@70/i2c@0/rtc@68"]
    assert rtc.get_u32("parent") == mux.phandle
    assert rtc.get_u32("clock") == fdt["/soc"].phandle
    assert rtc.get_u32("me") == rtc.phandle
    assert fdt["&rtc"] is rtc
    numbers = [n.phandle for n in fdt.walk() if n.phandle]
    assert len(numbers) == len(set(numbers)) == 5


def test_one_behind_the_other_and_merged_first_are_the_same():
    first, second = stack()
    one = base()
    one.apply_overlay(first)
    one.apply_overlay(second)
    check_stack(one)
    merged = Fdt(first)
    merged.apply_overlay(second)
    two = base()
    two.apply_overlay(merged)
    check_stack(two)


def test_a_property_that_gets_another_value_loses_its_fixup():
    first = overlay(
        fragment(
            0, [LABEL], [], [("n", [("phandle", cells(1)), ("r", UNRESOLVED)], [])]
        ),
        fixups(soc="/fragment@0:target:0", u1="/fragment@0/__overlay__/n:r:0"),
        symbols(n="/fragment@0/__overlay__/n"),
    )
    second = overlay(
        fragment(0, [LABEL], [("r", b"text\0")]), fixups(n="/fragment@0:target:0")
    )
    merged = Fdt(first)
    merged.apply_overlay(second)
    fdt = base()
    fdt.apply_overlay(merged)
    assert fdt["/soc/n"]["r"] == b"text\0"


# -- growth -------------------------------------------------------------------


def calls(n):
    """Function calls that a base and an overlay of n labels and fixups take: the
    same on every machine."""
    nodes = [(f"n{i}", [("phandle", cells(i + 1))], []) for i in range(n)]
    labels = {f"l{i}": f"/n{i}" for i in range(n)}
    body = [(f"p{i}", UNRESOLVED) for i in range(n)]
    over = overlay(
        fragment(0, [path("/")], body),
        fixups(**{f"l{i}": f"/fragment@0/__overlay__:p{i}:0" for i in range(n)}),
    )
    fdt = tree(*nodes, symbols(**labels))
    count = 0

    def seen(_frame, event, _arg):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        fdt.apply_overlay(over)
    finally:
        sys.setprofile(None)
    assert fdt.root.get_u32(f"p{n - 1}") == n
    return count


def test_labels_and_fixups_take_linear_time():
    assert calls(2000) < 5 * calls(500)


def test_long_names_on_the_way_to_many_changes_are_refused():
    """A megabyte of overlay would ask for a terabyte of paths."""
    name = "n" * (1 << 19)
    inside = (name, [], [])
    many = [
        (f"l{i}", f"/fragment@0/__overlay__/{name}".encode() + b"\0") for i in range(3)
    ]
    good = overlay(fragment(0, [path("/")], [], [inside]), ("__symbols__", many, []))
    fdt = base()
    fdt.apply_overlay(good)
    assert fdt["&l2"].name == name
    props = [(f"p{i}", b"") for i in range(600)]
    bad = overlay(fragment(0, [path("/")], [], [(name, props, [])]))
    before = fdt.to_bytes()
    with pytest.raises(FdtBadContent, match="paths of its changes"):
        fdt.apply_overlay(bad)
    assert fdt.to_bytes() == before
