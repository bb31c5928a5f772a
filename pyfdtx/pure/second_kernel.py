# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel's tree. The numbers in the comments are the steps of
docs/second-kernel.md.
"""

from __future__ import annotations

import os
from struct import pack

from ..errors import FdtBadContent, FdtBadParameter, error
from .blob import (
    END_NODE,
    Node,
    Strings,
    assemble,
    name_bytes,
    property_bytes,
    scan,
    splice,
)
from .tree import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

    from .blob import Buffer, Edit, Scan

    Range = tuple[int, int]
    Cells = tuple[int, int]

OP = "second_kernel_dtb"
BADNCELLS, BADVALUE = -14, -15
U64_END = 1 << 64
U32_END = 1 << 32
MAX_DTB = {"arm64": 2 << 20, "riscv": 2 << 20, "arm": 1 << 20}
ADDRESS_CELLS, SIZE_CELLS = b"#address-cells", b"#size-cells"

# Step 4
STALE = frozenset(
    {
        b"linux,elfcorehdr",
        b"linux,usable-memory-range",
        b"linux,initrd-start",
        b"linux,initrd-end",
        b"linux,dmcryptkeys",
        b"linux,kho-fdt",
        b"linux,kho-scratch",
        b"linux,ima-kexec-buffer",
        b"bootargs",
        b"kaslr-seed",
        b"rng-seed",
        b"linux,booted-from-kexec",
    }
)
# Step 3: old ranges that had a reservation of their own
RESERVED_BY = (b"linux,elfcorehdr", b"linux,ima-kexec-buffer", b"linux,dmcryptkeys")
MAX_OLD_ENTRIES = 16
PAGE_SIZES = (4 << 10, 16 << 10, 64 << 10)
# Step 2: properties whose meaning hangs on the cells of an ancestor
SPEAKING_CELLS = frozenset(
    {"reg", "ranges", "dma-ranges", "linux,usable-memory", "assigned-addresses"}
)
# isspace() of Linux lib/ctype.c, which is Latin-1
BLANKS = b" \t\n\v\f\r\xa0"


class _Crash:
    """A crash kernel's ranges."""

    def __init__(self, elfcorehdr: Range, usable: list[Range]):
        self.elfcorehdr = elfcorehdr
        self.usable = usable


# Arguments


def _refuse(argument: str, value: object, why: str) -> NoReturn:
    raise FdtBadParameter(OP, argument, f"{value!r} {why}")


def _type_error(argument: str, what: str, value: object) -> NoReturn:
    raise TypeError(f"{argument} must be {what}, not {type(value).__name__}")


def _integer(argument: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _type_error(argument, "int", value)
    if not low <= value <= high:
        _refuse(argument, value, f"is not between {low:#x} and {high:#x}")
    return value


def _range(argument: str, value: Iterable[int]) -> Range:
    try:
        start, size = value
    except (TypeError, ValueError):
        _type_error(argument, "a pair (start, size)", value)
    if not isinstance(start, int) or not isinstance(size, int):
        _type_error(argument, "a pair (start, size) of int", value)
    if start < 0 or size < 0 or start + size > U64_END:
        _refuse(argument, (start, size), "is negative or wraps 2**64")
    if not size:
        _refuse(argument, (start, size), "is empty")
    return start, size


def _crash_argument(crash: Any, max_usable: int) -> _Crash | None:
    if crash is None:
        return None
    try:
        if hasattr(crash, "elfcorehdr"):
            elfcorehdr, usable = crash.elfcorehdr, list(crash.usable)
        else:
            elfcorehdr, usable = crash[0], list(crash[1])
    except (TypeError, LookupError):
        _type_error("crash", "a pair (elfcorehdr, usable)", crash)
    made = _Crash(
        _range("elfcorehdr", elfcorehdr),
        [_range(f"usable[{i}]", r) for i, r in enumerate(usable)],
    )
    _integer("max_usable", max_usable, 1, 1 << 16)
    if not 1 <= len(made.usable) <= max_usable:
        _refuse("usable", made.usable, f"is not one to max_usable={max_usable} ranges")
    return made


def _words(text: bytes) -> tuple[list[tuple[int, int, bytes]], int]:
    """(start, next, word without quotes) of each word for the kernel, and where the
    rest starts: -- and all for init, or nothing.

    Source: Linux lib/cmdline.c next_arg(), kernel/params.c parse_args().
    """
    found: list[tuple[int, int, bytes]] = []
    at = 0
    text += b" "
    while True:
        while at < len(text) and text[at] in BLANKS:
            at += 1
        if at == len(text):
            return found, at - 1
        start, quoted = at, False
        while at < len(text) and (quoted or text[at] not in BLANKS):
            quoted ^= text[at] == 34
            at += 1
        end = min(at, len(text) - 1)
        word = text[start:end].replace(b'"', b"")
        if word == b"--":
            return found, start
        while at < len(text) and text[at] in BLANKS:
            at += 1
        found.append((start, min(at, len(text) - 1), word))


def _add(text: bytes, more: bytes) -> bytes:
    """Words behind those for the kernel."""
    if not text or not more:
        return text or more
    at, cut = _words(text)[1], _words(more)[1]
    if at == len(text):
        return text + b" " + more
    ours, rest = more[:cut].rstrip(BLANKS), more[cut:]
    if text[at:].startswith(b"--") and rest.startswith(b"--"):
        rest = rest[2:].lstrip(BLANKS)
    return text[:at] + b" ".join(p for p in (ours, text[at:], rest) if p)


def _text_argument(argument: str, text: str | None) -> bytes:
    if text is not None and not isinstance(text, str):
        _type_error(argument, "str or None", text)
    try:
        raw = text.encode("utf-8", "surrogateescape") if text else b""
    except UnicodeEncodeError:
        _refuse(argument, text, "cannot be written as UTF-8")
    if b"\0" in raw:
        _refuse(argument, text, "contains a NUL")
    if any(w[2].startswith(b"elfcorehdr=") for w in _words(raw)[0]):
        _refuse(argument, text, "has an elfcorehdr= word, which would override crash")
    return raw


def _no_mem(argument: str, text: str | None) -> None:
    """On arm, a crash kernel has the one mem= word that is written for it."""
    raw = (text or "").encode("utf-8", "surrogateescape")
    if any(w[2].startswith(b"mem=") for w in _words(raw)[0]):
        _refuse(argument, text, "has a mem= word, which would add memory")


def _seed_arguments(
    kaslr_seed: int | str | None, rng_seed: bytes | str | None
) -> tuple[bytes | None, bytes | None]:
    if kaslr_seed == "random":
        kaslr = os.urandom(8)
    elif kaslr_seed is None:
        kaslr = None
    elif not isinstance(kaslr_seed, int) or isinstance(kaslr_seed, bool):
        _type_error("kaslr_seed", 'int, "random" or None', kaslr_seed)
    elif 0 <= kaslr_seed < U64_END:
        kaslr = pack(">Q", kaslr_seed)
    else:
        raise FdtBadParameter(OP, "kaslr_seed", "does not fit into 64 bits")
    if isinstance(rng_seed, str) and rng_seed == "random":
        rng = os.urandom(128)
    elif rng_seed is None:
        rng = None
    else:
        try:
            rng = bytes(memoryview(rng_seed))  # type: ignore[arg-type]
        except TypeError:
            _type_error("rng_seed", 'bytes-like, "random" or None', rng_seed)
        if not rng:
            raise FdtBadParameter(OP, "rng_seed", "has no bytes")
    return kaslr, rng


# Cells


def _input_cells(root: Node) -> tuple[bytes | None, bytes | None, bool]:
    """(#address-cells, #size-cells, whether what is there is sound)."""
    address, size = root.get(ADDRESS_CELLS), root.get(SIZE_CELLS)
    sound = all(
        raw is None or (len(raw) == 4 and low <= int.from_bytes(raw, "big") <= 4)
        for raw, low in ((address, 1), (size, 0))
    )
    return address, size, sound


def _decode(value: bytes, cells: Cells) -> list[Range]:
    """The first (start, size) entries, nothing for a ragged value."""
    ac, sc = 4 * cells[0], 4 * cells[1]
    if len(value) % (ac + sc):
        return []
    return [
        (
            int.from_bytes(value[i : i + ac], "big"),
            int.from_bytes(value[i + ac : i + ac + sc], "big"),
        )
        for i in range(0, len(value), ac + sc)[:MAX_OLD_ENTRIES]
    ]


def _encode(prop: str, ranges: Sequence[Range], cells: Cells) -> bytes:
    ac, sc = cells
    value = b""
    for start, size in ranges:
        if start + size > (U32_END if ac == 1 else U64_END) or size >> (32 * sc):
            raise error(
                BADVALUE,
                OP,
                "/chosen:" + prop,
                f"({start:#x}, {size:#x}) does not fit {ac} address and {sc} size "
                "cells of the root",
            )
        value += start.to_bytes(4 * ac, "big") + size.to_bytes(4 * sc, "big")
    return value


def _root_cells(s: Scan, choice: str, strings: Strings, edits: list[Edit]) -> Cells:
    """Step 2: the cells to encode with; may add edits that make them 2/2."""
    address, size, sound = _input_cells(s.root)
    if not sound:
        raise error(BADNCELLS, OP, "/", "unsound #address-cells or #size-cells")
    two = pack(">I", 2)
    if choice == "2/2" and (address, size) != (two, two):
        speaker = _governed_by_root(s)
        if speaker:
            raise error(
                BADNCELLS, OP, speaker, "would change its meaning with root cells 2/2"
            )
        added = b""
        for name, raw in ((SIZE_CELLS, size), (ADDRESS_CELLS, address)):
            if raw is None:
                added = property_bytes(strings, name, two) + added
            elif raw != two:
                old = next(p for p in s.root.props if p.name == name)
                edits.append((old.end - 4, old.end, two))
        edits.append((s.root.front, s.root.front, added))
        return 2, 2
    if address is None or size is None:
        raise error(
            BADNCELLS,
            OP,
            "/",
            "#address-cells or #size-cells is missing; root_cells='2/2' adds them",
        )
    return int.from_bytes(address, "big"), int.from_bytes(size, "big")


def _pools_off(
    s: Scan, usable: list[Range], strings: Strings, edits: list[Edit]
) -> None:
    """Step 2a: fixed pools that are not in usable memory get status "disabled"."""
    address, size, sound = _input_cells(s.root)
    home = s.pools[0] if s.pools else None
    if not sound or home is None or home.get(b"ranges") is None:
        return
    one = pack(">I", 1)
    cells = address or one, size or one
    for name, raw in zip((ADDRESS_CELLS, SIZE_CELLS), cells):
        if (home.get(name) or b"")[:4] != raw:
            return
    a, step = (4 * int.from_bytes(raw, "big") for raw in cells)
    step += a
    for node in s.pools[1:]:
        reg = node.get(b"reg") or b""
        is_pool = (
            b"shared-dma-pool" in (node.get(b"compatible") or b"").split(b"\0")
            and node.get(b"reusable") is not None
            and node.get(b"no-map") is None
            and _available(node.get(b"status"))
        )
        if not is_pool or len(reg) % step:
            continue
        for at in range(0, len(reg), step):
            first = int.from_bytes(reg[at : at + a], "big")
            stop = first + int.from_bytes(reg[at + a : at + step], "big")
            good = stop == first or stop > U64_END
            if not good and not any(u <= first and stop <= u + n for u, n in usable):
                edits.append(_status(s, node, strings))
                break


def _available(status: bytes | None) -> bool:
    return status is None or status.split(b"\0")[0] in (b"okay", b"ok")


def _status(s: Scan, node: Node, strings: Strings) -> Edit:
    value = b"disabled\0"
    for p in node.props:
        if p.name == b"status":
            # The name stays where it is
            head = pack(">2I", 3, len(value)) + s.blob[p.start + 8 : p.start + 12]
            return p.start, p.end, head + value + bytes(-len(value) % 4)
    return node.front, node.front, property_bytes(strings, b"status", value)


def _governed_by_root(s: Scan) -> str:
    """The first property ("/node:property") that the root's cells govern, or that
    /reserved-memory must share with the root, or ""."""
    two = pack(">I", 2)
    todo = [("/" + child[0], child) for child in reversed(plain(s)[2])]
    while todo:
        path, (_, props, children) = todo.pop()
        # of several properties with one name the first counts
        values = dict(reversed(props))
        # Linux ignores it if its cells are not the root's
        if path.count("/") == 1 and path.partition("@")[0] == "/reserved-memory":
            for name in ("#address-cells", "#size-cells"):
                if values.get(name, two) != two:
                    return f"{path}:{name}"
        for name in values:
            if name in SPEAKING_CELLS and values[name]:
                return f"{path}:{name}"
        if "#address-cells" not in values or "#size-cells" not in values:
            todo += [(f"{path}/{child[0]}", child) for child in reversed(children)]
    return ""


# Steps 3 and 5


def _stale_ranges(s: Scan, old_dtb: Range | None) -> set[Range]:
    """Reservations of the input that belong to the kernel before."""
    reserved = set(s.reserved)
    stale = {old_dtb} if old_dtb else set()
    if s.chosen is None:
        return stale

    address, size, sound = _input_cells(s.root)
    for name in RESERVED_BY:
        value = s.chosen.get(name)
        if value is None or not sound:
            continue
        if address is not None and size is not None:
            cells = int.from_bytes(address, "big"), int.from_bytes(size, "big")
        elif len(value) in (8, 12, 16):
            cells = {8: (1, 1), 12: (2, 1), 16: (2, 2)}[len(value)]
        else:
            continue
        stale.update(_decode(value, cells))

    first, end = s.chosen.get(b"linux,initrd-start"), s.chosen.get(b"linux,initrd-end")
    if first is not None and end is not None and {len(first), len(end)} <= {4, 8}:
        start = int.from_bytes(first, "big")
        length = int.from_bytes(end, "big") - start
        if length >= 0:
            sizes = [length, *(-(-length // page) * page for page in PAGE_SIZES)]
            stale.update([(start, n) for n in sizes if (start, n) in reserved][:1])
    return stale


# The command line


def _cut(text: bytes, arch: str) -> bytes:
    """text without words that an older boot left behind."""
    prefixes = (b"elfcorehdr=", b"mem=") if arch == "arm" else (b"elfcorehdr=",)
    kept, at, cut = b"", 0, False
    for start, behind, word in _words(text)[0]:
        if word.startswith(prefixes):
            kept += text[at:start]
            at, cut = behind, True
    return (kept + text[at:]).rstrip(BLANKS) if cut else text


def _arm_kib(crash: _Crash) -> int:
    """What arm's mem= says: the KiB from the usable memory to the header."""
    return (crash.elfcorehdr[0] - crash.usable[0][0]) // 1024


def _command_line(
    old: bytes,
    cmdline: str | None,
    append: str | None,
    crash: _Crash | None,
    arch: str,
) -> bytes:
    added = _text_argument("append", append)
    line = _text_argument("cmdline", cmdline)
    if cmdline is None:
        line = _cut(old.split(b"\0")[0], arch)
        line = _add(line, added)
    if crash and arch == "riscv":
        word = b"elfcorehdr=0x%x" % crash.elfcorehdr[0]
        line = word + b" " + line if line else word
    elif crash and arch == "arm":
        words = b"elfcorehdr=0x%x mem=%dK" % (crash.elfcorehdr[0], _arm_kib(crash))
        line = _add(line, words)
    return line


def second_kernel_dtb(
    blob: Buffer,
    *,
    cmdline: str | None = None,
    append: str | None = None,
    initrd: Iterable[int] | None = None,
    crash: Any = None,
    kaslr_seed: int | str | None = "random",
    rng_seed: bytes | str | None = "random",
    arch: str = "arm64",
    max_usable: int = 2,
    root_cells: str = "keep",
    old_dtb: Iterable[int] | None = None,
    load_address: int | None = None,
) -> bytes:
    """As pyfdtx.kexec.second_kernel_dtb(), byte for byte.

    Args:
        crash: an object with `elfcorehdr` and `usable`, or a pair of them;
            every range is (start, size) in bytes.
    Returns: the canonical blob. Warns about nothing.
    Raises: TypeError, FdtBadParameter, FdtBadBlob, FdtBadContent, as that does.
    """
    if arch not in ("arm64", "arm", "riscv"):
        _refuse("arch", arch, "is not arm64, arm or riscv")
    if root_cells not in ("keep", "2/2"):
        _refuse("root_cells", root_cells, "is not 'keep' or '2/2'")
    if cmdline is not None and append is not None:
        _refuse("append", append, "and cmdline exclude each other")
    if load_address is not None and (
        _integer("load_address", load_address, 0, U64_END - 1) % 8
    ):
        _refuse("load_address", hex(load_address), "is not 8-byte aligned")
    to_crash = _crash_argument(crash, max_usable)
    if to_crash and arch == "arm" and _arm_kib(to_crash) < 1:
        _refuse("elfcorehdr", to_crash.elfcorehdr, "is below usable[0] + 1 KiB")
    new_initrd = None if initrd is None else _range("initrd", initrd)
    if new_initrd and sum(new_initrd) == U64_END:
        _refuse("initrd", new_initrd, "ends at 2**64, which initrd-end cannot say")
    dtb_range = None if old_dtb is None else _range("old_dtb", old_dtb)
    kaslr, rng = _seed_arguments(kaslr_seed, rng_seed)
    _text_argument("cmdline", cmdline)
    _text_argument("append", append)
    if to_crash and arch == "arm":
        _no_mem("cmdline", cmdline)
        _no_mem("append", append)

    s = scan(blob)  # 0
    strings = Strings(s.strings)
    edits = s.nops + s.padding  # 7

    # 2, and the values that depend on it
    cells = (2, 2)
    if to_crash:
        _pools_off(s, to_crash.usable, strings, edits)
        cells = _root_cells(s, root_cells, strings, edits)

    # 3, 5
    new_ranges = [new_initrd] if new_initrd else []
    if to_crash:
        new_ranges.append(to_crash.elfcorehdr)
    gone = _stale_ranges(s, dtb_range).union(new_ranges)
    reserved = [entry for entry in s.reserved if entry not in gone] + new_ranges

    # 6, in the order of addition; the names enter the strings block in it too
    wanted: list[tuple[bytes, bytes]] = []
    if new_initrd:
        wanted.append((b"linux,initrd-start", pack(">Q", new_initrd[0])))
        wanted.append((b"linux,initrd-end", pack(">Q", sum(new_initrd))))
    if to_crash:
        for prop, ranges in (
            ("linux,elfcorehdr", [to_crash.elfcorehdr]),
            ("linux,usable-memory-range", to_crash.usable),
        ):
            wanted.append((prop.encode(), _encode(prop, ranges, cells)))
    old_line = s.chosen.get(b"bootargs") if s.chosen else None
    line = _command_line(old_line or b"", cmdline, append, to_crash, arch)
    if line:
        wanted.append((b"bootargs", line + b"\0"))
    if kaslr is not None:
        wanted.append((b"kaslr-seed", kaslr))
    if rng is not None:
        wanted.append((b"rng-seed", rng))
    wanted.append((b"linux,booted-from-kexec", b""))
    props = [property_bytes(strings, name, value) for name, value in wanted]
    front = b"".join(reversed(props))

    # 1, 4
    if s.chosen:
        for p in s.chosen.props:
            if p.name in STALE:
                edits.append((p.start, p.end, b""))
        edits.append((s.chosen.front, s.chosen.front, front))
    else:
        node = name_bytes(b"chosen") + front + pack(">I", END_NODE)
        edits.append((s.root.tail, s.root.tail, node))

    out = assemble(reserved, splice(s, edits), bytes(strings.block), s.boot_cpuid)
    if len(out) > MAX_DTB[arch]:
        raise FdtBadContent(
            OP, "", f"{len(out)} bytes are more than the {MAX_DTB[arch]} of {arch}"
        )
    return out
