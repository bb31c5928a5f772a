# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What C's libfdt.h has and upstream's module lacks, and the methods that no
release has yet. Upstream's own functions for the same job are the reference."""

import inspect
import re
from pathlib import Path

import pytest
from hostile_blobs import overlay, rich

ROOT = Path(__file__).resolve().parents[2]
# Macros of libfdt.h that serve the header alone
OF_THE_HEADER = {"fdt_get_header", "fdt_set_hdr_"}


def test_every_function_of_the_c_header_is_there(ours):
    header = (ROOT / "libfdt" / "src" / "libfdt.h").read_text()
    declared = set(re.findall(r"\b(fdt_\w+)\s*\(", header)) - OF_THE_HEADER
    assert len(declared) > 100
    assert declared - set(dir(ours)) == set()


def roomy(module):
    fdt = bytearray(len(rich()) + 200)
    assert module.fdt_open_into(bytearray(rich()), fdt, len(fdt)) == 0
    return fdt


# Ours, and upstream's call that it is short for, or long for
SAME = {
    "L.fdt_setprop_string(b, 0, 'new', 'text')":
        "L.fdt_setprop(b, 0, 'new', b'text', 5)",
    "L.fdt_setprop_string(b, 1, 'new', 'text')":
        "L.fdt_setprop(b, 1, 'new', b'text', 5)",
    "L.fdt_setprop_string(b, 0, 'compatible', 'é')":
        "L.fdt_setprop(b, 0, 'compatible', 'é'.encode(), 3)",
    "L.fdt_setprop_empty(b, 0, 'new')": "L.fdt_setprop(b, 0, 'new', b'', 0)",
    "L.fdt_setprop_namelen_string(b, 0, 'newer', 3, 'text')":
        "L.fdt_setprop(b, 0, 'new', b'text', 5)",
    "L.fdt_appendprop_string(b, 0, 'compatible', 'more')":
        "L.fdt_appendprop(b, 0, 'compatible', b'more', 5)",
    "L.fdt_setprop_inplace(b, 0, 'compatible', b'A,B\\0C\\0', 6)":
        "L.fdt_setprop(b, 0, 'compatible', b'A,B\\0C\\0', 6)",
    "L.fdt_setprop_inplace_namelen_partial(b, 0, 'compatible!', 10, 4, b'Z', 1)":
        "L.fdt_setprop(b, 0, 'compatible', b'a,b\\0Z\\0', 6)",
    "L.fdt_getprop_by_offset(b, L.fdt_first_property_offset(b, 0))[0:2]":
        "[L.fdt_getprop(b, 0, L.fdt_get_property_by_offset(b, "
        "L.fdt_first_property_offset(b, 0))[0])[0], "
        "L.fdt_get_property_by_offset(b, L.fdt_first_property_offset(b, 0))[0]]",
    "L.fdt_getprop_namelen(b, 0, 'compatible!', 10)":
        "L.fdt_getprop(b, 0, 'compatible')",
    "L.fdt_getprop_namelen(b, 0, 'nope', 3)": "L.fdt_getprop(b, 0, 'nop')",
    "L.fdt_get_property_namelen(b, 0, 'compatible!', 10)":
        "L.fdt_get_property(b, 0, 'compatible')",
    "L.fdt_get_property_namelen_w(b, 0, 'compatible!', 10)":
        "L.fdt_get_property_w(b, 0, 'compatible')",
    "L.fdt_path_offset_namelen(b, '/soc/u@1', 4)": "L.fdt_path_offset(b, '/soc')",
    "L.fdt_subnode_offset_namelen(b, 0, 'socket', 3)":
        "L.fdt_subnode_offset(b, 0, 'soc')",
    "L.fdt_add_subnode_namelen(b, 0, 'newer', 3)": "L.fdt_add_subnode(b, 0, 'new')",
    "L.fdt_get_alias_namelen(b, 's0x', 2)": "L.fdt_get_alias(b, 's0')",
    "L.fdt_get_symbol_namelen(o, 'label', 3)": "L.fdt_get_symbol(o, 'lab')",
    "list(L.fdt_for_each_subnode(b, L.fdt_path_offset(b, '/soc')))":
        "children(L, b, L.fdt_path_offset(b, '/soc'))",
    "list(L.fdt_for_each_subnode(b, 1))": "[]",
    "[L.fdt_get_property_by_offset(b, p)[0] "
    "for p in L.fdt_for_each_property_offset(b, 0)]":
        "[n for n in names(L, b)]",
    # The methods that are provisional
    "L.Fdt(b).address_cells(0)": "L.fdt_address_cells(b, 0)",
    "L.Fdt(b).size_cells(L.fdt_path_offset(b, '/soc'))":
        "L.fdt_size_cells(b, L.fdt_path_offset(b, '/soc'))",
    "L.Fdt(b).address_cells(1, (L.BADOFFSET,))": "L.fdt_address_cells(b, 1)",
    "method(L, b, 'add_mem_rsv', 5, 2**64 - 1)":
        "L.fdt_add_mem_rsv(b, 5, 2**64 - 1)",
    "method(L, b, 'del_mem_rsv', 0)": "L.fdt_del_mem_rsv(b, 0)",
    "method(L, b, 'del_mem_rsv', 99, (L.NOTFOUND,))": "L.fdt_del_mem_rsv(b, 99)",
    "method(L, b, 'add_mem_rsv', addr=5, size=6)": "L.fdt_add_mem_rsv(b, 5, 6)",
    "method(L, b, 'setprop_reg', 0, 0, 'new', 5, 6)":
        "L.fdt_appendprop_addrrange(b, 0, 0, 'new', 5, 6)",
    "method(L, b, 'appendprop_reg', 0, 0, 'new', 5, 6)":
        "L.fdt_appendprop_addrrange(b, 0, 0, 'new', 5, 6)",
    "method(L, b, 'setprop_reg_array', 0, 0, 'new', [(5, 6), (7, 8)])":
        "[L.fdt_appendprop_addrrange(b, 0, 0, 'new', n, n + 1) for n in (5, 7)][0]",
    "method(L, b, 'appendprop_reg_array', 0, 0, 'new', ((n, n) for n in (1, 2)))":
        "[L.fdt_appendprop_addrrange(b, 0, 0, 'new', n, n) for n in (1, 2)][0]",
    "method(L, b, 'setprop_reg', 0, 1, 'new', 5, 6, (L.BADOFFSET,))":
        "L.fdt_appendprop_addrrange(b, 0, 1, 'new', 5, 6)",
}  # fmt: skip


def children(module, fdt, parent):
    found, node = [], module.fdt_first_subnode(fdt, parent)
    while node >= 0:
        found.append(node)
        node = module.fdt_next_subnode(fdt, node)
    return found


def names(module, fdt):
    prop = module.fdt_first_property_offset(fdt, 0)
    while prop >= 0:
        yield module.fdt_get_property_by_offset(fdt, prop)[0]
        prop = module.fdt_next_property_offset(fdt, prop)


def method(module, fdt, name, *args, **named):
    tree = module.Fdt(fdt)
    done = getattr(tree, name)(*args, **named)
    fdt[:] = tree._fdt
    return done


@pytest.mark.parametrize("call", SAME)
def test_a_call_does_what_upstreams_longer_way_does(call, upstream, ours):
    seen = []
    for module, code in ((upstream, SAME[call]), (ours, call)):
        b, o = roomy(module), bytearray(overlay())
        known = {"L": module, "b": b, "o": o, "method": method, "names": names,
                 "children": children}  # fmt: skip
        seen.append((eval(code, known), bytes(b), bytes(o)))
    assert seen[1] == seen[0]


def test_a_view_of_a_name_of_so_many_bytes_is_writable(ours):
    fdt = roomy(ours)
    view, length = ours.fdt_getprop_namelen_w(fdt, 0, "compatible!", 10)
    view[0:1] = b"z"
    assert (length, ours.fdt_getprop(fdt, 0, "compatible")[0][:1]) == (6, b"z")


@pytest.mark.parametrize("call", [
    "add_mem_rsv", "del_mem_rsv", "address_cells", "size_cells",
    "setprop_reg", "setprop_reg_array", "appendprop_reg", "appendprop_reg_array",
    "getprop_reg", "getprop_reg_count", "reg_len",
])  # fmt: skip
def test_what_no_release_has_says_that_it_is_provisional(call, ours):
    assert "Provisional: no release of upstream has it" in getattr(
        ours.Fdt, call
    ).__doc__.replace("\n        ", " ")


def test_errors_of_provisional_methods_are_upstreams_exception(ours):
    full = ours.Fdt(rich())
    with pytest.raises(ours.FdtException) as e:
        full.add_mem_rsv(1, 2)
    assert e.value.err == -ours.NOSPACE
    with pytest.raises(ours.FdtException) as e:
        full.size_cells(1)
    assert e.value.err == -ours.BADOFFSET


def test_the_methods_are_those_of_the_series(ours):
    """What goes to upstream's module has the same names and arguments here."""
    fragments = ROOT / "pyfdtx" / "proposal" / "fragments"
    found = 0
    for what, cls in (("write", ours.Fdt), ("read", ours.FdtRo)):
        text = (fragments / f"methods_{what}.py.txt").read_text()
        for name, words in re.findall(r"    def (\w+)\(([^)]*(?:\(\))?)\):", text):
            theirs = [word.strip() for word in words.split(",")]
            given = inspect.signature(vars(cls)[name]).parameters.values()
            plain = [
                p.name if p.default is p.empty else f"{p.name}={p.default!r}"
                for p in given
            ]
            assert plain == theirs, name
            found += 1
    assert found == 7


def test_entries_are_read_in_the_cells_of_the_node_that_is_named(ours):
    tree = ours.Fdt.create_empty_tree(512)
    tree.setprop_u32(0, "#address-cells", 3)
    tree.setprop_u32(0, "#size-cells", 0)
    node = tree.add_subnode(0, "n")
    assert tree.setprop_reg_array(0, node, "reg", [(1, 0), (2**64 - 1, 0)]) == 0
    assert (
        bytes(tree.getprop(node, "reg")) == bytes(11) + b"\1" + bytes(4) + b"\xff" * 8
    )
    assert tree.getprop_reg_count(0, node, "reg") == 2
    assert tree.getprop_reg(0, node, "reg", 1) == [2**64 - 1, 0]
    assert tree.reg_len(0, 5) == 60
    # The node's own cells are missing: 2 and 1, two entries of 12 bytes
    assert tree.getprop_reg(node, node, "reg", 0) == [0, 1]
    assert ours.fdt_prop_len(100, "reg", tree.reg_len(0, 1)) == 100 + 12 + 12 + 4
    assert ours.fdt_prop_len(100, "reg", -ours.BADNCELLS) == -ours.BADNCELLS


@pytest.mark.parametrize(
    ("call", "err"),
    [
        ("setprop_reg(0, 0, 'p', 0, 2**32)", "BADVALUE"),
        ("setprop_reg_array(0, 0, 'p', [(1, 1), (2**64 - 1, 2)])", "BADVALUE"),
        ("appendprop_reg(0, 0, 'odd', 1, 1)", "BADVALUE"),
        ("appendprop_reg_array(0, 0, 'odd', [])", "BADVALUE"),
        ("setprop_reg_array(0, 0, 'p', [(1, 1)] * 100)", "NOSPACE"),
        ("getprop_reg(0, 0, 'p', 0)", "NOTFOUND"),
        ("getprop_reg_count(0, 0, 'odd')", "BADVALUE"),
        ("reg_len(0, -1)", "BADVALUE"),
        ("reg_len(1, 1)", "BADOFFSET"),
    ],
)
def test_errors_of_entries(ours, call, err):
    tree = ours.Fdt.create_empty_tree(256)
    tree.setprop(0, "odd", b"abc")
    used = tree.off_dt_strings() + tree.size_dt_strings()
    before = tree.as_bytearray()[:used]
    code = getattr(ours, err)
    with pytest.raises(ours.FdtException) as e:
        eval(f"tree.{call}", {"tree": tree})
    assert e.value.err == -code
    quiet = call[:-1] + f", ({code},))"
    assert eval(f"tree.{quiet}", {"tree": tree}) == -code
    assert tree.as_bytearray()[:used] == before


def test_packed_entries_must_be_whole(ours):
    tree = ours.Fdt.create_empty_tree(256)
    for size in (1, 15, 17):
        with pytest.raises(ValueError, match="whole number of entries"):
            ours.fdt_setprop_reg_array(tree._fdt, 0, 0, "p", bytes(size))
    with pytest.raises(TypeError):
        ours.fdt_setprop_reg_array(tree._fdt, 0, 0, "p", [(1, 2)])
