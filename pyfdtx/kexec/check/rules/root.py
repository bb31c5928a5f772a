# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The root's cells, memory nodes, reserved memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import names
from ..facts import Facts, hexed, shown
from ..rule import ERROR, WARNING, Found, rule

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "root-cells-missing",
    WARNING,
    about="the root has no #address-cells or no #size-cells",
    effect="takes 1 and 1, where libfdt, which writes the properties, takes 2 and 1; "
    "the newest versions print a warning",
    way_out='write them: root_cells="2/2", crash-dtb --root-cells 2/2',
    source="drivers/of/fdt.c early_init_dt_scan_root(); libfdt fdt_address_cells()",
)
def root_cells_missing(f: Facts) -> Iterator[Found]:
    for name in f.cells_missing:
        yield Found("Linux assumes 1", 0, name)


@rule(
    "root-cells-unsound",
    ERROR,
    about="the root's #address-cells or #size-cells is no cell of 1 to 4 (sizes: 0 "
    "to 4)",
    effect="decodes every address with it: no memory, no core header, or garbage",
    way_out="correct it in the tree that was the input",
    source="drivers/of/fdt.c early_init_dt_scan_root(), dt_mem_next_cell(); "
    "Devicetree Specification 2.3.5",
)
def root_cells_unsound(f: Facts) -> Iterator[Found]:
    for name in f.cells_unsound:
        yield Found("not one cell with a number it can be", 0, name, _value(f, name))


def _value(f: Facts, name: str) -> str:
    return hexed(f.props(0).get(name, b""))


@rule(
    "root-cells-wide",
    WARNING,
    about="the root's #address-cells or #size-cells is 3 or 4",
    effect="keeps the low 64 bits; libfdt and kexec-tools cannot write such ranges; "
    "arm's decompressor ignores them",
    way_out="use 2 and 2",
    source="include/linux/of.h of_read_number(); "
    "arch/arm/boot/compressed/fdt_check_mem_start.c",
)
def root_cells_wide(f: Facts) -> Iterator[Found]:
    for name, cells in ((names.AC, f.address_cells), (names.SC, f.size_cells)):
        if cells > 2:
            yield Found(f"{cells} cells", 0, name, _value(f, name))


def _has_names(f: Facts) -> list[int]:
    """Nodes that look like memory and are not taken as such."""
    return [
        i
        for i in f.top
        if f.is_called(i, "memory") and f.props(i).get("device_type") != b"memory\0"
    ]


@rule(
    "memory-missing",
    ERROR,
    about="no memory: neither a memory node that counts nor linux,uefi-* in /chosen",
    effect="has no memory at all and hangs before it prints a word",
    way_out='add a node "memory@..." with device_type "memory" and reg, or keep the '
    "linux,uefi-* properties of the tree this machine booted with; the file of a "
    "board may leave memory to its boot loader: judge /sys/firmware/fdt instead",
    source="drivers/of/fdt.c early_init_dt_scan_memory(); "
    "drivers/firmware/efi/efi-init.c efi_init()",
)
def memory_missing(f: Facts) -> Iterator[Found]:
    partly = any(name in f.in_chosen for name in names.EFI)
    if partly or f.memory or _has_names(f) or f.cells_unsound:
        return
    # Entries that make no sense are another rule's
    if not any(size for i in f.memory_nodes for _, size in f.entries(f.memory_of(i))):
        yield Found("no bytes of memory are described", 0)


@rule(
    "memory-no-device-type",
    ERROR,
    about='a memory node without device_type "memory"',
    effect="does not see it: its memory is not there",
    way_out='add device_type = "memory"',
    source="drivers/of/fdt.c early_init_dt_scan_memory()",
)
def memory_no_device_type(f: Facts) -> Iterator[Found]:
    if f.efi:
        return
    for i in _has_names(f):
        value = f.props(i).get("device_type")
        yield Found(
            "it is missing" if value is None else 'it is not "memory"',
            i,
            "device_type",
            "" if value is None else hexed(value),
        )


@rule(
    "memory-reg",
    ERROR,
    about="a memory node's reg is not whole entries of the root's cells, or one "
    "reaches beyond the last address",
    effect="leaves out what is left at the end; cuts off, or ignores, a range that "
    "is too long",
    way_out="correct reg, or the root's cells",
    source="drivers/of/fdt.c early_init_dt_scan_memory(), "
    "early_init_dt_add_memory_arch()",
)
def memory_reg(f: Facts) -> Iterator[Found]:
    if f.efi or not f.tuple_size:
        return
    for i in f.memory_nodes:
        value = f.memory_of(i)
        prop = "reg" if value == f.props(i).get("reg") else "linux,usable-memory"
        if len(value) % f.tuple_size:
            yield Found(
                f"{len(value)} bytes are no multiple of {f.tuple_size}",
                i,
                prop,
                hexed(value),
            )
            continue
        for entry in f.entries(value):
            if not f.fits(entry):
                yield Found("it wraps", i, prop, shown(entry))


@rule(
    "reserved-memory-ignored",
    ERROR,
    about="/reserved-memory has other cells than the root, or no ranges",
    effect='prints "unsupported node format, ignoring" and uses memory that firmware '
    "or devices own",
    way_out="give it #address-cells, #size-cells equal to the root's and an empty "
    "ranges",
    source="drivers/of/of_reserved_mem.c (older: fdt.c) __reserved_mem_check_root()",
)
def reserved_memory_ignored(f: Facts) -> Iterator[Found]:
    # fdt_path_offset("/reserved-memory"): the first one counts
    found = [i for i in f.top if f.is_called(i, "reserved-memory")][:1]
    for i in found if f.tuple_size else ():
        props = f.props(i)
        for name, cells in ((names.AC, f.address_cells), (names.SC, f.size_cells)):
            value = props.get(name)
            if value is None:
                yield Found("it is missing", i, name)
            elif value[:4] != cells.to_bytes(4, "big"):
                yield Found(f"the root's is {cells}", i, name, hexed(value))
        if "ranges" not in props:
            yield Found("it is missing", i, "ranges")


@rule(
    "reserved-memory-reg",
    ERROR,
    about="the reg of a child of /reserved-memory is not whole entries",
    effect='prints "invalid reg property" and uses that memory',
    way_out="correct reg; its cells are the root's",
    source="drivers/of/of_reserved_mem.c (older: fdt.c) __reserved_mem_reserve_reg()",
)
def reserved_memory_reg(f: Facts) -> Iterator[Found]:
    found = [i for i in f.top if f.is_called(i, "reserved-memory")][:1]
    for top in found if f.tuple_size else ():
        for i in f.children(top):
            value = f.props(i).get("reg", b"")
            if len(value) % f.tuple_size:
                yield Found(
                    f"{len(value)} bytes are no multiple of {f.tuple_size}",
                    i,
                    "reg",
                    hexed(value),
                )
