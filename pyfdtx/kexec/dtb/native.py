# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""second_kernel_dtb() by cffi: the job as a struct, and errors as sentences.

Two ways: the engine; and libfdt, which is the reference for the bytes and alone says
what is wrong.
"""

from __future__ import annotations

from ..._native import check, ffi, lib, writing
from ...codec.memrange import U64_MAX
from ...errors import error
from .crash import OP

__all__ = ["command_line", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...codec.memrange import MemRange
    from .arguments import Told
    from .crash import Crash


_JOB = ffi.typeof("struct fdtx_second_kernel *")
_FAULT = ffi.typeof("struct fdtx_second_kernel_fault *")
_PLAN = ffi.typeof("struct fdtx_second_kernel_plan *")
_REGS = ffi.typeof("struct fdt_reg[]")
# What is read of a plan is written before; clearing would only cost time.
_new_plan = ffi.new_allocator(should_clear_after_alloc=False)
_INT = ffi.typeof("int *")
_BYTES = ffi.typeof("char[]")


def _node_path(blob: bytes, offset: int) -> str:
    """The path of the node at offset in the structure block."""
    fdt = bytearray(blob)
    start = lib.fdt_off_dt_struct(blob)
    while int.from_bytes(fdt[start : start + 4], "big") == lib.FDT_NOP:
        # fdt_get_path() wants the root node at offset 0
        start += 4
        offset -= 4
    fdt[8:12] = start.to_bytes(4, "big")  # off_dt_struct
    # No path is longer than the tree that holds its names
    room = ffi.new(_BYTES, len(blob) + 2)
    check(lib.fdt_get_path(ffi.from_buffer(fdt), offset, room, len(room)), OP)
    path: bytes = ffi.string(room)
    return path.decode("ascii", "backslashreplace")


def _misfit(got: MemRange, cells: tuple[int, int]) -> str:
    """Why a range cannot be written with these cells."""
    address, size = cells
    if got.start > U64_MAX >> 32 and address == 1:
        return f"start {got.start:#x} is 2**32 or more, root's #address-cells is 1"
    if size == 0:
        return f"size {got.size:#x} cannot be written, root's #size-cells is 0"
    if got.size > U64_MAX >> 32 and size == 1:
        return f"size {got.size:#x} is 2**32 or more, root's #size-cells is 1"
    return f"end {got.stop:#x} is above 2**32, root's #address-cells is {address}"


def _raise(code: int, fault: Any, blob: bytes, job: Any, crash: Crash | None) -> None:
    """The whole story of a failed call."""
    step = fault.step
    prop = ffi.string(fault.prop).decode() if fault.prop else ""
    cells = {
        "#address-cells": fault.address_cells,
        "#size-cells": fault.size_cells,
    }
    if step == lib.FDTX_STEP_CHECK:
        cause = ffi.string(fault.blob.cause).decode()
        raise error(code, OP, "", f"{cause}, at byte {fault.blob.offset}")
    if step == lib.FDTX_STEP_CELLS:
        if cells[prop] == -lib.FDT_ERR_NOTFOUND:
            cause = (
                "root has none, and kernel and libfdt assume different ones; "
                'choose root_cells="2/2" to have them written'
            )
        else:
            least = 1 if prop == "#address-cells" else 0
            cause = (
                f"must be one cell of {least} to {lib.FDT_MAX_NCELLS}; "
                "correct it in the input"
            )
        raise error(code, OP, f"/:{prop}", cause)
    if step == lib.FDTX_STEP_CELLS_2_2:
        shown = ", ".join(
            f"{name} is {value if value >= 0 else 'missing'}"
            for name, value in cells.items()
        )
        path = _node_path(blob, fault.node)
        if prop in cells:
            raise error(
                code,
                OP,
                f"{path}:{prop}",
                'is not 2, which root_cells="2/2" would make the root\'s '
                f"(root's {shown}): Linux ignores /reserved-memory if its cells "
                "differ from the root's; give a tree with 2/2 cells in both, or "
                'ranges that fit root\'s cells and root_cells="keep"',
            )
        raise error(
            code,
            OP,
            f"{path}:{prop}",
            f'root_cells="2/2" would change what it means (root\'s {shown}); '
            "give a tree with 2/2 cells, or ranges that fit root's cells and "
            'root_cells="keep"',
        )
    if step == lib.FDTX_STEP_FIT and crash is not None:
        header = prop == "linux,elfcorehdr"
        got = crash.elfcorehdr if header else crash.usable[fault.index]
        argument = "crash.elfcorehdr" if header else f"crash.usable[{fault.index}]"
        cause = _misfit(got, (fault.address_cells, fault.size_cells))
        raise error(
            code,
            OP,
            f"/chosen:{prop}",
            f"{argument} {got!r} does not fit: {cause}; choose "
            'root_cells="2/2", or ranges below 4 GiB',
        )
    raise error(code, OP, f"/chosen:{prop}" if prop else "")


def run_libfdt(data: bytes, job: Any, crash: Crash | None) -> tuple[bytes, int]:
    """The tree and the length of its command line, by way of libfdt.

    Slower, the reference for the bytes, and the one that says what is wrong.
    """
    fault = ffi.new(_FAULT)
    room = lib.fdtx_second_kernel_size(data, len(data), job)
    if room < 0:
        raise error(room, OP, "", "the result would be 2 GiB or more")
    # 8-byte aligned everywhere, which ffi.new() is not on 32-bit machines
    buf = bytearray(room)
    with writing(buf) as p:
        size = lib.fdtx_second_kernel(data, len(data), job, p, room, fault)
    if size < 0:
        _raise(size, fault, data, job, crash)
    return bytes(memoryview(buf)[:size]), fault.bootargs_len


def run_engine(data: bytes, job: Any, crash: Crash | None) -> tuple[bytes, int]:
    """The same by way of the engine, if it can."""
    plan = _new_plan(_PLAN)
    size = lib.fdtx_second_kernel_plan(data, len(data), job, plan)
    if not size:
        return run_libfdt(data, job, crash)
    # Filled before anybody else can see it: no second copy of the tree
    out = bytes(size)
    lib.fdtx_second_kernel_emit(plan, out)
    return out, plan.bootargs_len


# What run() calls; tests let it go one way alone
_way = run_engine


def run(data: bytes, crash: Crash | None, told: Told) -> tuple[bytes, int]:
    """The tree, and the length of its command line without the NUL.

    Raises:
        FdtBadBlob: data is not a sound device tree.
        FdtBadContent: root's cells are missing, unsound, or too narrow.
    """
    words, wide, keep, text, initrd, old_dtb, header, usable, seed, rng = told
    # The job points to these
    text_at = ffi.from_buffer(text)
    rng_at = ffi.from_buffer(rng)
    regs = ffi.new(_REGS, usable)
    # In the order of the C declaration: all at once is several times as fast
    # as one by one
    job = ffi.new(
        _JOB,
        (
            words,
            wide,
            keep,
            len(text),
            text_at,
            initrd,
            old_dtb,
            header,
            regs,
            len(usable),
            seed is not None,
            seed or 0,
            rng_at,
            len(rng),
        ),
    )
    return _way(data, job, crash)


def command_line(tree: bytes) -> bytes:
    """bootargs in /chosen of a sound tree, without its NUL."""
    chosen, name = b"/chosen", b"bootargs"
    node = lib.fdt_path_offset_namelen(tree, chosen, len(chosen))
    if node < 0:
        return b""
    size = ffi.new(_INT)
    value = lib.fdt_getprop_namelen(tree, node, name, len(name), size)
    return bytes(ffi.buffer(value, size[0])).removesuffix(b"\0") if value else b""
