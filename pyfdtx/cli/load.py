# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Load a kernel for the next reboot by kexec, or for a crash, by kexec_load(2)
or kexec_file_load(2)."""

from __future__ import annotations

import os

from ..files.reading import is_running
from ..files.writing import LINK, NewFolder
from ..kexec import FilePlan, load
from .files import tidy_on_signals, write_blob
from .memory_map import amount, as_json, lines
from .planning import plan_arguments, planned
from .trouble import (
    Trouble,
    UsageError,
    because,
    clean,
    detail,
    note,
    out_text,
    quiet,
)

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..kexec.place.plan import Plan

EPILOG = """\
With --dry-run nothing is loaded. With --output-dir every segment is written to
a file of its name, and plan.json says where in memory each one belongs.

With --file the running kernel reads the image (kexec_file_load(2)), makes the tree
and places everything itself. It checks the image's signature if it is configured or
locked down to; a kernel that is locked down takes nothing else. Options about the
tree or the plan cannot be combined with --file. x86_64 always works so and needs no
--file; elsewhere it is never chosen by itself, for what starts then is not what
'pyfdtx plan' shows. Debian's kernels have it on x86_64, not on arm64, arm and riscv64.

With --verify (arm64) code of ours computes SHA-256 over all that was loaded before
the kernel is entered. If the sum differs it stops there, as kexec-tools' purgatory
does. The caches are off meanwhile, so it takes time; without it nothing is checked.

examples:
  pyfdtx load --crash /boot/vmlinuz --initrd /boot/initrd.img \\
      --append "maxcpus=1 reset_devices"
  pyfdtx load --crash --file /boot/vmlinuz --initrd /boot/initrd.img
  pyfdtx load --crash Image --root examples/arm64-dt --dry-run --output-dir out
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    plan_arguments(parser)
    add = parser.add_argument
    add(
        "--file",
        action="store_true",
        help="let the running kernel do it all, by kexec_file_load(2)",
    )
    add(
        "--no-cma",
        action="store_true",
        help="with --file: keep what is loaded out of CMA areas (Linux 6.17)",
    )
    add(
        "--force-dtb",
        action="store_true",
        help="with --file: hand the tree over where that is not usual (x86, Linux "
        "6.18)",
    )
    add("--dry-run", action="store_true", help="plan, but load nothing")
    add("--output-dir", metavar="DIR", help="write the segments' files here")
    add(
        "--replace",
        action="store_true",
        help="load even if a kernel is loaded already",
    )


def run(args: argparse.Namespace) -> int:
    if not is_running(args.root) and not args.dry_run:
        raise UsageError(
            f"{args.root} is another machine's; only --dry-run makes sense"
        )
    plan, machine = planned(args, by_file=args.file)
    if args.output_dir is not None:
        if isinstance(plan, FilePlan):
            raise UsageError(
                "--output-dir has no segments to write: the running kernel makes them"
            )
        _write(args.output_dir, plan)
    if args.dry_run:
        out_text("\n".join(lines(plan)) + "\n")
        return 0
    for text in plan.notes:
        note(text)
    for line in lines(plan):
        detail(line)
    load(plan, machine, replace=args.replace, force=args.force)
    if not quiet():
        out_text(f"{_loaded(plan)}\n")
    return 0


def _loaded(plan: Plan | FilePlan) -> str:
    """One line: what is loaded now, where, and what starts it."""
    if isinstance(plan, FilePlan):
        files = [clean(name) for name in (plan.kernel, plan.initrd) if name]
        what = f"{' with '.join(files)}, where the running kernel placed it"
    else:
        what = ", ".join(
            f"{s.name} {amount(s.size)} at {s.start:#x}" for s in plan.segments
        )
    if plan.crash:
        return f"crash kernel loaded: {what}; a panic starts it"
    return f"kernel loaded: {what}; 'systemctl kexec' or 'pyfdtx exec --now' starts it"


def _write(folder: str, plan: Plan) -> None:
    """All files are private: the tree has the next kernel's seeds."""
    folder = folder.rstrip("/") or folder
    files = {s.name: bytes(s.data) for s in plan.segments}
    files["plan.json"] = as_json(plan).encode()
    try:
        if os.path.islink(folder):
            raise OSError(LINK)
        if os.path.isdir(folder):
            for name, data in files.items():
                write_blob(os.path.join(folder, name), data, private=True)
            return
        os.makedirs(os.path.dirname(folder) or ".", exist_ok=True)
        with tidy_on_signals(), NewFolder(folder) as new:
            for name, data in files.items():
                new.write(name, data)
    except OSError as e:
        raise Trouble(f"{folder}: {because(e)}") from None
