# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Drop-in for upstream's Python module `libfdt` (distribution pylibfdt).

Same classes, functions, constants, argument names, results and errors, from a
wheel. What crashes, leaks or hangs there raises here. docs/migration.md says
how to switch and what differs.

Offsets are bytes from the start of the structure block; an edit moves what
stands behind it. `quiet` holds positive error codes that are returned as
negative numbers instead of being raised. A tree does not grow by itself,
except while FdtSw writes it; pyfdtx.Fdt does.

Newer than upstream's latest release, and provisional, names too, until one has
them: FdtRo.address_cells(), FdtRo.size_cells(), Fdt.add_mem_rsv() and
Fdt.del_mem_rsv(), which upstream has merged; and the functions of fdt_reg.h, as
functions and as methods (setprop_reg(), appendprop_reg(), their array forms,
getprop_reg(), getprop_reg_count(), reg_len()), which are proposed to it.
"""

# No __all__, as upstream: `from libfdt import *` gives every name, struct too.
# ruff: noqa: F403

import struct as struct

from .._core import *
from ._classes import *
