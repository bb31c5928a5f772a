# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""All code that is specific to an architecture: one module or package each."""
