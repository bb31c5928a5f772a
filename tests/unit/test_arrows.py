# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Imports inside the package go one way, and what is special about an architecture
stands in one place; docs/architecture.md draws it."""

import ast
import re
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx.kexec import architecture
from pyfdtx.kexec.architecture import arches

HOME = Path(pyfdtx.__file__).parent

NATIVE = {"_core"}
BASE = {"_native", "_core", "codec", "errors"}
# Floors, the lowest first: a room, and what it may import besides itself
MAY = {
    "_core": set(),
    "errors": set(),
    "sources": set(),
    "files": {"errors"},
    "_native": {"_core", "errors"},
    "pure": {"errors"},
    "libfdt": {"_core"},
    "codec": BASE - {"codec"},
    "tree": BASE,
    "text": BASE | {"tree"},
    "kexec.architecture": BASE,
    "kexec.cmdline": BASE,
    "kexec.reserved": BASE | {"tree"},
    "kexec.facts": BASE | {"files", "kexec.architecture"},
    "kexec.vmcore": {"errors", "files", "kexec.facts"},
    "kexec.image": BASE | {"files", "tree", "kexec.architecture"},
    "kexec.dtb": BASE
    | {"tree", "kexec.architecture", "kexec.cmdline", "kexec.reserved"},
    "kexec.elfcore": BASE | {"kexec.architecture", "kexec.facts"},
}
KEXEC = BASE | {"files", "tree", *(room for room in MAY if room.startswith("kexec."))}
MAY["kexec.check"] = KEXEC
MAY["kexec.place"] = KEXEC | {"kexec.check"}
MAY["kexec.loading"] = KEXEC | {"kexec.check", "kexec.place"}
MAY["kexec.doctor"] = KEXEC | {"kexec.place", "kexec.loading"}
MAY["kexec.arch"] = KEXEC | {"kexec.place", "kexec.check"}
MAY["proposal"] = {"_native", "errors", "sources", "files"}
MAY["kexec"] = {room for room in MAY if room.startswith("kexec.")} | {"codec"}
# The door, of the package itself
MAY[""] = {room for room in MAY if not room.startswith("_")}
MAY["cli"] = set(MAY)
MAY["tools"] = set(MAY)
MAY["__main__"] = {"cli"}


def area(module):
    """Room of a module given relative to the package, "kexec.dtb.crash"."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "kexec" else parts[0]


def test_each_room_lies_above_what_it_may_import():
    floors = list(MAY)
    for room, below in MAY.items():
        assert below <= set(floors[: floors.index(room)]), room


def test_the_picture_shows_each_room_above_what_it_may_import():
    picture = Path(__file__).resolve().parents[2] / "docs" / "architecture.svg"
    drawn = re.findall(r'y="(\d+)" class="room">([\w./]+)', picture.read_text())
    heights = {name.removeprefix("pyfdtx."): int(y) for y, name in drawn}
    for room, below in MAY.items():
        if room in ("", "kexec", "__main__"):  # doors
            continue
        for other in below - {"", "kexec"}:
            assert heights[room.replace(".", "/")] < heights[other.replace(".", "/")]


def modules():
    for path in sorted(HOME.rglob("*.py")):
        name = ".".join(path.relative_to(HOME).with_suffix("").parts)
        yield name.removesuffix("__init__").rstrip("."), path


FILES = dict(modules())


def checked_only(node):
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def imports(name, path):
    """Modules of the package that the file imports, its types among them."""
    yield from imported(name, path.read_text(), package=path.name == "__init__.py")


def imported(name, source, package=False):
    package = name.split(".") if package else name.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(source)):
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
                yield full if full in FILES or full in NATIVE else base


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda v: str(v))
def test_a_module_imports_only_what_lies_below_it(name, path):
    here = area(name)
    assert here in MAY, f"{name}: unknown room, give it a floor in this test"
    for target in imports(name, path):
        assert area(target) in MAY[here] | {here}, f"{name} imports {target}"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tree.fdt", "from ..kexec.facts import machine"),
        ("kexec.facts.machine", "from ..place.plan import Plan"),
        (
            "kexec.dtb.crash",
            "if TYPE_CHECKING:\n    from ..facts.machine import Machine",
        ),
        ("codec.values", "from pyfdtx import Fdt"),
        ("text.dts", "def f():\n    import pyfdtx.cli.show"),
    ],
)
def test_the_test_sees_an_import_upwards(name, line):
    here = area(name)
    assert [t for t in imported(name, line) if area(t) not in MAY[here] | {here}]


def test_the_test_sees_imports():
    found = set(imports("tree.fdt", FILES["tree.fdt"]))
    # At its top, for its types alone, and in a function
    assert {"_native", "errors", "tree.blob", "tree.edit", "tree.overlay"} <= found


def circles(arrows):
    """Each set of modules that reach each other (Tarjan), sorted."""
    number, low, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = low[module] = len(number)
        stack.append(module)
        for target in arrows[module]:
            if target not in number:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], number[target])
        if low[module] == number[module]:
            at = stack.index(module)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for module in arrows:
        if module not in number:
            visit(module)
    return [circle for circle in found if len(circle) > 1]


def all_arrows():
    return {
        name: {t for t in imports(name, path) if t in FILES and t != name}
        # The doors name what everybody may import, and nobody imports them
        for name, path in FILES.items()
        if name not in DOORS
    }


DOORS = {"", "kexec"}


def test_no_imports_go_in_circles_not_even_those_of_types():
    arrows = {n: {t for t in to if t not in DOORS} for n, to in all_arrows().items()}
    assert circles(arrows) == []


@pytest.mark.parametrize(
    "line",
    [
        "from ..tree.fdt import Node",
        "if TYPE_CHECKING:\n    from pyfdtx.tree.fdt import Node",
        "def f():\n    from ..tree import fdt",
    ],
)
def test_the_test_sees_a_planted_circle(line):
    arrows = {n: {t for t in to if t not in DOORS} for n, to in all_arrows().items()}
    arrows["codec.values"] |= set(imported("codec.values", line))
    assert any({"codec.values", "tree.fdt"} <= set(c) for c in circles(arrows))


# Words of a rule for people: they may say what each kernel does
PEOPLE = {"about", "effect", "way_out", "source", "versions"}
# A default argument that callers rely on
DEFAULT = "arch='arm64'"


def names_of_architectures():
    """As the records have them, and as Linux has them in `uname -m` and arch/."""
    found = {"x86", "aarch64", "powerpc", "s390", "loongarch", "armv7l", "aarch32"}
    for arch in arches():
        found |= {arch.name, *arch.machines}
    return found


NAMES = names_of_architectures()
# Also in ARM64_MAX, _riscv_arch or "arm64 and riscv"
WORD = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(NAMES)})(?![a-z0-9])", re.IGNORECASE)


def is_home(text):
    """A module of an architecture, in the list of them or at the door of kexec."""
    return text.removeprefix("arch.").split(".")[0] in architecture.MODULES


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def spelled(node):
    """Names and strings of one node, not of those below it."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bytes):
            yield node.value.decode("latin-1")
        elif isinstance(node.value, str):
            yield node.value
    for field in ("id", "attr", "arg", "name", "asname", "module", "names"):
        value = getattr(node, field, None)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text


def code_below(node):
    """All nodes that run or name something: no documentation, no types."""
    if checked_only(node):
        for child in node.orelse:
            yield from code_below(child)
        return
    if is_docstring(node):
        return
    if isinstance(node, ast.keyword) and node.arg in PEOPLE:
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from code_below(child)


def defaults(tree):
    """Constants that are the default of an argument, spelled with its name."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            a = node.args
            places = [*a.posonlyargs, *a.args]
            pairs = [*zip(places[len(places) - len(a.defaults) :], a.defaults)]
            for arg, value in [*pairs, *zip(a.kwonlyargs, a.kw_defaults)]:
                if value is not None and f"{arg.arg}={ast.unparse(value)}" == DEFAULT:
                    yield value


def architectures_named(source):
    """(line, text) of each place in code that names an architecture."""
    tree = ast.parse(source)
    allowed = set(map(id, defaults(tree)))
    for node in code_below(tree):
        if id(node) not in allowed:
            for text in spelled(node):
                if WORD.search(text):
                    yield getattr(node, "lineno", 0), text


@pytest.mark.parametrize(
    ("name", "path"),
    [(n, p) for n, p in modules() if n.startswith("kexec")],
    ids=lambda v: str(v),
)
def test_what_is_special_about_an_architecture_stands_with_it(name, path):
    """One file, or folder, below kexec/arch/ each; its list, in arch/__init__.py,
    and its own folder are the only places that name it."""
    if name.startswith("kexec.arch."):
        own = name.split(".")[2]
        assert own in architecture.MODULES, f"{name} belongs to no architecture"
        return
    found = list(architectures_named(path.read_text()))
    if name in ("kexec", "kexec.architecture"):
        found = [f for f in found if not is_home(f[1])]
    assert found == [], f"{path.name} names architectures: ask their records"


def test_every_module_of_the_list_is_there_and_has_records():
    home = HOME / "kexec" / "arch"
    there = {p.stem for p in home.iterdir() if p.suffix == ".py" or p.is_dir()}
    there -= {"__init__", "__pycache__"}
    assert there == set(architecture.MODULES)
    names = [name for a in arches() for name in {a.name, *a.machines}]
    assert len(names) == len(set(names)), f"named twice: {sorted(names)}"
    for arch in arches():
        for name in arch.parts:
            assert arch.own(name) is not None, f"{arch.name} has no {name}()"


@pytest.mark.parametrize(
    "code",
    [
        'if arch == "arm": pass',
        'TABLE = {"riscv64": 1}',
        "ARM64_MAX = 2",
        "from .arch.ppc64 import check",
        "from .arch import x86_64",
        "import pyfdtx.kexec.arch.riscv",
        "from .._core import ARM",
        "f(arm=1)",
        "def _riscv_arch(): pass",
        "x = facts.is_ppc64le",
        'refuse(f"arm64 alone, not {name}")',
        'MAGIC = b"arm64"',
        '@rule(arches=("arm64",), about="")\ndef f(): pass',
        'def f(machine="arm64"): pass',
        'def f(*, arch="riscv"): pass',
        "if TYPE_CHECKING: pass\nelse: from .arch import arm",
    ],
)
def test_the_test_sees_architectures(code):
    assert list(architectures_named(code)), code


@pytest.mark.parametrize(
    "code",
    [
        '"""arm64 does this."""',
        "# arm64 does this",
        'def f(*, arch: Literal["arm64", "riscv"] = "arm64"):\n    "of arm"',
        '@rule(effect="arm64 oopses", source="arch/arm/mm/init.c")\ndef f(): pass',
        "if TYPE_CHECKING:\n    from .arch.arm.image import ZImage",
        "alarm = charm = 1",
        'text = "an alarm"',
    ],
)
def test_the_test_lets_documentation_and_types_be(code):
    assert list(architectures_named(code)) == [], code
