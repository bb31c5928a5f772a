# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a GICv3 goes on writing to when the running kernel leaves: tables of LPIs."""

from __future__ import annotations

from ....tree import flat
from ....tree.fdt import Fdt
from ...facts.ranges import Ranges
from ...reserved import reserved_in

__all__ = ["handed_on"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ....codec.memrange import MemRange
    from ...facts.machine import Machine

    Buffer = Union[bytes, bytearray, memoryview]

ITS = b"arm,gic-v3-its"
UEFI = "linux,uefi-system-table"


def _has_its(machine: Machine) -> bool:
    """Whether there are LPIs, and no UEFI to hand their tables on."""
    if not machine.has_fdt:
        return False
    tree = flat.read(machine.fdt)
    props = [dict(node.properties) for node in tree.nodes]
    if any(UEFI in p for p in props):
        return False
    return any(ITS in p.get("compatible", b"").split(b"\0") for p in props)


def handed_on(
    machine: Machine, blob: Buffer, notes: list[str]
) -> tuple[Buffer, list[MemRange]]:
    """The tree with a reservation for each table that the redistributors of a GICv3
    write to, and these tables. A kernel that finds them reserved takes them over; one
    that finds a part of itself there wipes that
    (irq-gic-v3-its.c gic_check_reserved_range())."""
    if not _has_its(machine):
        return blob, []
    tables = [t for t in machine.lpi_tables if machine.ram.covers(t)]
    if not tables:
        notes.append(
            "the GICv3 may go on writing to tables of its LPIs, and the kernel's log "
            "does not tell (any more) where they are: if the next kernel dies early, "
            "boot anew and load before the log is overwritten"
        )
        return blob, []
    fdt = Fdt(blob)
    there = Ranges.union([r.range for r in reserved_in(flat.read(fdt))])
    for table in tables:
        if not there.covers(table):
            fdt.memreserve.append(table)
    notes.append(
        f"the GICv3's {len(tables)} tables of LPIs, from {tables[0].start:#x} on, are "
        "kept off and reserved in the next tree, so that its kernel takes them over"
    )
    return fdt.to_bytes(), tables
