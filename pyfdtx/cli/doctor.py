# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Tell whether kexec and kdump can work on this machine, before it crashes."""

from __future__ import annotations

import os

from ..errors import FdtImageError
from ..files.reading import is_running
from ..kexec.doctor.examine import SEVERITIES, examine
from ..kexec.facts.machine import Machine
from ..kexec.image.kernel import read_image
from .findings import drawn
from .planning import initrd_of, machine_arguments
from .show import json_rows
from .trouble import Trouble, UsageError, because, out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..kexec.doctor.examine import Finding
    from ..kexec.image.kernel import KernelImage

EPILOG = """\
error: kexec or kdump cannot work; warning: it may not; note: worth knowing. Without
IMAGE, the running kernel's own in /boot is looked at, if it is there; without any, what
has to do with its size is left out.

Exit status: 0 no errors, 1 errors, 2 the machine cannot be looked at, or wrong usage.

examples:
  pyfdtx doctor /boot/vmlinuz --initrd /boot/initrd.img --target /var/crash
  pyfdtx doctor --root machine --json
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("image", metavar="IMAGE", nargs="?", help="the crash kernel")
    add("--initrd", metavar="FILE", action="append", help="its initrd, or several")
    add("--target", metavar="DIR", help="where the dump is to go")
    machine_arguments(parser)
    add("--json", action="store_true", help="JSON for programs")


def _image(args: argparse.Namespace, machine: Machine) -> KernelImage | None:
    if args.image is not None:
        return read_image(args.image)
    if args.initrd is not None:
        raise UsageError("--initrd goes with an IMAGE")
    if not is_running(machine.root):
        return None
    name = f"/boot/vmlinuz-{os.uname().release}"
    try:
        return read_image(name) if os.path.exists(name) else None
    except FdtImageError:  # not placed by us, or not to be read
        return None


def _free(target: str | None) -> int | None:
    if target is None:
        return None
    try:
        found = os.statvfs(target)
    except OSError as e:
        raise Trouble(f"{target}: {because(e)}") from None
    return found.f_bavail * found.f_frsize


def run(args: argparse.Namespace) -> int:
    machine = Machine(args.root, arch=args.arch)
    _ = machine.ram  # of a machine without memory nothing can be said
    image = _image(args, machine)
    initrd = initrd_of(args.initrd)
    findings = examine(
        machine,
        image=image,
        initrd=None if initrd is None else initrd.read(),
        free=_free(args.target),
    )
    counts: dict[str, object] = {
        f"{s}s": sum(f.severity == s for f in findings) for s in SEVERITIES
    }
    if args.json:
        out_text(json_rows(counts, "findings", [f._asdict() for f in findings]))
    else:
        out_text(drawn([_row(f) for f in findings], args.root, counts))
    return int(bool(counts["errors"]))


def _row(f: Finding) -> tuple[str, str, list[tuple[str, str]]]:
    rows = [
        ("what", f.what),
        ("why", f.why),
        ("way out", f.way_out),
        ("source", f.source),
    ]
    return f.severity, f.id, rows
