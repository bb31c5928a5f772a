# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""One device tree: reading it in place, editing it."""
