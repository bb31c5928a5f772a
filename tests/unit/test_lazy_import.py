# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`import pyfdtx` loads nothing, and nobody can tell but by the clock.

Each statement runs in a process of its own: what one loads, another may have
needed.
"""

import subprocess
import sys

import pytest

import pyfdtx


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
            {"pyfdtx.tree.node", "pyfdtx._native", "_cffi_backend"},
        ),
        (
            "import pyfdtx.kexec",
            {"pyfdtx.tree.node", "pyfdtx.libfdt", "_cffi_backend"},
        ),
        ("from pyfdtx import MemRange", {"pyfdtx.tree.node", "pyfdtx.libfdt"}),
        ("from pyfdtx import install_as_libfdt", {"pyfdtx.tree.node", "_cffi_backend"}),
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
