# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Trees of dtc for the tests: clones of the one that PYFDTX_DTC names, at its
releases and at its newest commit, and a tree of our own that has no more than
the places that the series looks for."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

TAGS = ("v1.6.1", "v1.7.0", "v1.7.2", "v1.8.0", "v1.8.1")
AWAY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.invalid")
# Neither Python nor YAML has to do with what the series change
MAKE = ("make", "-s", "-j2", "NO_PYTHON=1", "NO_YAML=1")


def run(*command, cwd, ok=True, env=None):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **AWAY, **(env or {})},
        timeout=570,
    )
    if ok:
        assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}"
    return done


def git(folder, *words):
    return run("git", *IDENTITY, *words, cwd=folder).stdout


@functools.cache
def repository():
    """The repository of dtc that the user named, or a reason to skip."""
    path = os.environ.get("PYFDTX_DTC")
    if not path:
        return None, "PYFDTX_DTC names no git repository of dtc, with its tags"
    there = run("git", "-C", path, "tag", cwd="/", ok=False).stdout.split()
    missing = [tag for tag in TAGS if tag not in there]
    if missing:
        return None, f"PYFDTX_DTC={path} has no tag {missing[0]}"
    for tool in ("make", "cc", "bison", "flex"):
        if not shutil.which(tool):
            return None, f"this machine lacks {tool}, which dtc is built with"
    return path, ""


@functools.cache
def trees():
    """Every release, and the newest commit of any branch behind the last one."""
    path, _ = repository()
    if not path:
        return TAGS
    branches = run(
        "git", "-C", path, "for-each-ref", "--sort=-committerdate",
        "--format=%(objectname:short=12)", "--contains", TAGS[-1],
        "refs/heads", "refs/remotes", cwd="/",
    ).stdout.split()  # fmt: skip
    last = run("git", "-C", path, "rev-parse", f"{TAGS[-1]}^0", cwd="/").stdout
    newest = [commit for commit in branches if not last.startswith(commit)]
    return (*TAGS, *newest[:1])


def clone(tree, to):
    """A fresh checkout of a tag or commit; the user's repository is only read."""
    path, why = repository()
    if not path:
        pytest.skip(why)
    run("git", "clone", "-q", "--no-checkout", path, to, cwd="/")
    git(to, "fetch", "-q", path, "+refs/*:refs/theirs/*")
    git(to, "checkout", "-q", "--detach", tree)
    return Path(to)


def apply(tree, series):
    """git am, as the cover letter says; the commits are then on HEAD."""
    git(tree, "am", "-q", *series.files[1:])


def state(tree):
    """Everything that writing to a tree would change, .git included."""
    found = {}
    for path in sorted(Path(tree).rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = status.st_mode, status.st_mtime_ns, content
    return found


# The places of the topics "reg" and "reg-read", in words of our own.
SMALL = {
    "Documentation/manual.txt": (
        "    Options: -[t:pld:hV]\n"
        "    -d, --default <arg> what to show else\n\n"
        "    -v, --verbose    Display each value on the way\n"
    ),
    "fdtget.c": (
        "#include <stdio.h>\n\n"
        "enum mode {\n\tMODE_LIST_SUBNODES,\n};\n\n"
        "/**\n * Show something\n */\n"
        "static int show_data_for_item(const void *blob)\n"
        "{\n\tswitch (0) {\n\tdefault:\n\t\tbreak;\n\t}\n}\n\n"
        'static const char opts[] = "t:pld:";\n'
        '\t{"default", 1},\n'
        '\t"Default value to display ",\n\n'
        "\t\tcase 'd':\n\t\t\tdisp.default_val = optarg;\n\t\t\tbreak;\n"
    ),
    "fdtput.c": (
        "#include <string.h>\n\n"
        "struct info {\n\tint auto_path;\t\t/* make paths */\n};\n\n"
        "static char *realloc_property(char *fdt, int len)\n"
        "{\n\treturn fdt;\n}\n\n"
        "static int store(char **blob)\n{\n\tif (err)\n"
        "\t\t*blob = realloc_property(*blob, node, property, len);\n}\n\n"
        "/**\n * Make paths\n */\n"
        "static int create_paths(char **blob)\n{\n\treturn 0;\n}\n\n"
        "static int do_fdtput(struct info *disp)\n{\n"
        "\t\tif (encode_value(disp, arg + 2, arg_count - 2))\n\t\t\treturn 1;\n}\n\n"
        'static const char opts[] = "crdpt:v";\n'
        '\t{"type", 1},\n'
        '\t"Type of data",\n\n'
        "\t\tcase 'p':\n\t\t\tdisp.auto_path = 1;\n\t\t\tbreak;\n"
    ),
    "libfdt/libfdt.h": (
        "int fdt_one(void);\n\n"
        "/**\n * fdt_appendprop_addrrange - append a range\n"
        " * Cell sizes are determined by parent's cells.\n"
        " *\t-FDT_ERR_BADNCELLS, if it has a bad\n *\t\t#address-cells property\n"
        " *\t-FDT_ERR_BADVALUE, it does not fit\n */\n"
        "int fdt_appendprop_addrrange(void *fdt, int parent, int nodeoffset,\n"
        "\t\t\t     const char *name, uint64_t addr, uint64_t size);\n\n"
        "int fdt_two(void);\n"
    ),
    "libfdt/fdt.c": "int fdt_one(void)\n{\n\treturn 1;\n}\n",
    "libfdt/fdt_addresses.c": (
        "int fdt_two(void)\n{\n\treturn 2;\n}\n\n"
        "/* This function assumes that [address|size]_cells is 1 or 2 */\n"
        "int fdt_appendprop_addrrange(void *fdt, int parent, int nodeoffset,\n"
        "\t\t\t     const char *name, uint64_t addr, uint64_t size)\n"
        "{\n\tint cells = 2;\n\n\treturn cells;\n}\n"
    ),
    "libfdt/fdt_overlay.c": "",
    "libfdt/fdt_rw.c": "",
    "libfdt/fdt_wip.c": "",
    "libfdt/version.lds": "V {\n\tglobal:\n\t\tfdt_one;\n\tlocal:\n\t\t*;\n};\n",
    "pylibfdt/libfdt.i": (
        "class FdtRo(object):\n"
        "    def get_phandle(self, nodeoffset):\n        pass\n\n"
        "class Fdt(FdtRo):\n"
        "    def delprop(self, nodeoffset, prop_name):\n        pass\n"
        "%}\n\n%include <libfdt.h>\n"
    ),
    "tests/.gitignore": "*.dtb\n/apple\n/zebra\n",
    "tests/Makefile.tests": (
        "LIB_TESTS_L = apple \\\n\tappendprop_addrrange \\\n\tzebra\n"
    ),
    "tests/meson.build": "tests = [\n  'apple',\n  'zebra',\n]\n",
    "tests/pylibfdt_tests.py": "class PyLibfdtSwTests(unittest.TestCase):\n    pass\n",
    "tests/run_tests.sh": (
        "libfdt_tests () {\n    run_test appendprop_addrrange a 1\n"
        "    run_test zebra\n}\n"
        "fdtget_tests () {\n    run_fdtget_test a\n}\n"
        "fdtput_tests () {\n    run_fdtput_test a\n}\n"
    ),
    "tests/tests.h": "",
}


def small(to, under_git=True, **changes):
    """The small tree, with other texts for some files (None: no such file)."""
    files = {**SMALL, **changes}
    for name, text in files.items():
        if text is not None:
            path = Path(to) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if under_git:
        git(to, "init", "-q")
        git(to, "add", "-A")
        git(to, "commit", "-q", "-m", "small")
    return Path(to)
