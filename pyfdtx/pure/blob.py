# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Reading and writing the format: one checked walk, one way to put a blob
together. Rules: docs/trees.md, "Trust" and "The canonical form";
format: Devicetree Specification, chapter 5.
"""

from __future__ import annotations

from struct import Struct, pack, unpack_from

from ..errors import error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Union

    Buffer = Union[bytes, bytearray, memoryview]
    # Bytes [start, end) of the blob become the third item
    Edit = tuple[int, int, bytes]

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
MAX_DEPTH = 1024
MAX_TOTALSIZE = 0x7FFFFFFF - 64
V16_SIZE, V17_SIZE = 36, 40

# libfdt's codes
TRUNCATED, BADMAGIC, BADVERSION, BADSTRUCTURE, BADLAYOUT = -8, -9, -10, -11, -12
ALIGNMENT = -19

_HEADER = Struct(">10I")
_ENTRY = Struct(">QQ")
# Bits of the last cell that are padding when len % 4 bytes of it are used
_PADDING = (0, 0x00FFFFFF, 0x0000FFFF, 0x000000FF)


class Property:
    """A property of a scanned node; [start, end) is all of it in the blob."""

    __slots__ = ("end", "name", "start", "value")

    def __init__(self, name: bytes, value: bytes, start: int, end: int):
        self.name = name
        self.value = value
        self.start = start
        self.end = end


class Node:
    """A node that the scan kept: where its properties start and end."""

    __slots__ = ("front", "props", "tail")

    def __init__(self, front: int):
        self.front = front
        self.tail = front
        self.props: list[Property] = []

    def get(self, name: bytes) -> bytes | None:
        """Value of the first property of that name."""
        return next((p.value for p in self.props if p.name == name), None)


class Scan:
    """What one walk over a sound blob found."""

    __slots__ = (
        "blob", "boot_cpuid", "chosen", "end", "nops", "padding", "pools",
        "reserved", "root", "start", "strings",
    )  # fmt: skip

    def __init__(self, blob: bytes):
        self.blob = blob
        self.boot_cpuid = 0
        self.reserved: list[tuple[int, int]] = []
        self.strings = b""
        # The structure block up to and with FDT_END
        self.start = self.end = 0
        self.nops: list[Edit] = []
        self.padding: list[Edit] = []
        self.root = Node(0)
        self.chosen: Node | None = None
        # The first /reserved-memory, then its children
        self.pools: list[Node] = []

    def name(self, nameoff: int) -> bytes:
        return self.strings[nameoff : self.strings.index(b"\0", nameoff)]


def _bad(code: int, offset: int, cause: str) -> NoReturn:
    raise error(code, "check", "", f"{cause}, at byte {offset}")


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def scan(data: Buffer) -> Scan:
    """Walk the whole blob; FdtBadBlob for the first rule it breaks."""
    try:
        blob = bytes(memoryview(data))
    except TypeError:
        raise TypeError(
            f"a device tree must be bytes-like, not {type(data).__name__}"
        ) from None
    s = Scan(blob)
    if len(blob) < V16_SIZE:
        _bad(TRUNCATED, len(blob), "shorter than a header")
    (magic, totalsize, struct_start, strings_start, rsv_start, version, last_comp,
     s.boot_cpuid, strings_size) = unpack_from(">9I", blob)  # fmt: skip
    if magic != MAGIC:
        _bad(BADMAGIC, 0, "no magic d00dfeed")
    if version < 16 or last_comp > 17 or last_comp > version:
        _bad(BADVERSION, 20, f"version {version}, compatible with {last_comp}")
    header = V17_SIZE if version >= 17 else V16_SIZE
    if len(blob) < header or totalsize < header:
        _bad(TRUNCATED, 4, "header is cut off")
    if totalsize > len(blob) or totalsize > MAX_TOTALSIZE:
        _bad(TRUNCATED, 4, f"totalsize {totalsize} does not fit")
    struct_size = unpack_from(">I", blob, 36)[0] if version >= 17 else None

    # Memory reservations, up to an entry of size 0
    if not header <= rsv_start <= totalsize:
        _bad(TRUNCATED, 16, "memory reservations are not inside the blob")
    if rsv_start % 8:
        _bad(ALIGNMENT, rsv_start, "memory reservations are not 8-byte aligned")
    rsv_end = rsv_start
    while True:
        if rsv_end + 16 > totalsize:
            _bad(TRUNCATED, rsv_end, "memory reservations have no end")
        entry = _ENTRY.unpack_from(blob, rsv_end)
        rsv_end += 16
        if not entry[1]:
            break
        s.reserved.append(entry)

    strings_end = strings_start + strings_size
    if strings_start < header or strings_end > totalsize:
        _bad(TRUNCATED, strings_start, "strings block is not inside the blob")
    s.strings = blob[strings_start:strings_end]
    if strings_size and s.strings[-1]:
        _bad(TRUNCATED, strings_end, "last string has no end")

    limit = totalsize if struct_size is None else struct_start + struct_size
    if struct_start < header or struct_start > totalsize or limit > totalsize:
        _bad(TRUNCATED, struct_start, "structure block is not inside the blob")
    if struct_start % 4:
        _bad(ALIGNMENT, struct_start, "structure block is not 4-byte aligned")
    s.start = struct_start
    _walk(s, limit)

    rsv = rsv_start, rsv_end
    structure = struct_start, s.end if struct_size is None else limit
    strings = strings_start, strings_end
    if _overlap(rsv, structure) or _overlap(rsv, strings):
        _bad(BADLAYOUT, rsv_start, "memory reservations overlap another block")
    if _overlap(structure, strings):
        _bad(BADLAYOUT, struct_start, "structure and strings block overlap")
    return s


def _walk(s: Scan, limit: int) -> None:
    """Check every tag up to FDT_END; note NOPs, dirty padding, /, /chosen, and
    /reserved-memory with its children."""
    blob, strings, start = s.blob, s.strings, s.start
    strings_size = len(strings)
    count = (limit - start) // 4
    # What is left behind the last whole word holds no tag, name or value
    limit = start + 4 * count
    cells = unpack_from(f">{count}I", blob, start)
    at = depth = 0
    seen_root = in_props = in_pools = False
    kept: Node | None = None  # the node whose properties are being kept

    while at < count:
        tag = cells[at]
        if tag == PROP:
            if not in_props:
                _bad(BADSTRUCTURE, start + 4 * at, "property behind a subnode")
            if at + 3 > count:
                _bad(TRUNCATED, start + 4 * at, "property header is cut off")
            size, nameoff = cells[at + 1], cells[at + 2]
            end = at + 3 + (size + 3 >> 2)
            used = size & 3
            if end > count:
                _bad(TRUNCATED, start + 4 * at, "property value is cut off")
            if nameoff >= strings_size or not strings[nameoff]:
                _bad(BADSTRUCTURE, start + 4 * at, "property has no name")
            if kept is not None:
                value = start + 4 * (at + 3)
                data = blob[value : value + size]
                place = start + 4 * at, start + 4 * end
                kept.props.append(Property(s.name(nameoff), data, *place))
        elif tag == BEGIN_NODE:
            if seen_root and not depth:
                _bad(BADSTRUCTURE, start + 4 * at, "second root node")
            if depth == MAX_DEPTH:
                _bad(BADSTRUCTURE, start + 4 * at, "nodes are nested too deep")
            first = start + 4 * at + 4
            nul = blob.find(b"\0", first, limit)
            if nul < 0:
                _bad(TRUNCATED, first, "node name has no end")
            if (nul == first) != (depth == 0):
                _bad(BADSTRUCTURE, first, "named root or unnamed node")
            if blob.find(b"/", first, nul) >= 0:
                _bad(BADSTRUCTURE, first, "'/' in a node name")
            used = (nul + 1 - first) % 4
            end = at + 1 + (nul + 4 - first) // 4
            kept = None
            if depth == 0:
                kept = s.root = Node(start + 4 * end)
                seen_root = True
            elif depth == 1:
                if in_props:
                    s.root.tail = start + 4 * at
                name = blob[first:nul].split(b"@")[0]
                if s.chosen is None and name == b"chosen":
                    kept = s.chosen = Node(start + 4 * end)
                in_pools = name == b"reserved-memory" and not s.pools
                if in_pools:
                    kept = Node(start + 4 * end)
                    s.pools.append(kept)
            elif depth == 2 and in_pools:
                kept = Node(start + 4 * end)
                s.pools.append(kept)
            depth += 1
            in_props = True
        elif tag == END_NODE:
            if not depth:
                _bad(BADSTRUCTURE, start + 4 * at, "END_NODE without a node")
            if depth == 1 and in_props:
                s.root.tail = start + 4 * at
            depth -= 1
            in_props = False
            at += 1
            continue
        elif tag == NOP:
            s.nops.append((start + 4 * at, start + 4 * at + 4, b""))
            at += 1
            continue
        elif tag == END:
            if depth or not seen_root:
                _bad(BADSTRUCTURE, start + 4 * at, "FDT_END inside the tree")
            s.end = start + 4 * at + 4
            return
        else:
            _bad(BADSTRUCTURE, start + 4 * at, f"unknown tag {tag:#x}")

        if used and cells[end - 1] & _PADDING[used]:
            last = start + 4 * end
            s.padding.append((last - 4 + used, last, bytes(4 - used)))
        at = end
    _bad(TRUNCATED, limit, "structure block has no FDT_END")


def splice(s: Scan, edits: list[Edit]) -> bytes:
    """The structure block with edits applied. An edit inside an earlier one is
    dropped; at one place insertions come first, in the order given."""
    parts, at = [], s.start
    for start, end, new in sorted(edits, key=lambda e: e[:2]):
        if start >= at:
            parts.append(s.blob[at:start])
            parts.append(new)
            at = end
    parts.append(s.blob[at : s.end])
    return b"".join(parts)


def assemble(
    reserved: list[tuple[int, int]], structure: bytes, strings: bytes, boot_cpuid: int
) -> bytes:
    """The canonical blob of these blocks."""
    rsv = b"".join(_ENTRY.pack(*entry) for entry in [*reserved, (0, 0)])
    struct_start = V17_SIZE + len(rsv)
    strings_start = struct_start + len(structure)
    header = _HEADER.pack(
        MAGIC, strings_start + len(strings), struct_start, strings_start, V17_SIZE,
        17, 16, boot_cpuid, len(strings), len(structure),
    )  # fmt: skip
    return b"".join((header, rsv, structure, strings))


class Strings:
    """A strings block that grows."""

    __slots__ = ("block",)

    def __init__(self, block: bytes = b""):
        self.block = bytearray(block)

    def offset(self, name: bytes) -> int:
        """The first place where name and a NUL stand, appended if there is none."""
        at = self.block.find(name + b"\0")
        if at < 0:
            at = len(self.block)
            self.block += name + b"\0"
        return at


def property_bytes(strings: Strings, name: bytes, value: bytes) -> bytes:
    """A property as it stands in the structure block."""
    head = pack(">3I", PROP, len(value), strings.offset(name))
    return head + value + bytes(-len(value) % 4)


def name_bytes(name: bytes) -> bytes:
    """FDT_BEGIN_NODE with its name."""
    return pack(">I", BEGIN_NODE) + name + bytes(4 - len(name) % 4)


def check(blob: Buffer) -> None:
    """Validate a whole blob as fdtx_check() does.

    Raises:
        FdtBadBlob: with libfdt's code, the rule and the byte (the C code and
            this one name the same code; the wording is each one's own).
        TypeError: not bytes-like.
    """
    scan(blob)


def canonicalise(blob: Buffer, squeeze: bool = False) -> bytes:
    """The one canonical serialisation of the tree in blob.

    Args:
        squeeze: drop all FDT_NOP tags, not only those in front of the root.
    Raises:
        FdtBadBlob: see check().
    """
    s = scan(blob)
    # In front of the root they never stay
    nops = s.nops if squeeze else [n for n in s.nops if n[0] < s.root.front]
    edits = s.padding + nops
    return assemble(s.reserved, splice(s, edits), s.strings, s.boot_cpuid)
