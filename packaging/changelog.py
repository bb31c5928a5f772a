# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python changelog.py`: debian/changelog for the version that the package says it
has, dated by SOURCE_DATE_EPOCH."""

from __future__ import annotations

import os
import re
import time
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    text = (ROOT / "pyfdtx/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.*)"$', text, re.MULTILINE)
    assert found is not None
    return found[1]


def maintainer() -> str:
    text = (ROOT / "packaging/debian/control").read_text(encoding="utf-8")
    found = re.search(r"^Maintainer: (.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    day = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    print(f"pyfdtx ({version()}-1) unstable; urgency=medium\n")
    print("  * What changed: CHANGELOG.md.\n")
    print(f" -- {maintainer()}  {formatdate(day)}")
