# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where our C sources are."""

from __future__ import annotations

from pathlib import Path

from .errors import ProposalError

__all__ = ["csrc"]

PACKAGE = Path(__file__).resolve().parents[1]


def csrc(name: str) -> str:
    """Text of csrc/NAME, as installed or in a source tree."""
    return _read(PACKAGE / "csrc" / name, PACKAGE.parent / "csrc" / name)


def _read(*candidates: Path) -> str:
    for path in candidates:
        if path.is_file():
            return path.read_text(encoding="ascii")
    raise ProposalError(
        "proposal", str(candidates[0]), "is missing from this installation"
    )
