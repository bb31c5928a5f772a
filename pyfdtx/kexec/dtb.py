# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel's tree: arguments in, one call of an extension, bytes out.

What is written, and in which order, stands in docs/architecture.md, "The
second kernel's tree". This module says no, in words, to what the consuming
kernel would refuse, misread or hang on.
"""

from __future__ import annotations

import os

from .._core import second_kernel as _plain
from ..codec.memrange import U64_MAX, MemRange
from ..errors import FdtBadContent, FdtBadParameter, warn

__all__ = ["Crash", "second_kernel_dtb"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, NoReturn, Union

    from typing_extensions import Buffer, Self

    from .architecture import Arch
    from .job import Told

    Pair = Union[MemRange, tuple[int, int]]

OP = "second_kernel_dtb"

# Linux, Documentation/arch/arm64/booting.rst, and libfdt's reader
DTB_ALIGNMENT = 8
PAGE = 4096
# Linux, drivers/char/random.c and drivers/of/kexec.c RNG_SEED_SIZE
RNG_SEED_SIZE = 128


# What ends a word of the command line: Linux, lib/cmdline.c next_arg(), which
# also takes a quote off, and isspace() of lib/ctype.c, which is Latin-1
_SPACES = bytes.maketrans(b"\t\n\v\f\r\xa0", b"      ")

# By name: those whose trees are made here, once they have been asked for
_ARCHES: dict[str, Arch] = {}

NONE = MemRange(0, 0)


def arch_facts(name: object) -> Arch | None:
    """The record of an architecture whose trees are made here, and of no other."""
    if not isinstance(name, str):
        return None
    if name not in _ARCHES:
        from .architecture import arch_of

        found = arch_of(name)
        if found is None or found.crash_words < 0 or found.name != name:
            return None
        _ARCHES[name] = found
    return _ARCHES[name]


def arch_names() -> list[str]:
    """Of all architectures whose trees are made here."""
    from .architecture import arches

    return [arch.name for arch in arches() if arch.crash_words >= 0]


def _refuse(argument: str, cause: str) -> NoReturn:
    raise FdtBadParameter(OP, argument, cause)


def _range(value: Pair, argument: str) -> MemRange:
    """A MemRange that is not empty; errors name the argument."""
    try:
        got = value if type(value) is MemRange else MemRange.of(value)
    except FdtBadParameter as e:
        raise FdtBadParameter(OP, argument, f"{e.where}: {e.cause}") from None
    except (TypeError, ValueError):
        raise TypeError(
            f"{argument} must be a MemRange or a pair (start, size) of int, "
            f"not {value!r}"
        ) from None
    if not got[1]:
        _refuse(argument, f"{got!r} is empty; leave it out instead")
    return got


class Crash(tuple[MemRange, tuple[MemRange, ...]]):
    """What a crash kernel is told: (elfcorehdr, usable). An immutable tuple.

    Args:
        elfcorehdr: where the ELF core header lies, a MemRange or a (start,
            size) pair, physical bytes.
        usable: the ranges the crash kernel may use, the main one first, then
            the low one, then further ones, as Linux's drivers/of/kexec.c
            orders them: a kernel that reads only one takes the first.
    Raises:
        TypeError: not ranges.
        FdtBadParameter: an empty range, one that wraps 2**64, or no usable
            range at all.
    """

    __slots__ = ()

    def __new__(cls, *, elfcorehdr: Pair, usable: Iterable[Pair]) -> Self:
        header = _range(elfcorehdr, "Crash elfcorehdr")
        try:
            pairs = tuple(usable)
        except TypeError:
            raise TypeError(
                f"Crash usable must be a list of MemRange, not {usable!r}"
            ) from None
        if not pairs:
            _refuse("Crash usable", "no range: the crash kernel would have no memory")
        ranges = tuple(
            [_range(pair, f"Crash usable[{i}]") for i, pair in enumerate(pairs)]
        )
        return super().__new__(cls, (header, ranges))

    @property
    def elfcorehdr(self) -> MemRange:
        """The ELF core header: physical bytes, not empty."""
        return self[0]

    @property
    def usable(self) -> tuple[MemRange, ...]:
        """One or more ranges in the order they are written, none empty."""
        return self[1]

    def __repr__(self) -> str:
        return f"Crash(elfcorehdr={self[0]!r}, usable={list(self[1])!r})"

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, object]]:
        return (), {"elfcorehdr": self[0], "usable": self[1]}


def _text(value: object, argument: str) -> bytes:
    """A command line as bytes: UTF-8, undecodable bytes as surrogates."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be str or None, not {type(value).__name__}")
    if "\0" in value:
        _refuse(argument, f"{value!r} contains a NUL, where the kernel would stop")
    try:
        raw = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        _refuse(argument, f"{value!r} cannot be encoded as UTF-8")
    if b"elfcorehdr=" in raw:
        for word in raw.translate(_SPACES).split(b" "):
            if word.startswith((b"elfcorehdr=", b'"elfcorehdr=')):
                text = word.decode("utf-8", "surrogateescape")
                _refuse(
                    argument,
                    f"{text!r} would override linux,elfcorehdr; say crash= instead",
                )
    return raw


def _integer(value: object, argument: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument} must be int, not {type(value).__name__}")
    if not low <= value <= high:
        _refuse(argument, f"{value:#x} is not between {low:#x} and {high:#x}")
    return value


def _kaslr_seed(value: object) -> int | None:
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
        _refuse("kaslr_seed", "the number given does not fit into 64 bits")
    return value


def _rng_seed(value: object) -> bytes:
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
        _refuse("rng_seed", "no bytes; say None to leave it out")
    return seed


def _input(blob: Buffer) -> bytes:
    """The blob as bytes, which nobody can change while C reads them."""
    if type(blob) is bytes:
        return blob
    try:
        return bytes(memoryview(blob))
    except TypeError:
        raise TypeError(
            f"a device tree must be bytes-like, not {type(blob).__name__}"
        ) from None


def _mem_words(line: bytes) -> list[str]:
    """The values of the mem= words on a command line, as Linux finds them."""
    words = line.translate(_SPACES).decode("latin-1").replace('"', "").split(" ")
    return [w[len("mem=") :] for w in words if w.startswith("mem=")]


def _check_mem(line: bytes, arch: Arch, usable: Iterable[MemRange]) -> str:
    """What the mem= words of a crash kernel's command line do to its memory, if
    that is nothing good.
    """
    from .check.number import memparse

    mem = _mem_words(line)
    if arch.mem_word:
        # The last one is that of crash=
        if len(mem) < 2:
            return ""
        return (
            f"'mem={mem[0]}' of the old command line gives the {arch.name} crash "
            "kernel more than its own memory: set a cmdline without the word"
        )
    if not mem or arch.mem_limit is None:
        return ""
    limit = arch.mem_limit([memparse(m)[0] & -PAGE for m in mem])
    total = sum(r.size for r in usable)
    if not 0 < limit < total:
        return ""
    return (
        f"mem= on the command line leaves the {arch.name} crash kernel {limit:#x} of "
        f"the {total:#x} bytes of linux,usable-memory-range, from the start; the core "
        "header, as a rule, lies at the end: set a cmdline without the word"
    )


def _check_header_place(crash: Crash, arch: Arch) -> str:
    """What is wrong with where the core header lies, or nothing."""
    header, usable = crash
    start, stop = header[0], header[0] + header[1]
    if arch.header_inside:
        for first, size in usable:
            if first <= start and stop <= first + size:
                return ""
        does = f", and {arch.header_outside}" if arch.header_outside else ""
        return (
            f"crash.elfcorehdr {header!r} is not inside a usable range "
            f"({list(usable)!r}): no loader puts it there{does}; place it inside one"
        )
    for r in usable:
        if start < r.stop and r.start < stop:
            return (
                f"crash.elfcorehdr {header!r} overlaps usable {r!r}: the "
                f"{arch.name} crash kernel cannot map it; end the usable range "
                "below the header"
            )
    return ""


def _make(data: bytes, crash: Crash | None, told: Told) -> tuple[bytes, int]:
    """The tree and the length of its command line."""
    # Loads cffi, which plain arguments do without
    from . import job

    return job.run(data, crash, told)


def _command_line(tree: bytes) -> bytes:
    from . import job

    return job.command_line(tree)


def second_kernel_dtb(
    blob: Buffer,
    *,
    cmdline: str | None = None,
    append: str | None = None,
    initrd: Pair | None = None,
    crash: Crash | None = None,
    kaslr_seed: int | Literal["random"] | None = "random",
    rng_seed: Buffer | Literal["random"] | None = "random",
    arch: Literal["arm64", "arm", "riscv"] = "arm64",
    max_usable: int = 2,
    root_cells: Literal["keep", "2/2"] = "keep",
    old_dtb: Pair | None = None,
    load_address: int | None = None,
) -> bytes:
    """The device tree for the kernel that boots next.

    Takes the tree that booted this kernel, removes what was true for this boot
    only, and says what the next kernel must know.

    Args:
        blob: the boot DTB, any bytes-like object; never changed.
        cmdline: the whole command line; None keeps the old one, "" removes it.
        append: words to put behind the old command line.
        initrd: where it lies, a MemRange or (start, size), physical bytes;
            None: there is none. (linux,initrd-end is written exclusive.)
        crash: core header and usable memory make it a crash kernel's tree;
            None: a plain kexec.
        kaslr_seed: a number below 2**64, "random", or None to leave it out.
        rng_seed: bytes, "random" (128 bytes), or None to leave it out.
        arch: "arm64", "arm" or "riscv".
        max_usable: how many usable ranges the crash kernel reads. Linux: 2
            (drivers/of/fdt.c MAX_USABLE_RANGES).
        root_cells: "keep" writes crash.elfcorehdr and crash.usable with root's
            #address-cells and #size-cells; "2/2" makes these 2 and 2 first, if
            no other property depends on them. Only for a crash tree.
        old_dtb: where the running kernel's tree lies, to drop its reservation;
            as initrd.
        load_address: where the result will lie, a physical address, to check
            that it is a multiple of 8.
    Returns: the new tree in canonical form, exactly as long as its totalsize:
        at most 2 MiB for arm64. An independent copy.
    Raises:
        TypeError: an argument of the wrong type.
        FdtBadParameter: an argument that cannot be; the message names it.
        FdtBadBlob: blob is not a sound device tree.
        FdtBadContent: root's cells are missing or unsound (FDT_ERR_BADNCELLS),
            a range does not fit them (FDT_ERR_BADVALUE), or the result is too
            large for arm64.
    Warns:
        FdtWarning: the kernel would not find its core header, cut the command
            line off, or, for mem= in it, its usable memory.
    Source: Linux drivers/of/kexec.c of_kexec_alloc_and_setup_fdt();
        docs/architecture.md, "The second kernel's tree".
    """
    data = blob if type(blob) is bytes else _input(blob)
    facts = _ARCHES.get(arch) if type(arch) is str else None
    if facts is None:
        facts = arch_facts(arch)
    wide = root_cells == "2/2"
    if type(kaslr_seed) is str and kaslr_seed == "random":
        kaslr_seed = int.from_bytes(os.urandom(8), "big")
    if type(rng_seed) is str and rng_seed == "random":
        rng_seed = os.urandom(RNG_SEED_SIZE)
    if facts is not None and load_address is None and (wide or root_cells == "keep"):
        # None for whatever is not plain, wrong or to be warned about
        done = _plain(
            data,
            facts.crash_words,
            facts.command_line_size,
            facts.header_inside,
            facts.max_size,
            cmdline,
            append,
            initrd,
            crash,
            kaslr_seed,
            rng_seed,
            max_usable,
            wide,
            old_dtb,
            MemRange,
            Crash,
        )
        if done is not None:
            return done

    if facts is None:
        _refuse("arch", f"{arch!r} is not one of {', '.join(arch_names())}")
    if root_cells not in ("keep", "2/2"):
        _refuse("root_cells", f'{root_cells!r} is neither "keep" nor "2/2"')
    if load_address is not None:
        _integer(load_address, "load_address", 0, U64_MAX)
        if load_address % DTB_ALIGNMENT:
            _refuse("load_address", f"{load_address:#x} is not 8-byte aligned")

    if cmdline is None:
        text = b"" if append is None else _text(append, "append")
    else:
        if append is not None:
            _refuse("append", "cmdline is given too; use one of them")
        text = _text(cmdline, "cmdline")

    if initrd is not None:
        initrd = _range(initrd, "initrd")
        if initrd.stop > U64_MAX:
            _refuse(
                "initrd",
                f"{initrd!r} ends at 2**64, which linux,initrd-end cannot hold",
            )
    if old_dtb is not None:
        old_dtb = _range(old_dtb, "old_dtb")

    header = NONE
    usable: tuple[MemRange, ...] = ()
    if crash is not None:
        if not isinstance(crash, Crash):
            raise TypeError(
                f"crash must be a Crash or None, not {type(crash).__name__}"
            )
        header, usable = crash
        limit = _integer(max_usable, "max_usable", 1, 1 << 16)
        if len(usable) > limit:
            _refuse(
                "crash.usable",
                f"{len(usable)} ranges, but the crash kernel reads "
                f"max_usable={limit} and ignores the rest",
            )
        if facts.mem_word and header.start - usable[0].start < 1024:
            _refuse(
                "crash.elfcorehdr",
                f"{header!r} must start at least 1 KiB above "
                f"crash.usable[0] {usable[0]!r}: the kernel's mem= word "
                "is their distance",
            )
        mem = _mem_words(text) if facts.mem_word else []
        if mem:
            _refuse(
                "append" if cmdline is None else "cmdline",
                f"'mem={mem[0]}' would give the crash kernel more than its own "
                "memory: its mem= word is written from crash=",
            )

    seed = _kaslr_seed(kaslr_seed)
    rng = _rng_seed(rng_seed)
    out, bootargs_len = _make(
        data,
        crash,
        (
            facts.crash_words,
            crash is not None and wide,
            cmdline is None,
            text,
            initrd or NONE,
            old_dtb or NONE,
            header,
            usable,
            seed,
            rng,
        ),
    )
    size = len(out)

    if facts.max_size and size > facts.max_size:
        raise FdtBadContent(
            OP,
            "",
            f"the tree has {size:#x} bytes, {arch} kernels hang without a word "
            f"above {facts.max_size:#x}; remove nodes or properties",
        )
    if bootargs_len >= facts.command_line_size:
        warn(
            f"{OP}: the command line has {bootargs_len} bytes, the {arch} kernel "
            f"reads {facts.command_line_size - 1} (COMMAND_LINE_SIZE) and "
            "drops the rest"
        )
    if crash is not None:
        complaint = _check_header_place(crash, facts)
        if complaint:
            warn(f"{OP}: {complaint}")
        complaint = _check_mem(_command_line(out), facts, usable)
        if complaint:
            warn(f"{OP}: {complaint}")
    return out
