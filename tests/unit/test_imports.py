# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every module can be the first one that is imported."""

import subprocess
import sys
from pathlib import Path

import pyfdtx

HOME = Path(pyfdtx.__file__).parent

# In a process of its own for each: forked, for an interpreter's start costs more
ONE_BY_ONE = """
import importlib, os, sys
for name in sys.stdin.read().split():
    pid = os.fork()
    if not pid:
        try:
            importlib.import_module(name)
        except BaseException as e:
            print(f"{name}: {e!r}", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""


def names():
    for path in sorted(HOME.rglob("*.py")):
        parts = path.relative_to(HOME.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_each_module_is_imported_first_without_an_error():
    given = list(names())
    assert len(given) > 100
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE],
        input="\n".join(given),
        capture_output=True,
        text=True,
        cwd="/",
        timeout=600,
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
