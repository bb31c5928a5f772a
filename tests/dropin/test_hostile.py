# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What crashes, leaks or hangs in upstream's module raises or fails here.

Upstream is not asked: most of these end its process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_blobs import NOP, PROP, Strings, assemble, node, overlay, rich, root, u32

SWEEP = Path(__file__).with_name("hostile_sweep.py")

NOSPACE, BADOFFSET, TRUNCATED, BADMAGIC, BADLAYOUT = 3, 4, 8, 9, 12
ALIGNMENT = 19


@pytest.mark.parametrize("start", range(4))
def test_the_sweep_over_lying_blobs_ends(start, tmp_path):
    """Every byte and header word of six samples, pairs of header words too;
    a fortieth of it here, all of it under sanitizers in test-dropin-sanitized."""
    step = int(os.environ.get("PYFDTX_SWEEP_STEP", "160"))
    done = subprocess.run(
        [sys.executable, str(SWEEP), str(start * step // 4), str(step)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"{last}: {done.stderr[-2000:]}"
    assert last[0].startswith("done: ")
    assert int(last[0].split()[1]) > 100


def test_the_sweep_over_wrong_arguments_ends(tmp_path):
    """Kinds, sizes and numbers that nobody meant, for every function."""
    done = subprocess.run(
        [sys.executable, str(SWEEP.with_name("argument_sweep.py"))],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"{last}: {done.stderr[-2000:]}"
    assert int(last[0].removeprefix("done: ")) > 40000


def test_a_header_that_lies_about_the_size_is_noticed_by_the_first_look(ours):
    """40 bytes of a larger tree: upstream reads what lies behind them."""
    fdt = ours.Fdt(rich()[:40])
    assert fdt.totalsize() == len(rich())
    for look in (
        lambda: fdt.getprop(0, "compatible"),
        lambda: fdt.path_offset("/soc"),
        lambda: fdt.get_path(0),
        lambda: fdt.num_mem_rsv(),
        lambda: fdt.resize(5000),
        lambda: fdt.pack(),
    ):
        with pytest.raises(ours.FdtException) as e:
            look()
        assert e.value.err == -TRUNCATED


def test_a_tree_that_is_cut_later_is_noticed_too(ours):
    """The bytes are the user's, and so is the moment."""
    fdt = ours.Fdt(rich())
    assert fdt.path_offset("/soc") > 0
    del fdt._fdt[100:]
    with pytest.raises(ours.FdtException):
        fdt.path_offset("/soc")


@pytest.mark.parametrize(
    "name",
    [
        "fdt_getprop",
        "fdt_getprop_w",
        "fdt_get_property",
        "fdt_subnode_offset",
        "fdt_delprop",
        "fdt_add_subnode",
        "fdt_set_name",
        "fdt_nop_property",
        "fdt_stringlist_count",
        "fdt_node_check_compatible",
        "fdt_node_offset_by_compatible",
    ],
)
def test_none_for_a_name_is_a_type_error(name, ours):
    with pytest.raises(TypeError, match=rf"'{name}', argument 3 of type 'char const"):
        getattr(ours, name)(bytearray(rich()), 0, None)


@pytest.mark.parametrize(
    "name", ["fdt_path_offset", "fdt_get_alias", "fdt_get_symbol", "fdt_begin_node"]
)
def test_none_for_a_path_is_a_type_error(name, ours):
    with pytest.raises(TypeError, match=rf"'{name}', argument 2 of type 'char const"):
        getattr(ours, name)(bytearray(rich()), None)


@pytest.mark.parametrize("name", ["fdt_setprop", "fdt_appendprop"])
@pytest.mark.parametrize("length", [3, 1000, 2**31 - 1, -1, -(2**31)])
def test_a_length_beyond_the_value_and_its_nul_is_refused(name, length, ours):
    """Upstream copies what lies behind the bytes object into the tree."""
    fdt = bytearray(ours.Fdt.create_empty_tree(2000)._fdt)
    before = bytes(fdt)
    with pytest.raises(ValueError, match=f"len is {length}, but there are 1 bytes"):
        getattr(ours, name)(fdt, 0, "x", b"\1", length)
    assert fdt == before


@pytest.mark.parametrize("name", ["fdt_open_into", "fdt_move"])
def test_a_size_beyond_the_buffer_is_refused(name, ours):
    with pytest.raises(ValueError, match="bufsize is 1001, but the buffer has 1000"):
        getattr(ours, name)(bytearray(rich()), bytearray(1000), 1001)


@pytest.mark.parametrize("name", ["fdt_create", "fdt_create_empty_tree"])
def test_a_new_tree_beyond_its_buffer_is_refused(name, ours):
    with pytest.raises(ValueError, match="bufsize is 1001, but the buffer has 1000"):
        getattr(ours, name)(bytearray(1000), 1001)


def test_check_full_believes_the_buffer_and_not_its_caller(ours):
    cut = bytearray(rich()[:-1])
    assert ours.fdt_check_full(cut, 10**9) == -TRUNCATED


def test_a_reservation_that_is_not_there_is_zero(ours):
    """Upstream gives what the stack holds."""
    assert ours.Fdt(rich()).get_mem_rsv(10**6, ours.QUIET_ALL) == [0, 0]
    assert ours.fdt_get_mem_rsv(bytearray(rich()), 10**6) == [-BADOFFSET, 0, 0]


@pytest.mark.parametrize("n", [-1, -2, -(2**28), -(2**31)])
def test_a_negative_reservation_is_not_deleted(n, ours):
    fdt = ours.Fdt(rich())
    fdt.resize(2000)
    before = bytes(fdt._fdt)
    assert ours.fdt_del_mem_rsv(fdt._fdt, n) == -1
    assert fdt._fdt == before


@pytest.mark.parametrize("hint", [0, 1, 2, 3])
def test_get_path_ends_for_any_hint(hint, ours):
    """Doubling 0 goes on for ever in upstream."""
    fdt = ours.Fdt(rich())
    assert fdt.get_path(fdt.path_offset("/soc/u@1"), hint) == "/soc/u@1"


def test_get_path_behind_the_root_stays_inside_its_buffer(ours):
    """Upstream cuts names off in front of the buffer."""
    fdt = ours.Fdt(rich())
    end = fdt.size_dt_struct() - 4
    with pytest.raises(ours.FdtException) as e:
        fdt.get_path(end)
    assert e.value.err == -BADOFFSET


@pytest.mark.parametrize("size", [900, 1024, 2000, 100000])
def test_a_property_name_longer_than_the_buffer_makes_it_grow(size, ours):
    """Upstream subtracts it from the size and writes in front of the buffer."""
    sw = ours.FdtSw()
    sw.finish_reservemap()
    with sw.add_node(""):
        sw.property_u32("x" * size, 5)
    assert sw.as_fdt().getprop(0, "x" * size).as_uint32() == 5


def test_a_property_whose_name_is_nowhere_is_an_error(ours):
    """Upstream makes a str of a null pointer."""
    fdt = ours.Fdt(assemble(root(Strings(b"a").prop(b"a", nameoff=500)), b"a\0"))
    with pytest.raises(ours.FdtException) as e:
        fdt.get_property_by_offset(fdt.first_property_offset(0))
    assert e.value.err == -BADOFFSET


def test_a_label_without_an_end_is_none(ours):
    """rich() has one: "/soc" in 4 bytes. Upstream reads on."""
    assert ours.fdt_get_symbol(bytearray(rich()), "bad") is None


def test_a_rollback_takes_back_as_much_as_was_added(ours):
    """libfdt takes back the whole name where its first bytes were added."""
    fdt = ours.Fdt.create_empty_tree(140)
    code = ours.fdt_setprop_namelen(fdt._fdt, 0, "gamma-" + "x" * 90, 5, b"x" * 60, 60)
    assert code == -NOSPACE
    assert fdt.size_dt_strings() == 0
    assert ours.fdt_check_full(fdt._fdt, 140) == 0


def test_reservations_without_an_end_do_not_reach_open_into(ours):
    """libfdt before 1.8 moves a negative number of bytes."""
    blob = bytearray(rich())
    blob[16:20] = u32(len(blob) - 16)
    blob[-16:] = b"\1" * 16
    assert ours.fdt_open_into(blob, bytearray(5000), 5000) == -TRUNCATED


def test_pack_refuses_reservations_that_reach_into_the_structure(ours):
    """It would have to write them twice, behind the end of the buffer."""
    entries = b"\1" * 16 * 20
    blob = assemble(entries + root(), b"", NOP * 4, order=("rsv", "struct", "strings"))
    assert ours.fdt_pack(bytearray(blob)) < 0


def test_a_value_that_ends_with_its_tree_is_not_overwritten_behind(ours):
    """FDT_NOP is written in whole cells."""
    tail = PROP + u32(1, 0) + b"\1"
    structure = node(b"")[:-4] + tail
    blob = bytearray(assemble(structure, b"a\0", order=("strings", "rsv", "struct")))
    behind = blob + b"\x55" * 8
    assert ours.fdt_nop_property(behind, 0, "a") == -TRUNCATED
    assert behind[len(blob) :] == b"\x55" * 8


def test_an_overlay_nested_deep_does_not_recurse_deep(ours):
    """A level costs libfdt a stack frame or two."""
    deep = root(b"".join(node(b"n")[:-4] for _ in range(50000)) + u32(2) * 50000)
    base = bytearray(rich() + bytes(1000))
    assert ours.fdt_open_into(base, base, len(base)) == 0
    assert ours.fdt_overlay_apply(base, bytearray(assemble(deep))) < 0
    assert ours.fdt_magic(base) == 0xFFFFFFFF


def test_an_overlay_whose_fixups_point_elsewhere_is_refused(ours):
    """libfdt writes four bytes wherever a fixup says."""
    bad = overlay().replace(b"/f@0:target:0\0", b"/f@0:target:9\0")
    base = bytearray(rich() + bytes(1000))
    assert ours.fdt_open_into(base, base, len(base)) == 0
    over = bytearray(bad)
    assert ours.fdt_overlay_apply(base, over) == -16
    assert ours.fdt_magic(over) == 0xFFFFFFFF


def test_pointers_that_nobody_can_have_may_be_left_out(ours):
    """None there ends upstream's process; what C stores is returned instead."""
    fdt = ours.Fdt(rich())
    fdt.resize(2000)
    assert ours.fdt_next_tag(fdt._fdt, 0) == [ours.FDT_BEGIN_NODE, 8]
    assert ours.fdt_next_tag(fdt._fdt, 0, None) == [ours.FDT_BEGIN_NODE, 8]
    err, view = ours.fdt_setprop_placeholder(fdt._fdt, 0, "new", 4, None)
    view[:] = b"abcd"
    assert (err, fdt.getprop(0, "new")) == (0, b"abcd")
    assert ours.fdt_find_max_phandle(fdt._fdt) == [0, 7]
    assert ours.fdt_generate_phandle(fdt._fdt) == [0, 8]


@pytest.mark.parametrize("name", ["fdt16_ld", "fdt32_ld", "fdt64_ld"])
def test_loads_take_bytes_and_refuse_none(name, ours):
    size = int(name[3:5]) // 8
    data = bytes(range(1, size + 1))
    assert getattr(ours, name)(data) == int.from_bytes(data, "big")
    with pytest.raises(TypeError, match=f"'{name}', argument 1"):
        getattr(ours, name)(None)
    with pytest.raises(ValueError, match="too few"):
        getattr(ours, name)(data[1:])


def test_a_view_of_a_value_keeps_its_tree_where_it_is(ours):
    fdt = ours.Fdt(rich())
    view, length = ours.fdt_getprop_w(fdt._fdt, 0, "compatible")
    assert bytes(view) == b"a,b\0c\0"
    assert length == 6
    view[0] = ord("z")
    assert fdt.getprop(0, "compatible").as_stringlist() == ["z,b", "c"]
    with pytest.raises(BufferError):
        fdt._fdt.extend(b"more")


def test_a_misaligned_tree_is_refused_without_being_read(ours):
    shifted = bytearray(b"abc" + rich())
    del shifted[:3]
    assert ours.fdt_path_offset(shifted, "/") in (0, -ALIGNMENT)
    blob = bytearray(rich())
    blob[8:12] = u32(int.from_bytes(blob[8:12], "big") + 1)
    assert ours.fdt_next_node(blob, 0, 0)[0] == -ALIGNMENT


@pytest.mark.parametrize("size", range(48))
def test_short_buffers_are_errors_in_every_getter(size, ours):
    data = bytearray(rich()[:size])
    for at, name in enumerate(("fdt_magic", "fdt_totalsize")):
        if size < 4 * at + 4:
            with pytest.raises(ValueError, match="too short"):
                getattr(ours, name)(data)
    if size < 40:
        code = ours.fdt_path_offset(data, "/")
        assert code == (-TRUNCATED if size >= 4 else -BADMAGIC)
        with pytest.raises(ours.FdtException):
            ours.Fdt(data)
