# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The import alone."""

import pyfdtx  # noqa: F401
