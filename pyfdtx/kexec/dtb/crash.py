# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Crash: where a crash kernel finds core header and memory. Ranges as arguments."""

from __future__ import annotations

from ...codec.memrange import MemRange
from ...errors import FdtBadParameter

__all__ = [
    "OP",
    "RNG_SEED_SIZE",
    "Crash",
    "bytes_of",
    "may_have_pools",
    "range_of",
    "refuse",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn, Union

    from typing_extensions import Buffer, Self

    Pair = Union[MemRange, tuple[int, int]]

OP = "second_kernel_dtb"
# Bytes: Linux, drivers/char/random.c and drivers/of/kexec.c RNG_SEED_SIZE
RNG_SEED_SIZE = 128


def refuse(argument: str, cause: str) -> NoReturn:
    raise FdtBadParameter(OP, argument, cause)


def bytes_of(blob: Buffer) -> bytes:
    """The blob as bytes, which nobody can change while C reads them."""
    if type(blob) is bytes:
        return blob
    try:
        return bytes(memoryview(blob))
    except TypeError:
        raise TypeError(
            f"a device tree must be bytes-like, not {type(blob).__name__}"
        ) from None


def may_have_pools(blob: bytes) -> bool:
    """Whether the names of a tree's properties allow for a pool (pools.py); nothing is
    validated yet, a sound tree is judged rightly."""
    strings = int.from_bytes(blob[12:16], "big")
    return blob.find(b"reusable\0", strings) >= 0


def range_of(value: Pair, argument: str) -> MemRange:
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
        refuse(argument, f"{got!r} is empty; leave it out instead")
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
        header = range_of(elfcorehdr, "Crash elfcorehdr")
        try:
            pairs = tuple(usable)
        except TypeError:
            raise TypeError(
                f"Crash usable must be a list of MemRange, not {usable!r}"
            ) from None
        if not pairs:
            refuse("Crash usable", "no range: the crash kernel would have no memory")
        ranges = tuple(
            [range_of(pair, f"Crash usable[{i}]") for i, pair in enumerate(pairs)]
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
