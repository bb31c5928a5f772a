# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The only door to the extension: pointers, lengths, error mapping.

Buffers pass through `reading()` and `writing()`: contexts that hold the
buffer for one use, so that its pointer cannot outlive it. Names pass
through `c_name()`. Results pass through `check()`.
"""

from __future__ import annotations

from . import _core, errors

__all__ = [
    "c_name",
    "check",
    "copy_in",
    "ffi",
    "frozen",
    "lib",
    "reading",
    "refused",
    "validate",
    "writing",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer as Buffer


_ext = _core.ext()
ffi: Any = _ext.ffi
lib: Any = _ext.lib


def reading(buf: Buffer) -> Any:
    """Context manager: `const char *` to a buffer's bytes, no copy."""
    return ffi.from_buffer("char[]", buf)


def writing(buf: bytearray) -> Any:
    """Context manager: `char *` to a bytearray's bytes; it cannot be resized
    meanwhile (BufferError)."""
    return ffi.from_buffer("char[]", buf, require_writable=True)


def check(code: int, op: str, where: str = "", cause: str = "") -> int:
    """code itself when it is not negative, else the mapped exception."""
    if code < 0:
        raise errors.error(code, op, where, cause)
    return code


# What no tree can hold is refused here: C counts in 32 bits
_MAX_NAME: int = lib.FDTX_MAX_TOTALSIZE


def c_name(name: str, what: str = "name", op: str = "") -> bytes:
    """A node or property name, path or label as C wants it.

    ASCII, no NUL (C would drop the rest silently), not longer than a device
    tree. Bytes above 0x7f that came out of a blob as surrogates go back as they
    were.

    Raises:
        TypeError: not a str.
        FdtBadParameter: not ASCII, with a NUL, or too long.
    """
    if not isinstance(name, str):
        raise TypeError(f"{what} must be str, not {type(name).__name__}")
    fault = ""
    try:
        # Whatever a subclass makes of encode()
        raw = str.encode(name, "ascii", "surrogateescape")
    except UnicodeEncodeError:
        raw = b""
        fault = f"{name!r} has characters outside ASCII"
    if b"\0" in raw:
        fault = f"{name!r} contains a NUL"
    if len(raw) > _MAX_NAME:
        fault = (
            f"{name[:32]!r}... has {len(raw)} bytes, a device tree ends at {_MAX_NAME}"
        )
    if fault:
        raise errors.FdtBadParameter(op or what, what if op else "", fault)
    return raw


def copy_in(data: Buffer) -> bytearray:
    """An own, 8-byte aligned copy of any bytes-like object.

    Raises:
        TypeError: not bytes-like.
    """
    # bytearray() takes numbers and lists of them too
    return bytearray(buffer_view(data))


def frozen(data: Buffer) -> bytes:
    """data itself if it is bytes, which are 8-byte aligned and do not change;
    else a copy.

    Raises:
        TypeError: not bytes-like.
    """
    return data if type(data) is bytes else bytes(buffer_view(data))


def buffer_view(data: Buffer) -> memoryview:
    try:
        return memoryview(data)
    except TypeError:
        raise TypeError(
            f"a device tree must be bytes-like, not {type(data).__name__}"
        ) from None


def refused(code: int, cause: str, offset: int, op: str, where: str = "") -> Exception:
    """What a struct fdtx_fault says."""
    return errors.error(code, op, where, f"{cause}, at byte {offset}")


def validate(buf: Buffer, op: str = "Fdt", where: str = "") -> None:
    """fdtx_check() on the whole buffer; raises FdtBadBlob with cause and place."""
    fault = ffi.new("struct fdtx_fault *")
    with reading(buf) as p:
        code = lib.fdtx_check(p, len(p), fault)
    if code < 0:
        cause = ffi.string(fault.cause).decode()
        raise refused(code, cause, fault.offset, op, where)
