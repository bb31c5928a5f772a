# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""check_tree(): how the kernel that boots next will read a tree.

The rules are in check/rules/, their table in docs/check.md.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ..._native import copy_in, validate
from ...codec.reg import U64_END
from ...errors import FdtBadParameter
from ..architecture import arch_of, arches
from ..facts.version import version_of
from .elf import Core
from .rules import RULES, SEVERITIES, Facts

__all__ = [
    "ARCHES",
    "Finding",
    "check_tree",
    "machine_of",
    "parse_kernel",
    "rules_table",
]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..._native import Buffer
    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage
    from .rules import Found, Rule

OP = "check_tree"
# Whose trees can be judged; the first is the default
ARCHES = tuple(arch.name for arch in arches() if arch.judged)
# The common rules are in place: add those of single architectures among them
for _arch_of_rules in arches():
    _arch_of_rules.own("OURS")
# A hostile tree can break one rule a million times
SHOWN = 8


class Finding(NamedTuple):
    """One violation of one rule.

    rule: its id, stable. severity: "error" (the kernel will not do what is
        meant), "warning" (it may not, or loses something), "note".
    path: the node, "" if it is about no node. prop: a property, or "".
    value: what stands there, as text; never a seed.
    why: what is wrong with it. effect: what the kernel does. way_out: what to
        do. source: where in Linux that is to be seen. versions: of Linux.
    """

    rule: str
    severity: str
    path: str
    prop: str
    value: str
    why: str
    effect: str
    way_out: str
    source: str
    versions: str

    @property
    def where(self) -> str:
        """ "/chosen:linux,elfcorehdr", "/chosen", or ""."""
        return f"{self.path}:{self.prop}" if self.prop else self.path

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.where, self.value)))
        return f"{self.severity} {self.rule}: {what}: {self.why}; {self.way_out}"


def parse_kernel(text: str) -> tuple[int, int]:
    """(6, 12) of "6.12", "v6.12-rc1" or "6.12.117-cloud-arm64".

    Raises:
        FdtBadParameter: not a version.
    """
    found = version_of(text)
    if found is None:
        raise FdtBadParameter(OP, f"kernel {text!r}", "not a version such as 6.12")
    return found


def _arch(arch: str | None, machine: Machine | None) -> str:
    found = machine.arch if machine is not None else None
    record = None if found is None else arch_of(found)
    if record is not None:
        found = record.name
    if arch is None:
        arch = found or ARCHES[0]
    if arch not in ARCHES:
        raise FdtBadParameter(
            OP, f"arch {arch!r}", f"unknown; there are {', '.join(ARCHES)}"
        )
    if found not in (None, arch):
        raise FdtBadParameter(OP, f"arch {arch!r}", f"but the machine is {found}")
    return arch


def _record(name: str) -> Arch:
    found = arch_of(name)
    assert found is not None
    return found


def machine_of(name: str) -> str:
    """The Machine.arch that is meant by a name, the usual one if there are more."""
    return next(iter(_record(name).machines))


def _place(number: object, argument: str) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{argument} must be int, not {type(number).__name__}")
    if not 0 <= number < U64_END:
        raise FdtBadParameter(OP, f"{argument} {number:#x}", "not a 64-bit address")
    return number


def check_tree(
    dtb: Buffer,
    *,
    arch: str | None = None,
    kernel: str | None = None,
    machine: Machine | None = None,
    elfcorehdr: tuple[int, Buffer] | None = None,
    image: KernelImage | None = None,
    image_address: int | None = None,
    load_address: int | None = None,
) -> list[Finding]:
    """Judge a tree as the kernel that boots next will read it.

    Args:
        dtb: the tree, any bytes-like object; as it will lie in memory.
        arch: "arm64", "arm", "riscv" or "ppc64le"; None: the machine's, else "arm64".
        kernel: version of the kernel that will read it, "6.12"; None: what
            all versions from 6.1 read.
        machine: the system it is for, running or captured.
        elfcorehdr: (physical address, content) of the ELF core header.
        image: the kernel image, of read_image().
        image_address: where it will lie: its first byte, text_offset included.
        load_address: where the tree itself will lie.
    Returns: findings, errors first, in the order of the table; of one rule at
        most 8, the last one with the number of the others. None: nothing is
        known against the tree.
    Raises:
        TypeError: an argument of the wrong type.
        FdtBadParameter: an unknown arch or version, an impossible address, or
            image_address without image.
        FdtBadBlob: dtb is not a sound device tree: no kernel takes it.
        FdtMachineError: a fact of the machine cannot be had.
    """
    blob = copy_in(dtb)
    validate(blob, OP)
    size = int.from_bytes(blob[4:8], "big")
    core = None
    if elfcorehdr is not None:
        address, content = elfcorehdr
        core = Core(_place(address, "elfcorehdr"), bytes(memoryview(content)))
    if image_address is not None and image is None:
        raise FdtBadParameter(
            OP, f"image_address {image_address:#x}", "the image is not given"
        )
    facts = Facts(
        bytes(blob[:size]),
        _record(_arch(arch, machine)),
        None if kernel is None else parse_kernel(kernel),
        machine,
        core,
        image,
        None if load_address is None else _place(load_address, "load_address"),
        None if image_address is None else _place(image_address, "image_address"),
    )
    found = [
        finding
        for rule in RULES
        if facts.arch in rule.arches
        for finding in _findings(rule, facts)
    ]
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))


def _findings(rule: Rule, facts: Facts) -> Iterator[Finding]:
    violations = rule.check(facts)
    first = list(islice(violations, SHOWN))
    more = sum(1 for _ in violations)
    for i, found in enumerate(first, 1):
        yield _finding(rule, facts, found, more if i == len(first) else 0)


def _finding(rule: Rule, facts: Facts, found: Found, more: int) -> Finding:
    return Finding(
        rule.id,
        rule.severity,
        facts.path(found.node) if found.node >= 0 else "",
        found.prop,
        found.value,
        found.why + (f" (and {more} more of this kind)" if more else ""),
        rule.effect,
        rule.way_out,
        rule.source,
        rule.versions,
    )


def rules_table() -> str:
    """All rules as a table in Markdown, one row each."""
    lines = ["| rule | what | the kernel | way out | source |", "|" + "---|" * 5]
    for r in RULES:
        limits = [] if r.versions == "all" else [f"Linux {r.versions}"]
        others = [a for a in ARCHES if a not in r.arches]
        if len(others) == 1:
            limits.append(f"not {others[0]}")
        elif others:
            limits.append(" and ".join(r.arches) + " only")
        about = "; ".join([r.about, *limits])
        cells = (f"`{r.id}` {r.severity}", about, r.effect, r.way_out, r.source)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"
