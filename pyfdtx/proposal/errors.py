# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What can go wrong with a tree of dtc."""

from __future__ import annotations

from ..errors import FdtError

__all__ = ["ProposalError"]


class ProposalError(FdtError):
    """A dtc tree, or a tool that the job needs, is not as it must be."""
