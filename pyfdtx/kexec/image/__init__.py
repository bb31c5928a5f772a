# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images and initrds, and what wraps and compresses them."""
