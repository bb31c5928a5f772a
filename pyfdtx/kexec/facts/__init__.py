# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The machine: its memory, its kernel, its device tree."""
