# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python -m pyfdtx` is the command line."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
