# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import peers


@pytest.fixture(scope="session")
def upstream():
    return peers.upstream()


@pytest.fixture(scope="session")
def ours():
    return peers.ours()


@pytest.fixture(scope="session", params=["pylibfdt", "pyfdtx"])
def libfdt(request):
    """One after the other: what a test says must hold for both."""
    return peers.upstream() if request.param == "pylibfdt" else peers.ours()
