# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""BOARDS="sabrelite highbank" runs these, BOARDS=all all; without it the cheap ones."""

import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "system"))
from boards import BOARDS  # noqa: E402


def pytest_collection_modifyitems(config, items):
    chosen = os.environ.get("BOARDS", "").split()
    if not chosen:
        chosen = [name for name, board in BOARDS.items() if board.cheap]
    elif chosen == ["all"]:
        chosen = list(BOARDS)
    unknown = set(chosen) - set(BOARDS)
    if unknown:
        raise pytest.UsageError(
            f"BOARDS: unknown {', '.join(sorted(unknown))}; there are all, "
            f"{', '.join(BOARDS)}"
        )
    ours = [i for i in items if HERE in i.path.parents]
    gone = [i for i in ours if i.callspec.params["name"] not in chosen]
    config.hook.pytest_deselected(items=gone)
    items[:] = [i for i in items if i not in gone]


@pytest.fixture
def board_folder(request):
    """build/boards/NAME: logs and the machine's facts stay until the next run."""
    folder = HERE.parents[1] / "build" / "boards" / request.node.callspec.params["name"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    (folder / "first.cpio").unlink(missing_ok=True)
