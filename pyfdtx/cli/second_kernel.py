# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What crash-dtb and kexec-dtb have in common."""

from __future__ import annotations

import argparse

from ..errors import FdtBadParameter, FdtError
from ..kexec import Crash
from ..kexec.architecture import arch_of
from ..kexec.check.checker import check_tree
from ..kexec.check.facts import CMA_SINCE, USABLE_RANGES
from ..kexec.cmdline import STARVING, reused, with_words, words
from ..kexec.dtb.full import bootargs_of, unjudged
from ..kexec.dtb.second_kernel import arch_names
from ..kexec.place.plan import NOT_TAKEN_OVER
from .arguments import memory, number
from .files import called, read_blob, write_blob
from .judging import force_argument, judged
from .trouble import Trouble, UsageError, note
from .words import in_options

__all__ = ["common_arguments", "crash_arguments", "make", "seed_arguments"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.reg import MemRange

CMA_KERNEL = ".".join(map(str, CMA_SINCE))


def _initrd(text: str) -> MemRange | None:
    return None if text == "none" else memory(text)


def _kaslr_seed(text: str) -> int | str | None:
    if text in ("random", "none"):
        return None if text == "none" else text
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not 1 <= len(digits) <= 16 or digits.strip("0123456789abcdefABCDEF"):
        raise argparse.ArgumentTypeError(
            "neither 'random' nor 'none' nor up to 16 hex digits"
        )
    return int(digits, 16)


def _rng_seed(text: str) -> bytes | str | None:
    if text in ("random", "none"):
        return None if text == "none" else text
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not digits or len(digits) % 2 or digits.strip("0123456789abcdefABCDEF"):
        raise argparse.ArgumentTypeError(
            "neither 'random' nor 'none' nor whole bytes in hex"
        )
    return bytes.fromhex(digits)


def common_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("boot", metavar="BOOT", help="the tree this kernel booted with; - is stdin")
    add("-o", "--output", metavar="OUT", required=True, help="file; - is stdout")
    add(
        "--initrd",
        metavar="ADDR,SIZE",
        type=_initrd,
        default=None,
        help="the new kernel's initrd, or none (default: none; the old one's "
        "properties and reservation go)",
    )
    line = parser.add_mutually_exclusive_group()
    line.add_argument(
        "--cmdline", metavar="TEXT", help="the whole command line; '' removes it"
    )
    line.add_argument("--append", metavar="TEXT", help="add to the old command line")
    seed_arguments(parser)
    add("--arch", choices=sorted(arch_names()), default="arm64", help="default: arm64")
    add(
        "--old-dtb",
        metavar="ADDR,SIZE",
        type=memory,
        help="where the old tree lies in memory; its reservation goes",
    )
    add(
        "--load-address",
        metavar="ADDR",
        type=number,
        help="where the new tree will lie; checked for alignment and place",
    )
    force_argument(parser)


def keep_words_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep-words",
        action="store_true",
        help="leave in the old command line what would only take a crash kernel's "
        "memory (hugepages=, cma=, swiotlb=, ...); crashkernel= and mem= go all the "
        "same",
    )


def seed_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that makes a tree has."""
    add = parser.add_argument
    add(
        "--kaslr-seed",
        metavar="random|none|HEX",
        type=_kaslr_seed,
        default="random",
        help="64 bits (default: random)",
    )
    add(
        "--rng-seed",
        metavar="random|none|HEX",
        type=_rng_seed,
        default="random",
        help="any number of bytes (default: random, 128)",
    )
    add(
        "--root-cells",
        choices=("keep", "2/2"),
        default="keep",
        help="2/2: write the root's #address-cells and #size-cells as 2, for trees "
        "without them or too narrow (default: keep)",
    )


def crash_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--elfcorehdr",
        metavar="ADDR,SIZE",
        type=memory,
        required=True,
        help="where the ELF core header lies",
    )
    add(
        "--usable",
        metavar="ADDR,SIZE",
        type=memory,
        action="append",
        required=True,
        help="memory of the crash kernel; again for more, the main range first",
    )
    add(
        "--max-usable",
        metavar="N",
        type=number,
        default=2,
        help="ranges that the crash kernel can read (default: 2, Linux up to 7.2)",
    )
    keep_words_argument(parser)


def _line(blob: bytes, args: argparse.Namespace) -> str | None:
    """A crash kernel's command line: the old one as 'pyfdtx load' takes it over."""
    if args.cmdline is not None or not hasattr(args, "usable"):
        return args.cmdline  # type: ignore[no-any-return]
    old = bootargs_of(blob)
    text = old.decode("utf-8", "surrogateescape")
    line, gone = reused(text, crash=True, keep=args.keep_words)
    if not any(word.is_called(name) for word in words(old) for name in STARVING):
        return None  # as it is
    if gone:
        note(NOT_TAKEN_OVER + " ".join(gone))
    return with_words(line, args.append)


def make(args: argparse.Namespace) -> int:
    """Both commands: read, make, write."""
    blob = read_blob(args.boot)
    arch = arch_of(args.arch)
    assert arch is not None
    try:
        crash = None
        more = {}
        if hasattr(args, "usable"):
            crash = Crash(elfcorehdr=args.elfcorehdr, usable=args.usable)
            more["max_usable"] = args.max_usable
        line = _line(blob, args)
        result = unjudged(
            blob,
            arch,
            cmdline=line,
            append=args.append if line is None else None,
            initrd=args.initrd,
            crash=crash,
            kaslr_seed=args.kaslr_seed,
            rng_seed=args.rng_seed,
            root_cells=args.root_cells,
            old_dtb=args.old_dtb,
            load_address=args.load_address,
            **more,
        )
        findings = check_tree(
            result,
            arch=args.arch,
            kernel=CMA_KERNEL if more.get("max_usable", 0) > USABLE_RANGES else None,
            load_address=args.load_address,
        )
    except FdtBadParameter as e:
        raise UsageError(in_options(str(e))) from None
    except FdtError as e:
        raise Trouble(f"{called(args.boot)}: {e}") from None
    judged(findings, force=args.force)
    write_blob(args.output, result, private=True)
    return 0
