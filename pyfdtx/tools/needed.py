# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python3 -I -m pyfdtx.tools.needed`: the files that an initramfs needs beside the
commands themselves so that they work in it, one a line. Shared libraries are not
among them: the hooks that call this find those. `--check`, in the initramfs, fails if
a module cannot be imported.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys

__all__ = ["main", "needed"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Of the package: what no command in an initramfs asks for
LEFT_OUT = {"__pycache__", "csrc", "libfdt", "proposal", "pure"}
# What the interpreter loads by itself, for -m and for text
ITS_OWN = ("encodings.ascii", "encodings.latin_1", "encodings.utf_8", "runpy", "site")
# Prints the files of all modules that the named ones load; what this Python lacks, it
# lacks in the initramfs, too. _hashlib would bring all of OpenSSL for what hashlib does
# without it, if Python was built so
LOADED = """\
import importlib, importlib.util as util, sys
sys.path.append(sys.argv[1])
if util.find_spec("_sha256") or util.find_spec("_sha2"):
    sys.modules["_hashlib"] = None
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
for module in list(sys.modules.values()):
    for name in ("__file__", "__cached__"):
        place = getattr(module, name, None)
        if place:
            print(place)
"""


def _ours(package: str) -> Iterator[str]:
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(names):
            if name.endswith((".py", ".so")):
                yield os.path.join(folder, name)


def _imported(path: str) -> Iterator[str]:
    """Modules that a file imports, also inside of its functions; not its own
    package's."""
    with open(path, "rb") as f:
        tree = ast.parse(f.read(), path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def _links(path: str) -> Iterator[str]:
    """A path, and what it leads to if it is a link."""
    yield path
    for _ in range(40):
        if not os.path.islink(path):
            return
        path = os.path.join(os.path.dirname(path), os.readlink(path))
        yield os.path.normpath(path)


def _modules(package: str, sources: list[str]) -> Iterator[str]:
    """The names of the package's modules."""
    home = len(os.path.dirname(package)) + 1
    for path in sources:
        name = os.path.splitext(path[home:])[0].replace(os.sep, ".")
        if not name.endswith(".__main__"):
            yield name.replace(".__init__", "")


def needed() -> list[str]:
    """The interpreter, the package, what it uses of the standard library; sorted."""
    own = list(_ours(PACKAGE))
    sources = [path for path in own if path.endswith(".py")]
    names = {name for path in sources for name in _imported(path)}
    names |= set(_modules(PACKAGE, sources))
    home = os.path.dirname(PACKAGE)
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADED, home, *ITS_OWN, *sorted(names)],
        stdout=subprocess.PIPE,
        check=True,
    )
    found = {*own, *_links(sys.executable)}
    for path in done.stdout.decode().splitlines():
        found.update(_links(path))
    return sorted(path for path in found if os.path.isfile(path))


def check() -> None:
    """Import all that needed() is for.

    Raises:
        ImportError: it is not there, or does not find a library.
    """
    from importlib import import_module

    sources = [path for path in _ours(PACKAGE) if path.endswith(".py")]
    for name in _modules(PACKAGE, sources):
        import_module(name)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        sys.stdout.write("".join(f"{path}\n" for path in needed()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
