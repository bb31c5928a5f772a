# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The core of a kernel that died: its memory, and the log in it."""
