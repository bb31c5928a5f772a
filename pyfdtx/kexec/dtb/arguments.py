# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Reading the arguments of second_kernel_dtb(); errors name the argument."""

from __future__ import annotations

import os

from ...codec.memrange import U64_MAX, MemRange
from ..cmdline import values, words
from .crash import RNG_SEED_SIZE, Crash, range_of, refuse

__all__ = ["cmdline_bytes", "integer", "read", "rng_bytes"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from ..architecture import Arch
    from .crash import Pair

    # crash_words, root_cells_2_2, keep_cmdline, cmdline, initrd, old_dtb, elfcorehdr,
    # usable, kaslr_seed, rng_seed; a range of (0, 0) is none
    Told = tuple[
        int,
        bool,
        bool,
        bytes,
        MemRange,
        MemRange,
        MemRange,
        tuple[MemRange, ...],
        Optional[int],
        bytes,
    ]

# Linux, Documentation/arch/arm64/booting.rst, and libfdt's reader
DTB_ALIGNMENT = 8
NONE = MemRange(0, 0)


def cmdline_bytes(value: object, argument: str) -> bytes:
    """A command line as bytes: UTF-8, undecodable bytes as surrogates."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be str or None, not {type(value).__name__}")
    if "\0" in value:
        refuse(argument, f"{value!r} contains a NUL, where the kernel would stop")
    try:
        raw = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        refuse(argument, f"{value!r} cannot be encoded as UTF-8")
    if b"elfcorehdr=" in raw:
        for word in words(raw):
            if word.is_called("elfcorehdr") and word.value is not None:
                refuse(
                    argument,
                    f"{word.text!r} would override linux,elfcorehdr; say crash= "
                    "instead",
                )
    return raw


def integer(value: object, argument: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument} must be int, not {type(value).__name__}")
    if not low <= value <= high:
        refuse(argument, f"{value:#x} is not between {low:#x} and {high:#x}")
    return value


def kaslr_number(value: object) -> int | None:
    """The number to write. Errors do not show it: it is a secret."""
    if value is None:
        return None
    if isinstance(value, str) and value == "random":
        return int.from_bytes(os.urandom(8), "big")
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(
            'kaslr_seed must be int, "random" or None, not ' + type(value).__name__
        )
    if not 0 <= value <= U64_MAX:
        refuse("kaslr_seed", "the number given does not fit into 64 bits")
    return value


def rng_bytes(value: object) -> bytes:
    """The bytes to write, b"" for none."""
    if value is None:
        return b""
    if type(value) is bytes and value:
        return value
    if isinstance(value, str) and value == "random":
        return os.urandom(RNG_SEED_SIZE)
    try:
        seed = bytes(memoryview(value))  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            'rng_seed must be bytes-like, "random" or None, not ' + type(value).__name__
        ) from None
    if not seed:
        refuse("rng_seed", "no bytes; say None to leave it out")
    return seed


def _cmdline(cmdline: str | None, append: str | None) -> bytes:
    """The new command line, or what goes behind the old one."""
    if cmdline is None:
        return b"" if append is None else cmdline_bytes(append, "append")
    if append is not None:
        refuse("append", "cmdline is given too; use one of them")
    return cmdline_bytes(cmdline, "cmdline")


def _initrd(initrd: Pair | None) -> MemRange:
    if initrd is None:
        return NONE
    got = range_of(initrd, "initrd")
    if got.stop > U64_MAX:
        refuse("initrd", f"{got!r} ends at 2**64, which linux,initrd-end cannot hold")
    return got


def _crash(crash: object, arch: Arch, max_usable: object) -> Crash:
    """A Crash that the crash kernel of an architecture can do something with."""
    if not isinstance(crash, Crash):
        raise TypeError(f"crash must be a Crash or None, not {type(crash).__name__}")
    header, usable = crash
    limit = integer(max_usable, "max_usable", 1, 1 << 16)
    if len(usable) > limit:
        refuse(
            "crash.usable",
            f"{len(usable)} ranges, but the crash kernel reads "
            f"max_usable={limit} and ignores the rest",
        )
    if arch.mem_word and header.start - usable[0].start < 1024:
        refuse(
            "crash.elfcorehdr",
            f"{header!r} must start at least 1 KiB above "
            f"crash.usable[0] {usable[0]!r}: the kernel's mem= word "
            "is their distance",
        )
    return crash


def _refuse_mem_word(text: bytes, argument: str) -> None:
    mem = values(text, "mem")
    if mem:
        refuse(
            argument,
            f"'mem={mem[0]}' would give the crash kernel more than its own "
            "memory: its mem= word is written from crash=",
        )


def read(
    arch: Arch,
    *,
    cmdline: str | None = None,
    append: str | None = None,
    initrd: Pair | None = None,
    crash: Crash | None = None,
    kaslr_seed: object = "random",
    rng_seed: object = "random",
    max_usable: object = 2,
    root_cells: object = "keep",
    old_dtb: Pair | None = None,
    load_address: object = None,
) -> Told:
    """All arguments of second_kernel_dtb() but blob and arch, as C is told them.

    Raises:
        TypeError, FdtBadParameter: see there.
    """
    if root_cells not in ("keep", "2/2"):
        refuse("root_cells", f'{root_cells!r} is neither "keep" nor "2/2"')
    if load_address is not None:
        address = integer(load_address, "load_address", 0, U64_MAX)
        if address % DTB_ALIGNMENT:
            refuse("load_address", f"{address:#x} is not 8-byte aligned")
    text = _cmdline(cmdline, append)
    place = _initrd(initrd)
    old = NONE if old_dtb is None else range_of(old_dtb, "old_dtb")
    header = NONE
    usable: tuple[MemRange, ...] = ()
    if crash is not None:
        header, usable = _crash(crash, arch, max_usable)
        if arch.mem_word:
            _refuse_mem_word(text, "append" if cmdline is None else "cmdline")
    return (
        arch.crash_words,
        crash is not None and root_cells == "2/2",
        cmdline is None,
        text,
        place,
        old,
        header,
        usable,
        kaslr_number(kaslr_seed),
        rng_bytes(rng_seed),
    )
