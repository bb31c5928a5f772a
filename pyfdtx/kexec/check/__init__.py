# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The checker: what the next kernel will not take as it is meant."""
