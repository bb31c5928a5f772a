# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Which cells of a tree are phandles, and what they point to.

A blob does not mark references, so properties are known by name: those that
Linux follows to find suppliers, and those of the devicetree specification.
Where a list has arguments, the provider says how many.
"""

from __future__ import annotations

from struct import unpack

from .names import INVALID_PHANDLES, PHANDLES

__all__ = ["References"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import flat

# Source: Linux, drivers/of/property.c (DEFINE_SIMPLE_PROP and its like);
# dt-schema, schemas/*; Devicetree Specification v0.4. None: phandles alone
CELLS: dict[str, str | None] = {
    "access-controllers": "#access-controller-cells",
    "assigned-clock-parents": "#clock-cells",
    "assigned-clocks": "#clock-cells",
    "backlight": None,
    "clocks": "#clock-cells",
    "cooling-device": "#cooling-cells",
    "cpu": None,
    "cpu-idle-states": None,
    "dmas": "#dma-cells",
    "extcon": None,
    "hwlocks": "#hwlock-cells",
    "interconnects": "#interconnect-cells",
    "interrupt-affinity": None,
    "interrupt-parent": None,
    "interrupts-extended": "#interrupt-cells",
    "io-backends": "#io-backend-cells",
    "io-channels": "#io-channel-cells",
    "iommus": "#iommu-cells",
    "leds": None,
    "mboxes": "#mbox-cells",
    "memory-region": None,
    "mmc-pwrseq": None,
    "msi-parent": "#msi-cells",
    "next-level-cache": None,
    "nvmem": None,
    "nvmem-cells": "#nvmem-cell-cells",
    "operating-points-v2": None,
    "panel": None,
    "performance-domains": "#performance-domain-cells",
    "phy-handle": None,
    "phys": "#phy-cells",
    "power-domains": "#power-domain-cells",
    "pwms": "#pwm-cells",
    "remote-endpoint": None,
    "required-opps": None,
    "resets": "#reset-cells",
    "sound-dai": "#sound-dai-cells",
    "thermal-sensors": "#thermal-sensor-cells",
    "trip": None,
    "wakeup-parent": None,
}
ENDINGS: dict[str, str | None] = {
    "-gpio": "#gpio-cells",
    "-gpios": "#gpio-cells",
    "-supply": None,
}
# Older trees have names without what stands in front of the dash
CELLS["gpio"] = CELLS["gpios"] = "#gpio-cells"
# pinctrl-0, pinctrl-1 and so on, but not pinctrl-names
PINCTRL = "pinctrl-"


class References:
    """The references of one tree. Nodes are known by their number in its list.

    Args:
        tree: all of it.
        known: paths of nodes; trees that are compared share it, so that equal
            paths are one string.
    """

    def __init__(self, tree: flat.FlatTree, known: dict[str, str] | None = None):
        self._tree = tree
        self._known = {} if known is None else known
        self._paths: dict[int, str] = {}
        self._parents: list[int] = []
        self._by_phandle: dict[int, int] = {}
        self._counts: dict[tuple[int, str], int] = {}
        way: list[int] = []
        for number, node in enumerate(tree.nodes):
            del way[node.depth :]
            self._parents.append(way[-1] if way else -1)
            way.append(number)
            for name, value in node.properties:
                if name in PHANDLES and len(value) == 4:
                    phandle = int.from_bytes(value, "big")
                    if phandle not in INVALID_PHANDLES:
                        self._by_phandle.setdefault(phandle, number)

    def path(self, number: int) -> str:
        """The path of a node."""
        path = self._paths.get(number)
        if path is None:
            names = []
            at = number
            while self._parents[at] >= 0:
                names.append(self._tree.nodes[at].name)
                at = self._parents[at]
            path = "/" + "/".join(reversed(names))
            path = self._paths[number] = self._known.setdefault(path, path)
        return path

    def of(self, name: str, value: bytes) -> dict[int, int]:
        """What a property refers to: number of a node by offset, bytes. Nothing if
        the name does not say that it has phandles, or one leads nowhere."""
        if name in CELLS:
            cells = CELLS[name]
        elif name.startswith(PINCTRL) and name[len(PINCTRL) :].isdigit():
            cells = None
        else:
            ending = "-" + name.rpartition("-")[2]
            if ending not in ENDINGS:
                return {}
            cells = ENDINGS[ending]
        if not value or len(value) % 4:
            return {}
        numbers = unpack(f">{len(value) // 4}I", value)
        found: dict[int, int] = {}
        at = 0
        while at < len(numbers):
            # An entry of a list may be empty
            if numbers[at] == 0:
                at += 1
                continue
            node = self._by_phandle.get(numbers[at])
            if node is None:
                return {}
            found[4 * at] = node
            at += 1 + (self._count(node, cells) if cells else 0)
        return found if at == len(numbers) else {}

    def same_nodes(
        self, ours: bytes, other: References, theirs: bytes
    ) -> dict[int, str]:
        """The paths behind all cells in which two values differ, by offset, if each
        of these is a phandle in its tree, and of the same node; else nothing."""
        if len(ours) != len(theirs) or len(ours) % 4:
            return {}
        count = len(ours) // 4
        found: dict[int, str] = {}
        pairs = zip(unpack(f">{count}I", ours), unpack(f">{count}I", theirs))
        for at, (a, b) in enumerate(pairs):
            if a == b:
                continue
            one, two = self._by_phandle.get(a), other._by_phandle.get(b)
            if one is None or two is None or self.path(one) != other.path(two):
                return {}
            found[4 * at] = self.path(one)
        return found

    def _count(self, node: int, cells: str) -> int:
        """How many arguments a provider wants; 0 if it does not say."""
        key = node, cells
        if key not in self._counts:
            values = (v for n, v in self._tree.nodes[node].properties if n == cells)
            value = next(values, b"")
            self._counts[key] = int.from_bytes(value, "big") if len(value) == 4 else 0
        return self._counts[key]
