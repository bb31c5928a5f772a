# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where our C sources and test programs are."""

from __future__ import annotations

from pathlib import Path

from .errors import ProposalError

__all__ = ["csrc", "programs"]

PACKAGE = Path(__file__).resolve().parents[1]


def csrc(name: str) -> str:
    """Text of csrc/NAME, as installed or in a source tree."""
    return _read(PACKAGE / "csrc" / name, PACKAGE.parent / "csrc" / name)


def programs() -> dict[str, str]:
    """The files of tests/c by name."""
    for folder in (PACKAGE / "csrc" / "tests", PACKAGE.parent / "tests" / "c"):
        found = sorted(folder.glob("*.[ch]"))
        if found:
            return {path.name: path.read_text(encoding="ascii") for path in found}
    raise ProposalError("proposal", cause="this installation lacks the C test programs")


def _read(*candidates: Path) -> str:
    for path in candidates:
        if path.is_file():
            return path.read_text(encoding="ascii")
    raise ProposalError(
        "proposal", str(candidates[0]), "is missing from this installation"
    )
