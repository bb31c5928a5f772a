# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every function of pyfdtx.libfdt on blobs that lie.

    python hostile_sweep.py FIRST STEP

Takes every STEP-th case from FIRST on. A function may return anything and may
raise TypeError, ValueError or OverflowError; it may not crash, and may not
touch a byte behind the tree. Prints the case before it, so that the last line
names the one that crashed.
"""

import faulthandler
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
from hostile_blobs import FIELDS, OFFSET, SAMPLES, minimal, overlay, rich, u32

import pyfdtx.libfdt as L

ALLOWED = (TypeError, ValueError, OverflowError)
TAIL = b"\x55" * 32
OFFSETS = (-(2**31), -5, -4, -1, 0, 1, 4, 8, 16, 60, 100, 228, 2**31 - 4, 2**31 - 1)
NAMES = ("reg", "compatible", "", "u@1", "x" * 200)
WORDS = (0, 1, 3, 4, 15, 16, 17, 27, 28, 36, 39, 40, 41, 48, 56, 72, 100, 1000)
WORDS += tuple(2**32 - n for n in (1, 3, 4, 8, 16, 40, 100))
WORDS += tuple(2**31 + n for n in (-65, -64, -1, 0, 1, 100))

READS = [
    *((name, ()) for name in ("fdt_check_header", "fdt_num_mem_rsv", "fdt_header_size",
      "fdt_get_max_phandle", "fdt_find_max_phandle", "fdt_generate_phandle")),
    *((name, (at,)) for at in OFFSETS for name in (
        "fdt_first_subnode", "fdt_next_subnode", "fdt_first_property_offset",
        "fdt_next_property_offset", "fdt_node_depth", "fdt_parent_offset",
        "fdt_address_cells", "fdt_size_cells", "fdt_next_tag", "fdt_get_name",
        "fdt_get_phandle", "fdt_get_property_by_offset", "fdt_getprop_by_offset",
        "fdt_get_string", "fdt_string", "fdt_get_mem_rsv")),
    *((name, (at, 7)) for at in OFFSETS for name in (
        "fdt_next_node", "fdt_get_path", "fdt_supernode_atdepth_offset",
        "fdt_offset_ptr", "fdt_offset_ptr_w")),
    *((name, (at, text)) for at in (-1, 0, 100, 228) for text in NAMES for name in (
        "fdt_subnode_offset", "fdt_getprop", "fdt_getprop_w", "fdt_get_property",
        "fdt_node_check_compatible", "fdt_node_offset_by_compatible",
        "fdt_stringlist_count")),
    *((name, (at, "compatible", n)) for at in (0, 100) for n in (-1, 0, 9) for name in (
        "fdt_stringlist_get", "fdt_getprop_namelen", "fdt_subnode_offset_namelen")),
    *((name, (text,)) for name in ("fdt_path_offset", "fdt_get_alias", "fdt_get_symbol")
      for text in ("", "/", "s0", "s1/x", "/soc/u@1", "bus", "bad")),
    ("fdt_node_offset_by_phandle", (7,)),
    ("fdt_node_offset_by_prop_value", (-1, "compatible", b"a", 2)),
    ("fdt_stringlist_search", (0, "compatible", "c")),
    *(("fdt_check_full", (n,)) for n in (0, 28, 40, 500, 2**63)),
]  # fmt: skip
WRITES = [
    ("fdt_pack", ()),
    ("fdt_finish", ()),
    ("fdt_end_node", ()),
    ("fdt_finish_reservemap", ()),
    ("fdt_add_mem_rsv", (1, 2)),
    ("fdt_add_reservemap_entry", (1, 2)),
    ("fdt_begin_node", ("x" * 30,)),
    ("fdt_property_u32", ("start", 5)),
    ("fdt_property_string", ("x" * 900, "y")),
    ("fdt_property_stub", ("x", b"", 0)),
    ("fdt_property_placeholder", ("x", 9)),
    *(("fdt_del_mem_rsv", (n,)) for n in (-(2**31), -1, 0, 1, 2**31 - 1)),
    *((name, (at,)) for at in (-4, 0, 8, 100, 228) for name in (
        "fdt_del_node", "fdt_nop_node")),
    *((name, (at, "reg")) for at in (0, 100, 228) for name in (
        "fdt_delprop", "fdt_nop_property", "fdt_set_name", "fdt_add_subnode")),
    *((name, (at, "compatible", b"xyz", n)) for at in (0, 228) for n in (0, 4)
      for name in ("fdt_setprop", "fdt_appendprop", "fdt_setprop_inplace")),
    ("fdt_setprop_u32", (0, "#size-cells", 1)),
    ("fdt_setprop_u64", (0, "new", 1)),
    ("fdt_setprop_inplace_u32", (0, "#size-cells", 1)),
    ("fdt_setprop_inplace_namelen_partial",
     (0, "compatible", 10, 2**32 - 4, b"abc", 4)),
    ("fdt_setprop_namelen", (0, "newer", 3, b"abc", 3)),
    ("fdt_setprop_placeholder", (0, "new", 2**31 - 1)),
    ("fdt_appendprop_addrrange", (0, 100, "reg", 1, 2)),
]  # fmt: skip


def call(name, fdt, *args):
    try:
        return getattr(L, name)(fdt, *args)
    except ALLOWED:
        return None


def end_of_tree(fdt):
    return int.from_bytes(fdt[4:8], "big") if len(fdt) >= 8 else 0


def write(name, blob, *args):
    fdt = bytearray(blob + TAIL)
    before = end_of_tree(fdt)
    call(name, fdt, *args)
    end = max(before, end_of_tree(fdt), 8)
    if end < len(fdt):
        tail = (blob + TAIL)[end:]
        assert bytes(fdt[end:]) == tail, f"{name}{args} wrote behind the tree"


def exercise(blob):
    fdt = bytearray(blob)
    for name, args in READS:
        call(name, fdt, *args)
    assert fdt == blob
    for name, args in WRITES:
        write(name, blob, *args)
    for size in (40, 100, 5000):
        for name in ("fdt_open_into", "fdt_move", "fdt_resize"):
            call(name, bytearray(blob), bytearray(size), size)
    roomy = bytearray(blob) + bytes(2000)
    call("fdt_open_into", roomy, roomy, len(roomy))
    for base, over in ((rich(), blob), (blob, overlay())):
        room = bytearray(len(base) + 2000)
        if call("fdt_open_into", bytearray(base), room, len(room)) == 0:
            call("fdt_overlay_apply", room, bytearray(over))
        call("fdt_overlay_apply", bytearray(base), bytearray(over))
        for fragment in (0, 8):
            call("fdt_overlay_target_offset", bytearray(base), fragment, None)
            L.fdt_overlay_target_offset(
                bytearray(base), bytearray(over), fragment, None
            )
    try:
        tree = L.Fdt(blob)
        tree.resize(len(blob) + 100)
        tree.pack()
    except L.FdtException:
        pass


def begun():
    """A tree that is being written, of version 17 and magic 0x2ff20112."""
    sw = L.FdtSw(200)
    sw.add_reservemap_entry(1, 2)
    sw.finish_reservemap()
    sw.begin_node("")
    sw.property_u32("reg", 5)
    sw.property_u32("start", 5)
    return bytes(sw._fdt)


def cases():
    samples = {**SAMPLES, "minimal": minimal(), "begun": begun()}
    for name, good in samples.items():
        for at in range(len(good)):
            yield f"{name} cut at {at}", good[:at]
            for value in sorted({0, 1, 3, 0x7F, 0x80, 0xFF} - {good[at]}):
                yield (
                    f"{name}[{at}] = {value}",
                    (good[:at] + bytes([value]) + good[at + 1 :]),
                )
        for field in FIELDS:
            for word in (*WORDS, len(good) - 1, len(good) + 1, len(good) - 3):
                at = OFFSET[field]
                yield (
                    f"{name} {field} = {word:#x}",
                    (good[:at] + u32(word) + good[at + 4 :]),
                )
        for first, second in ((2, 9), (3, 8), (2, 3), (8, 9), (1, 2), (1, 4)):
            for word in WORDS:
                for other in WORDS:
                    changed = bytearray(good)
                    changed[4 * first : 4 * first + 4] = u32(word)
                    changed[4 * second : 4 * second + 4] = u32(other)
                    yield (
                        f"{name} words {first}, {second} = {word:#x}, {other:#x}",
                        (bytes(changed)),
                    )


if __name__ == "__main__":
    faulthandler.enable()
    start, step = int(sys.argv[1]), int(sys.argv[2])
    done = 0
    for number, (title, blob) in enumerate(cases()):
        if number % step == start:
            print(title, flush=True)
            exercise(blob)
            done += 1
    print(f"done: {done}")
