# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What commands that make a tree say of the checker's findings about it."""

from __future__ import annotations

from .trouble import Trouble, complain, note

__all__ = ["force_argument", "judged"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..kexec.check.checker import Finding

# Errors that are spelled out
SHOWN = 4


def force_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force",
        action="store_true",
        help="go on although the checker finds errors; says which ('pyfdtx check' "
        "explains them)",
    )


def _text(finding: Finding) -> str:
    return str(finding).removeprefix(f"{finding.severity} ")


def judged(findings: Sequence[Finding], *, force: bool) -> None:
    """Show warnings; refuse errors, or show what force overrides.

    Raises:
        Trouble: there are errors.
    """
    for f in findings:
        if f.severity == "warning":
            note(f"warning: {_text(f)}")
    errors = [_text(f) for f in findings if f.severity == "error"]
    if not errors:
        return
    if force:
        for text in errors:
            complain(f"warning: --force overrides {text}")
        return
    rest = len(errors) - SHOWN
    more = f" (and {rest} more errors)" if rest > 0 else ""
    raise Trouble(
        f"the kernel would not take this: {' / '.join(errors[:SHOWN])}{more}; "
        "--force does it all the same"
    )
