# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What packages carry beside the library."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """man/ and completion/, made from the installed package."""
    to = tmp_path_factory.mktemp("made")
    subprocess.run(
        [sys.executable, ROOT / "packaging/generate.py", to], check=True, timeout=60
    )
    return to
