# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Imports inside the package go one way; docs/architecture.md draws it."""

import ast
from pathlib import Path

import pytest

import pyfdtx

HOME = Path(pyfdtx.__file__).parent

TREE = {"tree", "node", "props", "values", "memreserve", "overlay", "blob", "reg"}
TREE |= {"flat", "dts", "diff", "getters", "lookup", "memrange", "view"}
TREE |= {"edit", "edit_cells"}
# area: what it may import; everything may import errors
MAY = {
    "errors": set(),
    "sources": set(),
    "_native": {"_ext"},
    "tree": {"_native", "_fast"},
    "libfdt": {"_libfdt"},
    "pure": set(),
    "kexec": {"_native", "_fast", "_oneshot", "tree"},
    "proposal": {"_native", "tree"},
    "__main__": {"cli"},
    "cli": {"_native", "tree", "kexec", "pure", "libfdt", "proposal", ""},
}


def area(module):
    """Area of a module given relative to the package, "kexec.dtb"."""
    first = module.split(".")[0]
    return "tree" if first in TREE else first


def modules():
    for path in sorted(HOME.rglob("*.py")):
        name = ".".join(path.relative_to(HOME).with_suffix("").parts)
        yield name.removesuffix("__init__").rstrip("."), path


def checked_only(node):
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def imports(name, path):
    """Modules of the package that the file imports at run time, relative."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    todo = list(ast.parse(path.read_text()).body)
    while todo:
        node = todo.pop()
        if checked_only(node):
            todo.extend(node.orelse)
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pyfdtx":
                    yield alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                above = package[: len(package) - node.level + 1]
            elif node.module and node.module.split(".")[0] == "pyfdtx":
                above = []
            else:
                continue
            named = (node.module or "").removeprefix("pyfdtx").strip(".")
            base = ".".join([*above, *named.split(".")]).strip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".strip(".")
                known = {*MAY, "_ext", "_fast"}
                yield full if area(full) in known else base


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda v: str(v))
def test_a_module_imports_only_what_lies_below_it(name, path):
    here = area(name)
    if here == "":
        return  # the package itself re-exports what it wants
    assert here in MAY, f"{name}: unknown area, give it a place in this test"
    for target in imports(name, path):
        there = area(target)
        assert there in MAY[here] | {here, "errors"}, f"{name} imports {target}"


def test_the_test_sees_imports():
    found = dict.fromkeys(t for n, p in modules() if n == "tree" for t in imports(n, p))
    assert {"_native", "blob", "errors", "node"} <= {f.split(".")[0] for f in found}
