# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`import libfdt` gives pyfdtx.libfdt.

A folder, so that it neither overwrites pylibfdt's libfdt.py nor is deleted
with it, and comes first where both lie side by side.
"""

import sys

import pyfdtx.libfdt
from pyfdtx.libfdt._install import other_libfdt

_other = other_libfdt()
if _other:
    import warnings

    warnings.warn(
        f"libfdt is pyfdtx's, but pylibfdt is installed too ({_other}). "
        "Way out: pip uninstall pylibfdt to keep this one, or pip uninstall "
        "pyfdtx-libfdt to keep that one.",
        RuntimeWarning,
        stacklevel=2,
    )
sys.modules[__name__] = pyfdtx.libfdt
