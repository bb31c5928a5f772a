# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Device trees for the kernel that boots next: libfdt and more, from Python."""

from __future__ import annotations

from .errors import (
    FdtBadBlob,
    FdtBadContent,
    FdtBadParameter,
    FdtError,
    FdtExists,
    FdtImageError,
    FdtInternal,
    FdtLoadError,
    FdtMachineError,
    FdtNoRoom,
    FdtNoSpace,
    FdtNotFound,
    FdtStale,
    FdtWarning,
)
from .node import Node
from .reg import MemRange
from .tree import Fdt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .libfdt._install import install_as_libfdt

__all__ = [
    "Fdt",
    "FdtBadBlob",
    "FdtBadContent",
    "FdtBadParameter",
    "FdtError",
    "FdtExists",
    "FdtImageError",
    "FdtInternal",
    "FdtLoadError",
    "FdtMachineError",
    "FdtNoRoom",
    "FdtNoSpace",
    "FdtNotFound",
    "FdtStale",
    "FdtWarning",
    "MemRange",
    "Node",
    "get_include",
    "get_source",
    "install_as_libfdt",
]


TYPE_CHECKING = False
if TYPE_CHECKING:
    from .libfdt._install import install_as_libfdt
    from .sources import get_include, get_source


def __getattr__(name: str) -> object:
    if name in ("get_include", "get_source"):
        from . import sources

        return getattr(sources, name)
    if name == "__version__":
        # importlib.metadata costs more than the rest of the package
        from importlib.metadata import version

        return version("pyfdtx")
    if name == "install_as_libfdt":
        from .libfdt._install import install_as_libfdt

        return install_as_libfdt
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
