# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What plan and load have in common: the options, and the plan they make."""

from __future__ import annotations

import os
from stat import S_ISFIFO

from ..errors import FdtError
from ..files.reading import LIMITS, read_file
from ..kexec.architecture import arch_of, placed_arch
from ..kexec.doctor.need import shortage
from ..kexec.facts.machine import Machine
from ..kexec.image.initrd import InitrdFile
from ..kexec.image.kernel import read_image
from ..kexec.place.plan import make_plan, plan, reused_cmdline
from .arguments import machine_root
from .files import called, read_blob
from .judging import force_argument, judged
from .memory_map import amount
from .second_kernel import keep_words_argument, seed_arguments
from .trouble import Trouble, UsageError, because, note

__all__ = ["initrd_of", "machine_arguments", "plan_arguments", "planned"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..kexec.image.kernel import KernelImage
    from ..kexec.place.file_plan import FilePlan
    from ..kexec.place.plan import Plan

# Of load alone
FILE_FLAGS = ("no_cma", "force_dtb")


def machine_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=machine_root,
        default="/",
        help="a machine that 'pyfdtx capture' copied (default: this one)",
    )
    parser.add_argument(
        "--arch", help="the machine's architecture, if its files do not tell"
    )


def plan_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "image",
        metavar="IMAGE",
        help="the kernel: Image, zImage, vmlinux; compressed, EFI zboot, uImage, "
        "FIT, Android boot image, UKI",
    )
    add(
        "--crash",
        action="store_true",
        help="a crash kernel, in the memory of crashkernel= (default: plain kexec)",
    )
    add(
        "--initrd",
        metavar="FILE",
        action="append",
        help="its initrd; of several each is put behind the one before",
    )
    add(
        "--fit-config",
        metavar="NAME",
        default="",
        help="the configuration of a FIT (default: its own)",
    )
    line = parser.add_mutually_exclusive_group()
    line.add_argument("--cmdline", metavar="TEXT", help="the whole command line")
    line.add_argument(
        "--reuse-cmdline",
        action="store_true",
        help="this machine's command line, without BOOT_IMAGE= and, for a crash "
        "kernel, crashkernel= and mem= (the default)",
    )
    add("--append", metavar="TEXT", help="words to put behind the command line")
    add("--dtb", metavar="FILE", help="the tree to start from (default: the machine's)")
    seed_arguments(parser)
    add(
        "--verify",
        action="store_true",
        help="have SHA-256 of all that is loaded checked before the kernel is "
        "entered (arm64)",
    )
    keep_words_argument(parser)
    machine_arguments(parser)
    force_argument(parser)


def _part(path: str) -> str | bytes:
    """A pipe is read now, a file when the rest is known to be good."""
    try:
        if S_ISFIFO(os.stat(path).st_mode):
            return read_file(path, LIMITS["initrd"], pipes=True)
    except OSError as e:
        raise Trouble(f"{path}: {because(e)}") from None
    except ValueError as e:  # a NUL in the name
        raise Trouble(f"{path}: {e}") from None
    return path


def initrd_of(paths: list[str] | None) -> InitrdFile | None:
    """What --initrd names, one behind the other."""
    return InitrdFile(*map(_part, paths)) if paths else None


def _only_one(paths: list[str] | None) -> str | None:
    """The initrd of a kernel that the running one reads from its file."""
    if not paths:
        return None
    if len(paths) > 1:
        raise UsageError(
            "several --initrd cannot be combined here: the running kernel reads one "
            "file; join them first, each at a multiple of 4 bytes"
        )
    return paths[0]


def _refuse_options(args: argparse.Namespace, why: str) -> None:
    """Options about what the running kernel makes when it loads by file."""
    options = {
        "--dtb": args.dtb is not None,
        "--verify": args.verify,
        "--fit-config": bool(args.fit_config),
        "--kaslr-seed": args.kaslr_seed != "random",
        "--rng-seed": args.rng_seed != "random",
        "--root-cells": args.root_cells != "keep",
    }
    for name, given in options.items():
        if given:
            raise UsageError(
                f"{name} cannot be combined with {why}: the running kernel makes the "
                "tree and the plan itself"
            )


def _warn_of_shortage(machine: Machine, image: KernelImage, placed: Plan) -> None:
    initrd = bytes(placed["initrd"].data) if "initrd" in placed else None
    line = reused_cmdline(machine, crash=True)
    need = shortage(machine, image, initrd, cmdline=line)
    if need is not None:
        reserved = sum(r.size for r in machine.crash_ranges)
        note(
            f"warning: {amount(reserved)} are reserved for a crash kernel that needs "
            f"about {amount(need.total)}; 'pyfdtx estimate' says for what"
        )


def planned(
    args: argparse.Namespace, *, by_file: bool = False
) -> tuple[Plan | FilePlan, Machine]:
    """The plan that the options ask for, and the machine it is for."""
    if args.image == "-":
        raise UsageError("the kernel cannot come from stdin")
    machine = Machine(args.root, arch=args.arch)
    arch = arch_of(machine.arch)
    if by_file or (arch is not None and arch.by_file):
        _refuse_options(args, "--file" if by_file else machine.arch)
        found = plan(
            machine,
            args.image,
            crash=args.crash,
            initrd=_only_one(args.initrd),
            cmdline=args.cmdline,
            append=args.append,
            keep_words=args.keep_words,
            by_file=True,
            **{name: getattr(args, name, False) for name in FILE_FLAGS},
        )
        return found, machine
    for name in FILE_FLAGS:
        if getattr(args, name, False):
            option = "--" + name.replace("_", "-")
            raise UsageError(f"{option} is a flag of kexec_file_load(2): say --file")
    placed_arch(machine.arch)  # says so if it is not known here
    image = read_image(args.image, configuration=args.fit_config)
    initrd = initrd_of(args.initrd)
    dtb = None if args.dtb is None else read_blob(args.dtb)
    try:
        placed = make_plan(
            machine,
            image,
            crash=args.crash,
            initrd=initrd,
            cmdline=args.cmdline,
            append=args.append,
            keep_words=args.keep_words,
            dtb=dtb,
            kaslr_seed=args.kaslr_seed,
            rng_seed=args.rng_seed,
            root_cells=args.root_cells,
            verify=args.verify,
        )
    except FdtError as e:
        if args.dtb is not None and e.op == "second_kernel_dtb":
            raise Trouble(f"{called(args.dtb)}: {e}") from None
        raise
    judged(placed.findings, force=args.force)
    if args.crash:
        _warn_of_shortage(machine, image, placed)
    return placed, machine
