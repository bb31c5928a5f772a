# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the package is installed, found without loading it."""

import sysconfig
from pathlib import Path

HOME = Path(sysconfig.get_path("platlib")) / "pyfdtx"
if not HOME.is_dir():
    raise SystemExit("pyfdtx is not installed here: make build")
