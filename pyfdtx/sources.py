# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the C helpers are, for programs that compile them in.

fdt_reg.c needs nothing but the headers of an installed libfdt (1.6.1 or
later) and compiles as one more file of a program:

    cc -I$(python -c "import pyfdtx; print(pyfdtx.get_include())") program.c \\
        $(python -c "import pyfdtx; print(pyfdtx.get_source())") -lfdt
"""

from __future__ import annotations

import os

__all__ = ["get_include", "get_source"]


def get_include() -> str:
    """Folder with fdt_reg.h, for a compiler's -I.

    Returns: an absolute path.
    Raises:
        FileNotFoundError: the installation lacks the C sources.
    """
    return os.path.dirname(_find("fdt_reg.h"))


def get_source() -> str:
    """The file fdt_reg.c, to be compiled with a program.

    Returns: an absolute path.
    Raises:
        FileNotFoundError: the installation lacks the C sources.
    """
    return _find("fdt_reg.c")


def _find(name: str) -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    # Installed; or used from a source tree
    for folder in (here, os.path.dirname(here)):
        path = os.path.join(folder, "csrc", name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(
        f"{os.path.join(here, 'csrc', name)} is missing; install pyfdtx again, from "
        "its wheel or its source distribution"
    )
