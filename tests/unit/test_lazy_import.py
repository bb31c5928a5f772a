# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`import pyfdtx` loads nothing, and nobody can tell but by the clock.

Each statement runs in a process of its own: what one loads, another may have
needed.
"""

import subprocess
import sys
from pathlib import Path

import pytest

import pyfdtx
import pyfdtx.kexec


def python(code, tmp_path):
    # -S: without site, whose .pth files may load anything
    head = f"import sys; sys.path[:] = {sys.path!r}; before = set(sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", head + code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import pyfdtx", {"pyfdtx."}),
        ("import pyfdtx; dir(pyfdtx)", {"pyfdtx."}),
        (
            "import pyfdtx.libfdt",
            {"pyfdtx.tree.fdt", "pyfdtx._native", "_cffi_backend"},
        ),
        (
            "import pyfdtx.kexec",
            {"pyfdtx.tree.fdt", "pyfdtx.libfdt", "_cffi_backend"},
        ),
        ("from pyfdtx import MemRange", {"pyfdtx.tree.fdt", "pyfdtx.libfdt"}),
        ("from pyfdtx import install_as_libfdt", {"pyfdtx.tree.fdt", "_cffi_backend"}),
    ],
)
def test_an_import_leaves_alone_what_it_does_not_need(statement, unwanted, tmp_path):
    loaded = python(f"{statement}\nprint(*sorted(set(sys.modules) - before))", tmp_path)
    assert "pyfdtx" in loaded
    assert [m for m in loaded if m.startswith(tuple(unwanted))] == []


@pytest.mark.parametrize("name", [*pyfdtx.__all__, "__version__"])
def test_every_public_name_is_there_at_first_use(name, tmp_path):
    ways = [
        f"from pyfdtx import {name} as found",
        f"import pyfdtx; found = pyfdtx.{name}",
        f"import pyfdtx; assert {name!r} in dir(pyfdtx); found = pyfdtx.{name}",
    ]
    for way in ways:
        said = python(
            f"{way}\nimport pyfdtx\nprint(found is pyfdtx.{name}, "
            f"{name!r} in vars(pyfdtx))",
            tmp_path,
        )
        assert said == ["True", "True"], way


def test_star_import_gives_all_of_all(tmp_path):
    code = (
        "from pyfdtx import *\nimport pyfdtx\n"
        "print(*set(pyfdtx.__all__) - set(globals()))"
    )
    assert python(code, tmp_path) == []


@pytest.mark.parametrize("name", ["errors", "tree"])
def test_modules_need_no_import_of_their_own(name, tmp_path):
    """The types say so, too: a checker takes pyfdtx.errors after import pyfdtx."""
    code = f"import pyfdtx\nprint(pyfdtx.{name}.__name__, {name!r} in dir(pyfdtx))"
    assert python(code, tmp_path) == [f"pyfdtx.{name}", "True"]


@pytest.mark.parametrize("name", pyfdtx.kexec.__all__)
def test_a_public_name_of_kexec_is_what_it_says_whatever_is_loaded(name, tmp_path):
    """Not a module of the same name, also when all modules are loaded."""
    code = (
        "import pkgutil, pyfdtx.kexec, importlib, types\n"
        "for m in pkgutil.walk_packages(pyfdtx.kexec.__path__, 'pyfdtx.kexec.'):\n"
        "    importlib.import_module(m.name)\n"
        f"from pyfdtx.kexec import {name} as found\n"
        f"print(callable(found), found is pyfdtx.kexec.{name}, found.__name__)"
    )
    assert python(code, tmp_path) == ["True", "True", name]
    first = f"from pyfdtx.kexec import {name} as found\nprint(callable(found))"
    assert python(first, tmp_path) == ["True"]


def test_a_clone_works_from_its_own_folder(tmp_path):
    """There the package's own folder comes before what is installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyfdtx" / "__init__.py").exists():
        pytest.skip("no clone")
    code = (
        "import pyfdtx, os\n"
        "from pyfdtx import Fdt, get_include, get_source\n"
        "from pyfdtx.kexec import Machine, elf_core_header, second_kernel_dtb\n"
        "import pyfdtx.libfdt\n"
        "blob = open('examples/arm64-dt/sys/firmware/fdt', 'rb').read()\n"
        "Fdt(second_kernel_dtb(blob))\n"
        "Machine('examples/arm64-dt').ram\n"
        "print(os.path.dirname(pyfdtx.__file__), os.path.isfile(get_source()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root
    )
    assert done.stderr == ""
    assert done.stdout.split() == [str(root / "pyfdtx"), "True"]


def test_a_name_that_is_not_there_is_said_as_python_says_it(tmp_path):
    with pytest.raises(AttributeError, match="module 'pyfdtx' has no attribute 'Fd'"):
        pyfdtx.Fd  # noqa: B018
    code = (
        "try:\n    from pyfdtx import nothing\n"
        "except ImportError as e:\n    print(str(e).split(' (')[0])"
    )
    assert " ".join(python(code, tmp_path)) == (
        "cannot import name 'nothing' from 'pyfdtx'"
    )


@pytest.mark.parametrize(
    "value",
    [
        "pyfdtx.MemRange(1, 2)",
        "pyfdtx.FdtNotFound('op', '/a', 'why', -1)",
        "pyfdtx.Fdt",
    ],
)
def test_pickles_are_read_where_nothing_is_loaded_yet(value, tmp_path):
    code = f"import pickle, pyfdtx\nprint(pickle.dumps({value}).hex())"
    (data,) = python(code, tmp_path)
    code = (
        f"import pickle\nfound = pickle.loads(bytes.fromhex({data!r}))\n"
        f"import pyfdtx\nprint(repr(found) == repr({value}))"
    )
    assert python(code, tmp_path) == ["True"]
