# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""DTS text: what dtc makes of it is the tree it was drawn from.

dtc is the judge of the text, pyfdtx.pure the reader of what comes out. Trees
are assembled by pyfdtx.pure, or are those of captured machines.
"""

import hashlib
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyfdtx import Fdt, FdtBadBlob, FdtBadContent, pure
from pyfdtx.text import dts

DTC = shutil.which("dtc")
needs_dtc = pytest.mark.skipif(
    DTC is None, reason="dtc is missing (Debian: device-tree-compiler)"
)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURED = sorted(EXAMPLES.glob("*/sys/firmware/fdt"))
# dtc-lexer.l, PROPNODECHAR
SPELLABLE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+*#?@-"


def tree(*props, children=()):
    return ("", list(props), list(children))


def cells(*values):
    return struct.pack(f">{len(values)}I", *values)


def meaning(blob):
    """Everything that a blob says, flat: nesting may be deep."""
    nodes, rest = [], [(0, pure.unflatten(blob))]
    while rest:
        depth, (name, props, children) = rest.pop()
        nodes.append((depth, name, props))
        rest += [(depth + 1, child) for child in reversed(children)]
    boot_cpu = int.from_bytes(blob[28:32], "big")
    return boot_cpu, pure.memreserve(blob), nodes


ALLOWED = set(SPELLABLE)


def every_name(blob):
    for _, name, props in meaning(blob)[2]:
        yield name
        yield from (prop for prop, _ in props)


def compile_with_dtc(text, *more):
    """Compile as the text's second line says."""
    options = re.fullmatch(r"// compile with: dtc (.*)", text.splitlines()[1])[
        1
    ].split()
    done = subprocess.run(
        [DTC, "-q", "-q", *options, *more],
        input=text.encode("ascii"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"dtc: {done.stderr.decode()}\n{text[:2000]}"
    return done.stdout


def assert_comes_back(blob, *options):
    text = dts.render(blob)
    assert meaning(compile_with_dtc(text, *options)) == meaning(blob), text[:2000]


# What each form is for, in the words of the Devicetree Specification 6.2
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("dma-coherent", b"", ""),
        ("model", b"abc\0", '"abc"'),
        ("compatible", b"v,a\0v,b\0", '"v,a", "v,b"'),
        ("x", b'say "\\no"\0', r'"say \"\\no\""'),
        ("x", b"a\tb\nc\rd\0", r'"a\tb\nc\rd"'),
        ("x", cells(1, 0xDEADBEEF), "<0x1 0xdeadbeef>"),
        ("x", b"\0\x11\xff", "[00 11 ff]"),
        # dtc's rule: text ends with NUL, is printable, and at most half is NULs
        ("x", b"  \0", '"  "'),
        ("x", b"\0LED\0", '"", "LED"'),
        ("x", b"aa\0\0b\0", '"aa", "", "b"'),
        ("x", b"\a\b\v\f\0", r'"\a\b\v\f"'),
        ("x", b"a\0", '"a"'),
        # no text: not terminated, more than half of it NULs, not ASCII
        ("x", b"abcd", "<0x61626364>"),
        ("x", b"abc", "[61 62 63]"),
        ("x", b"a\0\0", "[61 00 00]"),
        ("x", b"\0", "[00]"),
        ("x", b"\0\0\0\0", "<0x0>"),
        ("x", b"\xc3\xbc\0", "[c3 bc 00]"),
        ("x", b"\x1b[\0", "[1b 5b 00]"),
        ("x", b"\x7f\x7f\0", "[7f 7f 00]"),
        # a number by its name, though it looks like text
        ("reg", b"abc\0", "<0x61626300>"),
        ("#size-cells", b"abc\0", "<0x61626300>"),
        ("clock-frequency", b"?.P\0", "<0x3f2e5000>"),
        ("opp-hz", b"\0AAA?.P\0", "<0x414141 0x3f2e5000>"),
        # not of whole cells: no number, whatever the name says
        ("x-size", b"ab\0", '"ab"'),
    ],
)
def test_each_value_has_a_readable_form(name, value, text):
    assert dts.value_text(name, value) == text
    statement = dts.property_text(name, value)
    assert statement == (f"{name} = {text};" if text else f"{name};")


@needs_dtc
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8])
def test_every_byte_comes_back_at_every_place(length):
    props = [
        (f"p{b:02x}{at}", bytes([65] * at + [b] + [65] * (length - at - 1)) + end)
        for b in range(256)
        for at in range(length)
        for end in (b"", b"\0")
    ]
    assert_comes_back(pure.flatten(tree(*props)))


@needs_dtc
def test_every_character_dtc_takes_comes_back_in_names():
    names = [*SPELLABLE, SPELLABLE, *(c + "x" for c in SPELLABLE)]
    props = [(name, cells(i)) for i, name in enumerate(names)]
    children = [(name, [], []) for name in names]
    # -f: dtc can read these names, but calls some of them errors of style
    assert_comes_back(pure.flatten(tree(*props, children=children)), "-f")


@pytest.mark.parametrize("code", sorted(set(range(1, 256)) - set(SPELLABLE.encode())))
def test_a_name_that_dts_cannot_spell_is_refused_by_name(code):
    bad = "a" + bytes([code]).decode("ascii", "surrogateescape")
    with pytest.raises(FdtBadContent) as e:
        dts.render(pure.flatten(tree(children=[("soc", [(bad, b"")], [])])))
    assert repr(bad) in str(e.value)
    assert e.value.where == "/soc"
    if code == ord("/"):
        return  # no node has such a name: fdtx_check() refuses it
    with pytest.raises(FdtBadContent, match="node name") as e:
        dts.render(pure.flatten(tree(children=[("soc", [], [(bad, [], [])])])))
    assert e.value.where == "/soc"


@needs_dtc
@pytest.mark.parametrize("cpu", [0, 1, 0x80000000, 0xFFFFFFFF])
def test_the_boot_cpu_comes_back(cpu):
    # without -b dtc would take 5 from /cpus
    child = ("cpus", [], [("cpu@5", [("reg", cells(5))], [])])
    assert_comes_back(pure.flatten(tree(children=[child]), boot_cpuid=cpu))


@needs_dtc
def test_memory_reservations_come_back_in_order():
    top = (1 << 64) - 1
    reserved = [(0, 1), (top, top), (0x1000, 0x2000), (0x1000, 0x2000), (1, top)]
    assert_comes_back(pure.flatten(tree(), reserved))


@needs_dtc
def test_duplicate_names_are_marked_and_come_back():
    twin = ("twin", [("a", b""), ("b", b"x\0"), ("a", b"y\0")], [])
    blob = pure.flatten(tree(children=[twin, ("other", [], []), twin]))
    text = dts.render(blob)
    assert text.count("// duplicate name") == 3  # a and a, and the second twin
    assert_comes_back(blob)


@needs_dtc
def test_a_property_called_name_is_not_dropped():
    # dtc deletes a "name" property that repeats the node's name
    node = ("cpu@1", [("name", b"cpu\0"), ("x", b"")], [])
    assert_comes_back(pure.flatten(tree(children=[node])))


@needs_dtc
def test_a_property_and_a_child_may_share_a_name():
    assert_comes_back(pure.flatten(tree(("a", b""), children=[("a", [], [])])))


@needs_dtc
def test_what_looks_like_syntax_inside_text_comes_back():
    texts = [b"/* */", b"//", b'"; };', b"/include/", b"\\", b"\\x41", b"'", b"&{/a}"]
    props = [(f"p{i}", text + b"\0") for i, text in enumerate(texts)]
    props += [("#", b""), ("##line", b""), ("line", b'# 1 "x"\n#line 2 "y"\0')]
    assert_comes_back(pure.flatten(tree(*props)))


@needs_dtc
def test_the_deepest_tree_is_drawn_without_recursion_and_comes_back():
    deepest = 1024  # FDTX_MAX_DEPTH, the root counts
    node = ("n", [("x", cells(1))], [])
    for _ in range(deepest - 2):
        node = ("n", [("x", cells(1))], [node])
    blob = pure.flatten(tree(children=[node]))
    assert len(dts.render(blob)) < 8 * len(blob)  # indentation has an end
    assert_comes_back(blob)


def labelled():
    symbols = (
        "__symbols__",
        [
            ("uart0", b"/soc/uart@0\0"),
            ("console", b"/soc/uart@0\0"),
            ("gone", b"/nowhere\0"),
            ("bad", b"/soc"),
            ("no-label", b"/soc\0"),
            ("0no", b"/soc\0"),
            ("top", b"/\0"),
        ],
        [],
    )
    soc = ("soc", [], [("uart@0", [], [])])
    return pure.flatten(tree(children=[soc, symbols]))


def test_labels_stand_in_front_of_their_nodes():
    text = dts.render(labelled())
    assert "\t\tuart0: console: uart@0 {\n" in text
    assert "\n\tsoc {\n" in text
    plain = dts.render(labelled(), labels=False)
    assert "\n\t\tuart@0 {\n" in plain


@needs_dtc
def test_what_is_appended_finds_its_label():
    text = dts.render(labelled()) + '&console { status = "okay"; };\n'
    fdt = Fdt(compile_with_dtc(text))
    assert fdt["/soc/uart@0"].get_string("status") == "okay"


OVERLAY = """/dts-v1/;
/plugin/;
&i2c1 {
    status = "okay";
    mixed = <&mux>, "text", [01 02], <&clk 7>;
    mux: mux@70 { reg = <0x70>; clocks = <&clk 1 &mux>, <&clk 2>; };
};
&{/soc/bt} { up = <&{/soc/uart} 3>; down = <&bare>; bare: bare { x; }; };
"""


@needs_dtc
def test_an_overlay_is_a_plugin_with_references():
    blob = subprocess.run(
        [DTC, "-@", "-q", "-O", "dtb", "-"], input=OVERLAY.encode(),
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    text = dts.render(blob)
    assert "\n/plugin/;\n" in text
    assert "target = <&i2c1>;" in text
    assert "clocks = <&clk 0x1 &mux &clk 0x2>;" in text
    assert "up = <&{/soc/uart} 0x3>;" in text
    assert "down = <&bare>;" in text
    assert "__fixups__" not in text
    assert fixed(compile_with_dtc(text)) == fixed(blob)
    # The name of a fixup by path is none that DTS can spell
    with pytest.raises(FdtBadContent, match="'/soc/uart'"):
        dts.render(blob, labels=False)
    # and a base takes both alike
    base = labelled_base()
    one, two = Fdt(base), Fdt(base)
    one.apply_overlay(blob)
    two.apply_overlay(compile_with_dtc(text))
    assert {n.path: dict(n) for n in one} == {n.path: dict(n) for n in two}


@needs_dtc
def test_an_overlay_without_labels_comes_back_node_by_node():
    text = OVERLAY.replace("&{/soc/uart}", "&clk")
    blob = subprocess.run(
        [DTC, "-@", "-q", "-O", "dtb", "-"], input=text.encode(),
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    plain = dts.render(blob, labels=False)
    assert "/plugin/" not in plain
    assert meaning(compile_with_dtc(plain)) == meaning(blob)


def labelled_base():
    text = """/dts-v1/; / { soc { i2c1: i2c { }; clk: clock { }; bt { }; uart { }; };
        };"""
    return subprocess.run(
        [DTC, "-@", "-q", "-O", "dtb", "-"], input=text.encode(),
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip


def fixed(blob):
    """An overlay by meaning: which cells refer to what; not in which order."""
    fdt = Fdt(blob)
    fixups = {
        label: sorted(value.split(b"\0")) for label, value in fdt["/__fixups__"].items()
    }
    rest = {n.path: dict(n) for n in fdt if n.path != "/__fixups__"}
    return fixups, rest


def test_fixups_that_lead_nowhere_are_shown_as_they_are():
    fixups = ("__fixups__", [("clk", b"/none:x:0\0")], [])
    fragment = ("f", [("target", cells(0xFFFFFFFF))], [("__overlay__", [], [])])
    text = dts.render(pure.flatten(tree(children=[fragment, fixups])))
    assert 'clk = "/none:x:0";' in text
    assert "/plugin/" not in text


def test_a_long_value_is_shortened_for_people_alone():
    value = bytes(range(256)) * 20
    blob = pure.flatten(tree(("data", value), ("small", b"\1\2")))
    text = dts.render(blob, limit=4096)
    digest = hashlib.sha256(value).hexdigest()
    assert f"data = (5120 bytes, sha256 {digest});" in text
    assert "small = [01 02];" in text
    assert f"data = [{value.hex(' ')}];" in dts.render(blob)


@needs_dtc
def test_labels_do_not_change_what_comes_back():
    symbols = ("__symbols__", [("uart0", b"/soc\0"), ("soc", b"/\0")], [])
    assert_comes_back(pure.flatten(tree(children=[("soc", [], []), symbols])))


names = st.text(SPELLABLE, min_size=1, max_size=12)
values = st.one_of(
    st.binary(max_size=24),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=6).map(lambda v: cells(*v)),
    st.lists(
        st.text(st.characters(min_codepoint=1, max_codepoint=126)), max_size=4
    ).map(lambda v: b"".join(t.encode("ascii") + b"\0" for t in v)),
)
nodes = st.recursive(
    st.tuples(names, st.lists(st.tuples(names, values), max_size=4), st.just([])),
    lambda inner: st.tuples(
        names,
        st.lists(st.tuples(names, values), max_size=4),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)
reservations = st.lists(
    st.tuples(st.integers(0, (1 << 64) - 1), st.integers(1, (1 << 64) - 1)), max_size=4
)


@needs_dtc
@settings(max_examples=max(150, settings.default.max_examples))
@given(node=nodes, reserved=reservations, cpu=st.integers(0, 0xFFFFFFFF))
def test_any_tree_comes_back(node, reserved, cpu):
    blob = pure.flatten(("", *node[1:]), reserved, cpu)
    assert_comes_back(blob, "-f", "-E", "no-name_properties")


@needs_dtc
@pytest.mark.parametrize("path", CAPTURED, ids=lambda p: p.parents[2].name)
def test_the_trees_of_captured_machines_come_back(path):
    assert_comes_back(path.read_bytes())


def test_captured_machines_are_there():
    assert CAPTURED


def test_an_fdt_and_its_bytes_are_drawn_alike():
    blob = pure.flatten(tree(("a", b"x\0"), children=[("b", [], [])]), [(1, 2)])
    assert dts.render(Fdt(blob)) == dts.render(blob) == dts.render(memoryview(blob))


def test_every_truncation_is_refused():
    blob = pure.flatten(tree(("a", b"x\0"), children=[("b", [], [])]), [(1, 2)])
    for length in range(len(blob)):
        with pytest.raises(FdtBadBlob):
            dts.render(blob[:length])


def test_every_flipped_bit_is_drawn_right_or_refused():
    """What is drawn is what the plain Python reader sees; what is refused is
    refused by it too, or has a name that DTS cannot spell."""
    blob = pure.flatten(
        tree(("a", b"x\0"), children=[("b", [("c", cells(1))], [])]), [(1, 2)]
    )
    drawn = 0
    for bit in range(8 * len(blob)):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            text = dts.render(flipped)
        except FdtBadContent:
            (name,) = {name for name in every_name(flipped) if set(name) - ALLOWED}
            with pytest.raises(FdtBadContent, match=re.escape(repr(name))):
                dts.render(flipped)
        except FdtBadBlob:
            with pytest.raises(FdtBadBlob):
                pure.check(flipped)
        else:
            drawn += 1
            _, reserved, nodes = meaning(flipped)
            for start, size in reserved:
                assert f"/memreserve/ {start:#x} {size:#x};" in text, bit
            for _, name, props in nodes:
                assert f"{name or '/'} {{" in text, bit
                for prop in props:
                    assert dts.property_text(*prop) in text, bit
    assert drawn > 100  # each bit of the values and reservations alone


@pytest.mark.parametrize("what", [None, 7, "text", object()])
def test_what_is_no_tree_is_a_type_error(what):
    with pytest.raises(TypeError):
        dts.render(what)


def test_names_that_share_bytes_cannot_blow_up_the_text():
    # 20 000 properties whose names are the tails of one name of 20 000 bytes:
    # 200 MB of names in a blob of 0.26 MB
    count = 20_000
    blob = pure.flatten(tree(("a" * count, b"")))
    head = list(struct.unpack(">10I", blob[:40]))
    start, strings = head[2], blob[head[3] :]
    props = b"".join(struct.pack(">3I", 3, 0, at) for at in range(count))
    structure = struct.pack(">2I", 1, 0) + props + struct.pack(">2I", 2, 9)
    head[3] = start + len(structure)
    head[1] = head[3] + len(strings)
    head[9] = len(structure)
    hostile = struct.pack(">10I", *head) + blob[40:start] + structure + strings
    pure.check(hostile)  # sound, but for its size
    with pytest.raises(FdtBadBlob, match="names"):
        dts.render(hostile)
