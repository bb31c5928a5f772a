# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A rule: texts for people, and a function that finds violations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..architecture import arches as all_arches

__all__ = [
    "ERROR",
    "NOTE",
    "RULES",
    "SEVERITIES",
    "WARNING",
    "Found",
    "adopt",
    "rule",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..architecture import Arch
    from .facts import Facts

    Check = Callable[[Facts], Iterator["Found"]]

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")


class Found(NamedTuple):
    """One violation.

    why: what is wrong in this tree, with the numbers.
    node: its number in Facts.nodes; -1 if it is about no node.
    prop: a property of that node, or "".
    value: what stands there, as text; never a seed.
    """

    why: str
    node: int = -1
    prop: str = ""
    value: str = ""


class Rule(NamedTuple):
    """One row of the table in docs/check.md.

    id: stable: programs may rely on it.
    about: what must not be, in a few words.
    effect: what the kernel that reads the tree does then.
    way_out: what to do.
    source: where that is to be seen: file and function of Linux, or another.
    versions: which versions of Linux do so.
    arches: where the rule holds.
    """

    id: str
    severity: str
    about: str
    effect: str
    way_out: str
    source: str
    versions: str
    arches: tuple[str, ...]
    check: Check


RULES: list[Rule] = []


def rule(
    id: str,
    severity: str,
    *,
    about: str,
    effect: str,
    way_out: str,
    source: str,
    versions: str = "all",
    holds: Callable[[Arch], bool] | None = None,
    arches: tuple[str, ...] = (),
    before: str = "",
) -> Callable[[Check], Check]:
    """Put the function into the table.

    holds: for which of the architectures that /chosen tells of a crash, which are
        those whose trees second_kernel_dtb() makes; None: for all of them.
    arches: for a rule that stands with an architecture: its name.
    before: the rule in front of which it then stands, among those of its subject;
        at the end without it.
    """
    where = arches or tuple(
        arch.name
        for arch in all_arches()
        if arch.crash_words >= 0 and (holds is None or holds(arch))
    )

    def add(check: Check) -> Check:
        new = Rule(id, severity, about, effect, way_out, source, versions, where, check)
        ids = [r.id for r in RULES]
        RULES.insert(ids.index(before) if before else len(RULES), new)
        return check

    return add


def adopt(arch: str, *ids: str) -> None:
    """Have rules that are there already hold for another architecture."""
    places = {r.id: i for i, r in enumerate(RULES)}
    for id in ids:
        old = RULES[places[id]]
        RULES[places[id]] = old._replace(arches=(*old.arches, arch))
