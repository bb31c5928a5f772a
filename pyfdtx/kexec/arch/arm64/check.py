# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Rules of check_tree() for arm64 alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...check import names
from ...check.facts import inside, shown, shown_place
from ...check.rule import ERROR, rule
from ...check.rules import Found  # and with it the rules that ours stand among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...check.facts import Facts

OURS = ("arm64",)


@rule(
    "dtb-not-in-first",
    ERROR,
    about="the tree is loaded outside the first usable range",
    effect="forgets that the tree's memory is taken when it cuts its memory to the "
    "first range, and overwrites the tree; oopses, or has no /sys/firmware/fdt",
    way_out="load the tree inside the main range, and put that first",
    source="arch/arm64/kernel/setup.c setup_machine_fdt(); mm/memblock.c "
    "memblock_cap_memory_range()",
    arches=OURS,
    before="usable-added-unseen",
)
def dtb_not_in_first(f: Facts) -> Iterator[Found]:
    where = f.tree_range()
    if not where or not inside(where, f.usable) or inside(where, f.usable[:1]):
        return
    main = f.machine.crash_ranges[:1] if f.machine else ()
    if all(inside(where, [r]) for r in main):  # else segment-outside-main
        yield Found(
            f"first usable range: {shown(f.usable[0])}",
            value=shown_place("the tree", where),
        )


@rule(
    "acpi-switched-off",
    ERROR,
    about="a tree of the EFI stub has root nodes beside /chosen",
    effect="takes it for a real device tree and leaves ACPI off: no devices, no "
    "console, as a rule a silent hang",
    way_out="remove the node (memory comes from UEFI), or say acpi=on or acpi=force "
    "if ACPI is meant",
    source="arch/arm64/kernel/acpi.c acpi_boot_table_init(), dt_is_stub()",
    arches=OURS,
    before="image-arch",
)
def acpi_switched_off(f: Facts) -> Iterator[Found]:
    # A real tree says which machine it is; what the stub made has nothing
    board = "compatible" in f.props(0) or any(f.is_called(i, "cpus") for i in f.top)
    if names.EFI_TABLE not in f.in_chosen or board:
        return
    if {"acpi=on", "acpi=force", "acpi=off"} & set(f.words):
        return
    for i in f.top:
        name = f.nodes[i].name
        if name == "chosen":
            continue
        xen = f.props(i).get("compatible", b"").split(b"\0")
        if not (name == "hypervisor" and b"xen,xen" in xen):
            yield Found("ACPI wants none but /chosen and Xen's /hypervisor", i)
