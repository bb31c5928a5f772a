# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The C structs that upstream's module happens to show. Each object is on its
own: nothing connects it with a tree."""

from __future__ import annotations

__all__ = [
    "fdt_header",
    "fdt_node_header",
    "fdt_property",
    "fdt_reserve_entry",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class _Struct:
    """Attributes that hold numbers of so many bits, 0 at first."""

    _bits: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        self.__dict__.update(dict.fromkeys(self._bits, 0))

    def __setattr__(self, name: str, value: int) -> None:
        bits = self._bits.get(name)
        if bits is None:
            raise AttributeError(f"You cannot add instance attributes to {self!r}")
        if not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        if not 0 <= value < 1 << bits:
            raise OverflowError(f"{name} must be a number of {bits} bits, not {value}")
        self.__dict__[name] = value


class fdt_header(_Struct):
    """struct fdt_header."""

    magic: int
    totalsize: int
    off_dt_struct: int
    off_dt_strings: int
    off_mem_rsvmap: int
    version: int
    last_comp_version: int
    boot_cpuid_phys: int
    size_dt_strings: int
    size_dt_struct: int
    _bits = dict.fromkeys(__annotations__, 32)


class fdt_reserve_entry(_Struct):
    """struct fdt_reserve_entry."""

    address: int
    size: int
    _bits = dict.fromkeys(__annotations__, 64)


class fdt_node_header(_Struct):
    """struct fdt_node_header; its name cannot be set."""

    tag: int
    _bits = dict.fromkeys(__annotations__, 32)

    @property
    def name(self) -> str:
        return ""


class fdt_property(_Struct):
    """struct fdt_property; its data cannot be set."""

    tag: int
    len: int
    nameoff: int
    _bits = dict.fromkeys(__annotations__, 32)

    @property
    def data(self) -> str:
        return ""
