# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Tell whether the kernel that boots next will take a tree as it is meant."""

from __future__ import annotations

import os

from ..errors import FdtBadBlob, FdtBadParameter, FdtMachineError
from ..files.reading import LIMITS, open_regular, read_some
from ..kexec.check.checker import ARCHES, check_tree, machine_of, rules_table
from .arguments import machine_root, number
from .files import called, read_blob
from .findings import COLOURS, drawn
from .show import json_rows
from .trouble import Trouble, UsageError, because, out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..kexec.check.checker import Finding
    from ..kexec.facts.machine import Machine
    from .findings import Row

EPILOG = """\
error: the kernel will not do what is meant; warning: it may not, or loses
something; note: worth knowing. docs/check.md has all rules, --rules prints them.
Seeds are not shown. Colours only on a terminal, and not if NO_COLOR is set.

Exit status: 0 no errors, 1 errors (or the tree cannot be judged), 2 wrong usage.

examples:
  pyfdtx check crash.dtb --root / --kernel 6.12
  pyfdtx check crash.dtb --elfcorehdr core.bin@0x7abff000 --image /boot/vmlinuz
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("dtb", metavar="DTB", nargs="?", help="a device tree blob; - is stdin")
    add(
        "--elfcorehdr",
        metavar="FILE@ADDR",
        help="the ELF core header and where it will lie",
    )
    add("--image", metavar="FILE", help="the kernel that will read the tree")
    add(
        "--image-address",
        metavar="ADDR",
        type=number,
        help="where it will lie, text_offset included",
    )
    add("--load-address", metavar="ADDR", type=number, help="where the tree will lie")
    add(
        "--root",
        metavar="DIR",
        type=machine_root,
        help="compare with this machine: / or a directory made by capture",
    )
    add(
        "--kernel",
        metavar="VERSION",
        help="version of that kernel, 6.12 (default: what all from 6.1 read)",
    )
    add("--arch", choices=ARCHES, help="default: that of --root's machine, else arm64")
    add("--json", action="store_true", help="JSON for programs")
    add("--rules", action="store_true", help="print the table of all rules")


def _core(text: str) -> tuple[int, bytes]:
    path, at, address = text.rpartition("@")
    if not at or not path:
        raise UsageError(f"--elfcorehdr '{text}' is not FILE@ADDR")
    import argparse

    try:
        where = number(address)
    except argparse.ArgumentTypeError as e:
        raise UsageError(f"--elfcorehdr: {e}") from None
    try:
        fd = open_regular(path, pipes=True)
        try:
            return where, read_some(fd, LIMITS["core header"])
        finally:
            os.close(fd)
    except OSError as e:
        raise Trouble(f"{path}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{path}: {e}") from None


def _machine(root: str, arch: str | None) -> Machine:
    """arch counts where the machine's files do not tell; else it must agree."""
    from ..kexec.facts.machine import Machine

    machine = Machine(root)
    if arch is not None:
        try:
            _ = machine.arch
        except FdtMachineError:
            return Machine(root, arch=machine_of(arch))
    return machine


def run(args: argparse.Namespace) -> int:
    if args.rules:
        out_text(rules_table())
        return 0
    if args.dtb is None:
        raise UsageError("no DTB given ('pyfdtx check -h' helps)")
    core = _core(args.elfcorehdr) if args.elfcorehdr else None
    machine = image = None
    if args.root is not None:
        machine = _machine(args.root, args.arch)
    if args.image is not None:
        from ..kexec.image.kernel import read_image

        image = read_image(args.image)
    blob = read_blob(args.dtb)
    try:
        findings = check_tree(
            blob,
            arch=args.arch,
            kernel=args.kernel,
            machine=machine,
            elfcorehdr=core,
            image=image,
            image_address=args.image_address,
            load_address=args.load_address,
        )
    except FdtBadParameter as e:
        raise UsageError(str(e)) from None
    except FdtBadBlob as e:
        raise Trouble(f"{called(args.dtb)}: {e}") from None
    if args.json:
        out_text(json_rows(_counts(findings), "findings", _rows(findings)))
    else:
        out_text(drawn(list(map(_row, findings)), called(args.dtb), _counts(findings)))
    return int(any(f.severity == "error" for f in findings))


def _counts(findings: list[Finding]) -> dict[str, object]:
    return {
        f"{severity}s": sum(f.severity == severity for f in findings)
        for severity in COLOURS
    }


def _rows(findings: list[Finding]) -> list[object]:
    return [f._asdict() for f in findings]


def _row(f: Finding) -> Row:
    source = f.source if f.versions == "all" else f"{f.source} (Linux {f.versions})"
    paragraphs = [
        ("where", " = ".join(filter(None, (f.where, f.value)))),
        ("why", f.why),
        ("kernel", f.effect),
        ("way out", f.way_out),
        ("source", source),
    ]
    return f.severity, f.rule, paragraphs
