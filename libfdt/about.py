# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Version and addresses of both distributions, each said at one place."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    """__version__ of pyfdtx/__init__.py."""
    text = (ROOT / "pyfdtx" / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.M)[0]


def home() -> str:
    """Where the project lives: PYFDTX_URL, else `url` in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    told = re.findall(r'^url = "(.+)"$', text, re.M)[0]
    return os.environ.get("PYFDTX_URL", told).rstrip("/")


def urls() -> dict[str, str]:
    at = home()
    return {
        "Homepage": at,
        "Source": at,
        "Documentation": f"{at}/tree/main/docs",
        "Changelog": f"{at}/blob/main/CHANGELOG.md",
        "Issues": f"{at}/issues",
    }
