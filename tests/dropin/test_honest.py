# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Honest trees of each version and in any order of blocks: the guards refuse
nothing that upstream's module takes, and change nothing about its answers."""

import itertools

import pytest
from hostile_blobs import Strings, assemble, node, reservations, root, u32

ORDERS = list(itertools.permutations(("rsv", "struct", "strings")))
VERSIONS = (2, 3, 16, 17, 18)


def tree(version, order, gap, slack):
    s = Strings()
    structure = root(
        s.prop(b"compatible", b"a,b\0c\0"),
        s.prop(b"#address-cells", u32(2)),
        node(b"soc", s.prop(b"reg", u32(1, 2, 3)), node(b"u@1")),
    )
    made = assemble(
        structure,
        s.data,
        reservations((0x1000, 0x2000)),
        version=version,
        last_comp_version=min(version, 16),
        order=order,
        gap=gap,
    )
    size = len(made) + slack
    return made[:4] + u32(size) + made[8:] + bytes(slack)


IN_PLACE = "fdt_open_into(b, b, len(b))"
CALLS = {
    "fdt_check_header(b)", "fdt_check_full(b, len(b))", "fdt_header_size(b)",
    "fdt_num_mem_rsv(b)", "fdt_get_mem_rsv(b, 0)", "fdt_next_node(b, -1, 0)",
    "fdt_path_offset(b, '/soc/u')", "fdt_subnode_offset(b, 0, 'soc')",
    "fdt_getprop(b, 0, 'compatible')", "fdt_address_cells(b, 0)",
    "fdt_get_property_by_offset(b, fdt_first_property_offset(b, 0))",
    "fdt_get_path(b, fdt_path_offset(b, '/soc/u'), 64)",
    "fdt_get_string(b, 0)", "fdt_stringlist_get(b, 0, 'compatible', 1)",
    "fdt_open_into(b, t, len(t))", IN_PLACE,
    "fdt_move(b, t, len(t))", "fdt_move(b, b, len(b))",
    "fdt_pack(b)", "fdt_setprop_u32(b, 0, 'new', 5)", "fdt_delprop(b, 0, 'compatible')",
    "fdt_add_subnode(b, 0, 'new')", "fdt_del_node(b, fdt_path_offset(b, '/soc'))",
    "fdt_add_mem_rsv(b, 5, 6)", "fdt_del_mem_rsv(b, 0)", "fdt_set_name(b, 0, 'x')",
    "fdt_nop_node(b, fdt_path_offset(b, '/soc'))",
    "fdt_nop_property(b, 0, 'compatible')",
    "fdt_setprop_inplace_u32(b, 0, '#address-cells', 1)",
}  # fmt: skip


def answer(module, call, blob):
    b, t = bytearray(blob), bytearray(b"\x55" * (len(blob) + 100))
    return eval(call, {"b": b, "t": t, **vars(module)}), bytes(b), bytes(t)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_honest_tree_is_taken_as_upstream_takes_it(order, version, upstream, ours):
    for gap, slack in itertools.product((0, 4, 8), (0, 3, 8, 200)):
        blob = tree(version, order, gap, slack)
        for call in sorted(CALLS):
            want, got = answer(upstream, call, blob), answer(ours, call, blob)
            if call == IN_PLACE and want[0] == -upstream.NOSPACE and not got[0]:
                # Upstream builds behind the old tree, at 8 bytes or not; ours
                # needs no room there
                assert len(blob) % 8
                assert ours.fdt_check_full(bytearray(got[1]), len(blob)) == 0
                continue
            assert got == want, (call, gap, slack)
