# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The helpers of csrc/fdt_reg.[ch] as patches for dtc, and what a tree has of them."""

from __future__ import annotations

from .errors import ProposalError
from .series import Series, export
from .verify import Finding, verify

__all__ = ["Finding", "ProposalError", "Series", "export", "verify"]
