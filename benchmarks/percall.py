# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J1 with one cffi call per libfdt call: what a plain binding would cost.

The steps are those of peers.pylibfdt_job and of plain_job() in c/j1.c.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from pyfdtx._native import ffi, lib

if TYPE_CHECKING:
    from crash_job import Job, Range

NOTFOUND = -lib.FDT_ERR_NOTFOUND
SLACK = 1024  # room for what the job adds beside the command line


def check(code: int) -> int:
    if code < 0:
        raise RuntimeError(ffi.string(lib.fdt_strerror(code)).decode())
    return code


def _value(fdt: Any, node: int, name: bytes, length: Any) -> bytes | None:
    p = lib.fdt_getprop_namelen(fdt, node, name, len(name), length)
    return None if p == ffi.NULL else ffi.buffer(p, length[0])[:]


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _stale(fdt: Any, chosen: int, address_cells: int) -> list[Range]:
    """The reservations that old properties of /chosen name."""
    length = ffi.new("int *")
    found = []
    start = _value(fdt, chosen, b"linux,initrd-start", length)
    end = _value(fdt, chosen, b"linux,initrd-end", length)
    if start is not None and end is not None:
        found.append((_number(start), _number(end) - _number(start)))
    header = _value(fdt, chosen, b"linux,elfcorehdr", length)
    if header is not None:
        cut = 4 * address_cells
        found.append((_number(header[:cut]), _number(header[cut:])))
    return found


def _unreserve(fdt: Any, stale: list[Range]) -> None:
    address, size = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    for i in reversed(range(check(lib.fdt_num_mem_rsv(fdt)))):
        check(lib.fdt_get_mem_rsv(fdt, i, address, size))
        if (address[0], size[0]) in stale:
            check(lib.fdt_del_mem_rsv(fdt, i))


def second_kernel_dtb(blob: bytes, job: Job) -> bytes:
    size = len(blob) + SLACK + len(job.cmdline)
    fdt = ffi.new("char[]", size)
    check(lib.fdt_open_into(blob, fdt, size))
    cells = check(lib.fdt_address_cells(fdt, 0)), check(lib.fdt_size_cells(fdt, 0))
    chosen = lib.fdt_path_offset_namelen(fdt, b"/chosen", 7)
    if chosen == NOTFOUND:
        chosen = lib.fdt_add_subnode_namelen(fdt, 0, b"chosen", 6)
    check(chosen)
    stale = _stale(fdt, chosen, cells[0])
    if stale:
        _unreserve(fdt, stale)
    check(lib.fdt_add_mem_rsv(fdt, *job.initrd))
    check(lib.fdt_add_mem_rsv(fdt, *job.elfcorehdr))
    # the reservations moved the blocks, not the offsets within them
    for name, value in job.properties(cells).items():
        check(lib.fdt_setprop(fdt, chosen, name.encode(), value, len(value)))
    check(lib.fdt_pack(fdt))
    return ffi.buffer(fdt, lib.fdt_totalsize(fdt))[:]


def reserve_first(blob: bytes, entry: Range) -> bytes:
    """blob with one more memory reservation, in front of the others."""
    size = len(blob) + 16
    fdt = ffi.new("char[]", size)
    check(lib.fdt_open_into(blob, fdt, size))
    check(lib.fdt_add_mem_rsv(fdt, *entry))
    check(lib.fdt_pack(fdt))
    out = bytearray(ffi.buffer(fdt, lib.fdt_totalsize(fdt)))
    (at,) = struct.unpack_from(">I", out, 16)
    count = 16 * (check(lib.fdt_num_mem_rsv(fdt)) - 1)
    out[at : at + 16 + count] = struct.pack(">QQ", *entry) + out[at : at + count]
    return bytes(out)
