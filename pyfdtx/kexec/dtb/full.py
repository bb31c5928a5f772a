# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""second_kernel_dtb() in full: the call in C, then refusals and warnings.

They name what the consuming kernel would refuse, misread or hang on.
"""

from __future__ import annotations

from ..._core import MEM_WORD, WORDS_FIRST
from ..._native import validate
from ...errors import FdtBadBlob, FdtBadContent, warn
from ...tree import flat
from ..cmdline import joined, lost, memparse, values, without
from . import arguments, native
from .crash import OP, bytes_of, may_have_pools

__all__ = ["bootargs_of", "make", "unjudged"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Buffer

    from ...codec.memrange import MemRange
    from ..architecture import Arch
    from .arguments import Told
    from .crash import Crash

PAGE = 4096


def _check_mem(line: bytes, arch: Arch, usable: Iterable[MemRange]) -> str:
    """What the mem= words of a crash kernel's command line do to its memory, if
    that is nothing good.
    """
    mem = values(line, "mem")
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
        "header usually lies at the end: set a cmdline without the word"
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


def _refuse_size(out: bytes, arch: Arch) -> None:
    if len(out) > arch.max_dtb:
        raise FdtBadContent(
            OP,
            "",
            f"the tree has {len(out):#x} bytes, {arch.name} kernels take at most "
            f"{arch.max_dtb:#x} and {arch.above_max_dtb}; remove nodes or properties",
        )


def _warn(out: bytes, bootargs_len: int, arch: Arch, crash: Crash | None) -> None:
    """What the kernel would not find, or cut off."""
    if bootargs_len >= arch.command_line_size:
        warn(
            f"{OP}: the command line has {bootargs_len} bytes, the {arch.name} kernel "
            f"reads {arch.command_line_size - 1} (COMMAND_LINE_SIZE) and "
            f"drops the rest: {lost(native.command_line(out), arch.command_line_size)}"
        )
    if crash is None:
        return
    for complaint in (
        _check_header_place(crash, arch),
        _check_mem(native.command_line(out), arch, crash.usable),
    ):
        if complaint:
            warn(f"{OP}: {complaint}")


def bootargs_of(blob: bytes) -> bytes:
    """A tree's command line, up to its first NUL.

    Raises:
        FdtBadBlob: it is no sound tree.
    """
    for node in flat.read(blob).nodes:
        if node.depth == 1 and node.name.partition("@")[0] == "chosen":
            line = dict(reversed(node.properties)).get("bootargs", b"")
            return line.partition(b"\0")[0]
    return b""


def _old_line(data: bytes, arch: Arch) -> bytes:
    """The old command line without what an older boot left in it."""
    try:
        line = bootargs_of(data)
    except FdtBadBlob:
        try:
            validate(bytearray(data), OP)
        except FdtBadBlob:
            return b""  # refused in a moment
        raise
    names = ["elfcorehdr", "mem"] if arch.mem_word else ["elfcorehdr"]
    kept, _ = without(
        line, lambda w: w.value is not None and any(map(w.is_called, names))
    )
    return kept


def _with_line(data: bytes, arch: Arch, crash: Crash | None, told: Told) -> Told:
    """The same with the whole command line in it."""
    bits, wide, keep, text, *rest = told
    line = joined(_old_line(data, arch), text) if keep else text
    if crash is not None and bits:
        header, usable = crash
        added = f"elfcorehdr={header.start:#x}".encode()
        if bits & MEM_WORD:
            added += f" mem={(header.start - usable[0].start) // 1024}K".encode()
        first = bits & WORDS_FIRST
        line = joined(added, line) if first else joined(line, added)
    return (0, wide, False, line, *rest)  # type: ignore[return-value]


def _run(data: bytes, arch: Arch, crash: Crash | None, told: Told) -> tuple[bytes, int]:
    told = _with_line(data, arch, crash, told)
    if crash is not None and may_have_pools(data):
        from .pools import without_lost_pools

        data = without_lost_pools(data, crash.usable)
    return native.run(data, crash, told)


def unjudged(blob: Buffer, arch: Arch, **given: Any) -> bytes:
    """As second_kernel_dtb(), for those who ask the checker afterwards: it warns
    about nothing. given: the arguments of second_kernel_dtb()."""
    told = arguments.read(arch, **given)
    out, _ = _run(bytes_of(blob), arch, given.get("crash"), told)
    _refuse_size(out, arch)
    return out


def make(data: bytes, arch: Arch, crash: Crash | None, told: Told) -> bytes:
    """The tree; told: what arguments.read() made of the arguments."""
    out, bootargs_len = _run(data, arch, crash, told)
    _refuse_size(out, arch)
    _warn(out, bootargs_len, arch, crash)
    return out
