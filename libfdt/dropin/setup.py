# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What both distributions share is said in pyfdtx's files alone."""

import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "libfdt"))
import about  # noqa: E402

setup(
    version=about.version(),
    install_requires=[f"pyfdtx>={about.version()}"],
    project_urls=about.urls(),
)
