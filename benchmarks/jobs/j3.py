# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""J3: reading: whole trees to dicts, opening, single properties."""

from __future__ import annotations

from typing import Any, Callable

import cases
from compare import decode
from frame import Case, Group, Missing, Prepared, Row, Setup, collect

KEY = "j3"
TITLE = "Reading"
ROUNDS = 15
CLOCK = "thread"
GROUPS = {
    "walk": Group(
        "A whole tree to {path: {name: bytes}}", "tree",
        "From the bytes of a blob to the finished dicts.",
    ),
    "open": Group(
        "Opening a tree", "tree",
        "From the bytes of a blob to an object that can be asked; pylibfdt's "
        "walk, which others need to know what is there, for comparison.",
    ),
    "once": Group(
        "Opening a tree and one property of it", "tree",
        "The last property of the tree, by path and name.",
    ),
    "path": Group(
        "One property by path, tree open", "look-up",
        "Eight nodes of each tree, spread over it.",
    ),
    "handle": Group(
        "One property by node, tree and node at hand", "look-up",
        "The same properties; the nodes were looked up before.",
    ),
}  # fmt: skip

STEP, QUICK_STEP = 12, 48  # every so many-th tree
SLOW = 4  # packages that take milliseconds for a tree: every 4th round
ASKED = 8  # nodes of each tree

Blobs = list[bytes]
Tree = dict[str, dict[str, bytes]]
Read = Callable[[bytes], Any]
# (path, property name) of one tree
Places = list[tuple[str, str]]


# -- whole trees -------------------------------------------------------------


def to_dict() -> Read:
    import pyfdtx

    if not hasattr(pyfdtx, "to_dict"):
        raise Missing("pyfdtx.to_dict() is not there")
    return pyfdtx.to_dict


def view_walk() -> Read:
    view = _view()

    def read(blob: bytes) -> Tree:
        return {node.path: dict(node.items()) for node in view(blob)}

    if not hasattr(view, "__iter__"):
        raise Missing("FdtView cannot be walked")
    return read


def fdt_walk() -> Read:
    from pyfdtx import Fdt

    def read(blob: bytes) -> Tree:
        return {node.path: dict(node.items()) for node in Fdt(blob).walk()}

    return read


def flat_walk() -> Read:
    from pyfdtx.tree import flat

    def read(blob: bytes) -> Tree:
        return {
            path: dict(node.properties) for path, node in flat.read(blob).with_paths()
        }

    return read


def pure_walk() -> Read:
    from pyfdtx import pure

    def read(blob: bytes) -> Tree:
        root = pure.unflatten(blob)
        tree: Tree = {"/": dict(root[1])}
        todo = [("", child) for child in root[2]]
        while todo:
            above, (name, properties, children) = todo.pop()
            path = f"{above}/{name}"
            tree[path] = dict(properties)
            todo += [(path, child) for child in children]
        return tree

    return read


def pylibfdt_walk() -> Read:
    import libfdt

    quiet = (libfdt.NOTFOUND,)

    def read(blob: bytes) -> Tree:
        fdt = libfdt.Fdt(blob)
        tree: Tree = {}
        names: list[str] = []
        node, depth = 0, 0
        while depth >= 0:
            del names[depth:]
            names.append(fdt.get_name(node))
            props = tree["/".join(names) or "/"] = {}
            at = fdt.first_property_offset(node, quiet)
            while at >= 0:
                prop = fdt.get_property_by_offset(at)
                props[prop.name] = bytes(prop)
                at = fdt.next_property_offset(at, quiet)
            node, depth = fdt.next_node(node, depth, quiet)
            if node < 0:
                break
        return tree

    return read


def dropin_walk() -> Read:
    import pyfdtx.libfdt as libfdt

    quiet = (libfdt.NOTFOUND,)

    def read(blob: bytes) -> Tree:
        fdt = libfdt.Fdt(blob)
        tree: Tree = {}
        names: list[str] = []
        node, depth = 0, 0
        while depth >= 0:
            del names[depth:]
            names.append(fdt.get_name(node))
            props = tree["/".join(names) or "/"] = {}
            at = fdt.first_property_offset(node, quiet)
            while at >= 0:
                prop = fdt.get_property_by_offset(at)
                props[prop.name] = bytes(prop)
                at = fdt.next_property_offset(at, quiet)
            node, depth = fdt.next_node(node, depth, quiet)
            if node < 0:
                break
        return tree

    return read


def package_walk() -> Read:
    import fdt

    def read(blob: bytes) -> Tree:
        fdt.FDT.__init__.__defaults__[1].clear()
        tree: Tree = {}
        todo = [("", fdt.parse_dtb(blob).root)]
        while todo:
            above, node = todo.pop()
            path = f"{above}/{node.name}" if node.parent else "/"
            tree[path] = {p.name: _raw(p) for p in node.props}
            todo += [("" if path == "/" else path, n) for n in node.nodes]
        return tree

    def _raw(prop: Any) -> bytes:
        if isinstance(prop, fdt.PropWords):
            return b"".join(word.to_bytes(4, "big") for word in prop.data)
        if isinstance(prop, fdt.PropStrings):
            return b"".join(text.encode() + b"\0" for text in prop.data)
        if isinstance(prop, fdt.PropBytes):
            return bytes(prop.data)
        return b""

    return read


# -- opening -----------------------------------------------------------------


def _view() -> Any:
    import pyfdtx

    try:
        return pyfdtx.FdtView
    except AttributeError:
        raise Missing("pyfdtx.FdtView is not there") from None


def _fdt() -> Any:
    from pyfdtx import Fdt

    return Fdt


def _pylibfdt() -> Any:
    import libfdt

    return libfdt.Fdt


def view_once() -> Callable[[bytes, str, str], bytes]:
    view = _view()
    return lambda blob, path, name: view(blob).getprop(path, name)


def fdt_once() -> Callable[[bytes, str, str], bytes]:
    fdt = _fdt()
    return lambda blob, path, name: fdt(blob)[path][name]


def pylibfdt_once() -> Callable[[bytes, str, str], bytes]:
    make = _pylibfdt()

    def one(blob: bytes, path: str, name: str) -> bytes:
        fdt = make(blob)
        return bytes(fdt.getprop(fdt.path_offset(path), name))

    return one


# -- one property ------------------------------------------------------------


def view_path(blob: bytes) -> Callable[[str, str], bytes]:
    get: Callable[[str, str], bytes] = _view()(blob).getprop
    return get


def fdt_path(blob: bytes) -> Callable[[str, str], bytes]:
    fdt = _fdt()(blob)
    return lambda path, name: fdt[path][name]


def pylibfdt_path(blob: bytes) -> Callable[[str, str], Any]:
    fdt = _pylibfdt()(blob)
    where, get = fdt.path_offset, fdt.getprop
    return lambda path, name: get(where(path), name)


def dropin_path(blob: bytes) -> Callable[[str, str], Any]:
    import pyfdtx.libfdt

    fdt = pyfdtx.libfdt.Fdt(blob)
    where, get = fdt.path_offset, fdt.getprop
    return lambda path, name: get(where(path), name)


def view_handle(blob: bytes) -> tuple[Any, Any]:
    view = _view()(blob)
    return view.__getitem__, lambda node, name: node[name]


def fdt_handle(blob: bytes) -> tuple[Any, Any]:
    fdt = _fdt()(blob)
    return fdt.__getitem__, lambda node, name: node[name]


def pylibfdt_handle(blob: bytes) -> tuple[Any, Any]:
    fdt = _pylibfdt()(blob)
    return fdt.path_offset, fdt.getprop


def dropin_handle(blob: bytes) -> tuple[Any, Any]:
    import pyfdtx.libfdt

    fdt = pyfdtx.libfdt.Fdt(blob)
    return fdt.path_offset, fdt.getprop


# -- rows --------------------------------------------------------------------


def places(blob: bytes) -> Places:
    """The first property of some nodes, in the order of the tree."""
    first: dict[str, str] = {}
    for path, name, _ in decode(blob).items:
        if name:
            first.setdefault(path, name)
    found = list(first.items())
    return [found[i * (len(found) - 1) // (ASKED - 1)] for i in range(ASKED)]


def last_property(blob: bytes) -> tuple[str, str]:
    *_, (path, name) = [(p, n) for p, n, _ in decode(blob).items if n]
    return path, name


def _all(read: Read, blobs: Blobs) -> Callable[[], object]:
    def run() -> None:
        for blob in blobs:
            read(blob)

    return run


def _over_trees(
    key: str, title: str, note: str, make: Any, blobs: Blobs, compared: bool = True,
    every: int = 1,
) -> Row:  # fmt: skip
    read = make()
    return Row(
        key, title, note, _all(read, blobs),
        (lambda: [read(b) for b in blobs]) if compared else None,
        every=every, counted=every == 1,
    )  # fmt: skip


def _once(
    key: str, title: str, note: str, make: Any, asked: list[tuple[bytes, str, str]]
) -> Row:
    one = make()

    def run() -> None:
        for blob, path, name in asked:
            one(blob, path, name)

    return Row(key, title, note, run, lambda: [bytes(one(*a)) for a in asked])


def _by_path(
    key: str, title: str, note: str, make: Any, asked: list[tuple[bytes, Places]]
) -> Row:
    todo = [(make(blob), found) for blob, found in asked]

    def run() -> None:
        for get, found in todo:
            for path, name in found:
                get(path, name)

    def answer() -> list[bytes]:
        return [bytes(get(p, n)) for get, found in todo for p, n in found]

    return Row(key, title, note, run, answer)


def _by_handle(
    key: str, title: str, note: str, make: Any, asked: list[tuple[bytes, Places]]
) -> Row:
    todo = []
    for blob, found in asked:
        at, get = make(blob)
        todo.append((get, [(at(path), name) for path, name in found]))

    def run() -> None:
        for get, nodes in todo:
            for node, name in nodes:
                get(node, name)

    def answer() -> list[bytes]:
        return [bytes(get(p, n)) for get, nodes in todo for p, n in nodes]

    return Row(key, title, note, run, answer)


CHECKS, NONE = "checks: fdtx_check", "no checks"
WALKS = (
    ("dict", "pyfdtx.to_dict()", CHECKS, to_dict, 1),
    ("view", "pyfdtx.FdtView, node by node", CHECKS, view_walk, 1),
    ("fdt_nodes", "pyfdtx.Fdt, node by node", CHECKS, fdt_walk, 1),
    ("flat", "pyfdtx.tree.flat.read()", CHECKS, flat_walk, 1),
    ("dropin", "pyfdtx.libfdt, as pylibfdt", "checks the header", dropin_walk, SLOW),
    ("pylibfdt", "pylibfdt (SWIG)", NONE, pylibfdt_walk, 1),
    ("pure", "pyfdtx.pure (Python only)", "checks: own", pure_walk, SLOW),
    ("fdt", "fdt (PyPI, Python only)", NONE, package_walk, SLOW),
)
OPENS = (
    ("view", "pyfdtx.FdtView()", CHECKS, _view, 1),
    ("fdt_open", "pyfdtx.Fdt()", CHECKS, _fdt, 1),
    ("pylibfdt_open", "pylibfdt: Fdt()", NONE, _pylibfdt, 1),
    ("pylibfdt", "pylibfdt: a full walk", NONE, pylibfdt_walk, 1),
)
ONCE = (
    ("view", "pyfdtx.FdtView", CHECKS, view_once),
    ("fdt_once", "pyfdtx.Fdt", CHECKS, fdt_once),
    ("pylibfdt", "pylibfdt (SWIG)", NONE, pylibfdt_once),
)
PATHS = (
    ("view", "pyfdtx.FdtView: getprop(path, name)", "", view_path),
    ("fdt_path", "pyfdtx.Fdt: fdt[path][name]", "", fdt_path),
    ("dropin", "pyfdtx.libfdt: path_offset, getprop", "", dropin_path),
    ("pylibfdt", "pylibfdt: path_offset, getprop", "", pylibfdt_path),
)
HANDLES = (
    ("view", "pyfdtx.FdtView: node[name]", "", view_handle),
    ("fdt_node", "pyfdtx.Fdt: node[name]", "", fdt_handle),
    ("dropin", "pyfdtx.libfdt: getprop(offset)", "", dropin_handle),
    ("pylibfdt", "pylibfdt: getprop(offset)", "", pylibfdt_handle),
)


def prepare(setup: Setup) -> Prepared:
    _, blobs, _ = cases.read(setup.directory)
    step = QUICK_STEP if setup.few else STEP
    if len(blobs) > step:
        blobs = blobs[::step]
    if not blobs:
        raise ValueError(f"no usable .dtb file below {setup.directory}")
    missing: dict[str, str] = {}
    last = [(b, *last_property(b)) for b in blobs]
    some = [(b, places(b)) for b in blobs]

    def rows(which: str, table: Any, make: Any, *what: Any) -> list[Row]:
        return collect(
            [
                (f"{which}:{entry[0]}", lambda entry=entry: make(*entry[:4], *what))
                for entry in table
            ],
            missing,
        )

    def walks(which: str, table: Any, compared: bool) -> list[Row]:
        return collect(
            [
                (
                    f"{which}:{entry[0]}",
                    lambda entry=entry: _over_trees(
                        *entry[:4], blobs, compared, entry[4]
                    ),
                )
                for entry in table
            ],
            missing,
        )

    trees, looks = len(blobs), len(blobs) * ASKED
    found = [
        Case("walk", f"{trees} trees", "walk", trees, "dict",
             walks("walk", WALKS, True)),
        Case("open", f"{trees} trees", "open", trees, "view",
             walks("open", OPENS, False)),
        Case("once", f"{trees} trees", "once", trees, "view",
             rows("once", ONCE, _once, last)),
        Case("path", f"{looks} look-ups", "path", looks, "view",
             rows("path", PATHS, _by_path, some)),
        Case("handle", f"{looks} look-ups", "handle", looks, "view",
             rows("handle", HANDLES, _by_handle, some)),
    ]  # fmt: skip
    nodes = sum(1 for b in blobs for _, n, _ in decode(b).items if not n)
    props = sum(1 for b in blobs for _, n, _ in decode(b).items if n)
    facts = {
        "trees": trees,
        "nodes": round(nodes / trees),
        "properties": round(props / trees),
    }
    return Prepared(found, missing, facts)
