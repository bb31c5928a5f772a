# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Device trees for the kernel that boots next: libfdt and more, from Python."""

# Its one home: pyproject.toml takes it from here
__version__ = "0.2.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .codec.memrange import MemRange
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
    from .libfdt._install import install_as_libfdt
    from .sources import get_include, get_source
    from .tree.fdt import Fdt, Node
    from .tree.view import FdtView, NodeView, to_dict

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
    "FdtView",
    "FdtWarning",
    "MemRange",
    "Node",
    "NodeView",
    "get_include",
    "get_source",
    "install_as_libfdt",
    "to_dict",
]

# Nothing is imported before it is asked for: pyfdtx.libfdt shall cost no more
# than the module in whose place it comes, a command no more than it needs.
# What is not an error, and the module it lives in
_HOMES = {
    "Fdt": "tree.fdt",
    "FdtView": "tree.view",
    "MemRange": "codec.memrange",
    "Node": "tree.fdt",
    "NodeView": "tree.view",
    "get_include": "sources",
    "get_source": "sources",
    "install_as_libfdt": "libfdt._install",
    "to_dict": "tree.view",
}
# Modules that `import pyfdtx` alone has always given
_MODULES = ("errors", "tree")


def __getattr__(name: str) -> object:
    if name in __all__:
        home = f"{__name__}.{_HOMES.get(name, 'errors')}"
        found: object = getattr(__import__(home, fromlist=[name]), name)
    elif name in _MODULES:
        found = __import__(f"{__name__}.{name}", fromlist=[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
