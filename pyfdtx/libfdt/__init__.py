# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Drop-in for upstream's Python module `libfdt` (distribution pylibfdt).

Same classes, functions, constants, argument names, results and errors, from a
wheel. What crashes, leaks or hangs there raises here. docs/migration.md says
how to switch and what differs.

Offsets are bytes from the start of the structure block; an edit moves what
stands behind it. `quiet` holds positive error codes that are returned as
negative numbers instead of being raised. A tree does not grow by itself,
except while FdtSw writes it; pyfdtx.Fdt does.

Newer than upstream's latest release, and provisional until one has them:
the accessors of cells and reservations in FdtRo and Fdt.
"""

# No __all__, as upstream: `from libfdt import *` gives every name, struct too.

from __future__ import annotations

import struct as struct

from .._libfdt import *
from .codes import (
    BADLAYOUT as BADLAYOUT,
    BADMAGIC as BADMAGIC,
    BADNCELLS as BADNCELLS,
    BADOFFSET as BADOFFSET,
    BADOVERLAY as BADOVERLAY,
    BADPATH as BADPATH,
    BADPHANDLE as BADPHANDLE,
    BADSTATE as BADSTATE,
    BADSTRUCTURE as BADSTRUCTURE,
    BADVALUE as BADVALUE,
    BADVERSION as BADVERSION,
    EXISTS as EXISTS,
    INTERNAL as INTERNAL,
    NOPHANDLES as NOPHANDLES,
    NOSPACE as NOSPACE,
    NOTFOUND as NOTFOUND,
    QUIET_ALL as QUIET_ALL,
    QUIET_NOSPACE as QUIET_NOSPACE,
    QUIET_NOTFOUND as QUIET_NOTFOUND,
    TRUNCATED as TRUNCATED,
    FdtException as FdtException,
    check_err as check_err,
    check_err_null as check_err_null,
    strerror as strerror,
)
from .prop import Property as Property
from .structs import (
    fdt_header as fdt_header,
    fdt_node_header as fdt_node_header,
    fdt_property as fdt_property,
    fdt_reserve_entry as fdt_reserve_entry,
)
from .tree import (
    Fdt as Fdt,
    FdtRo as FdtRo,
    fdt_for_each_property_offset as fdt_for_each_property_offset,
    fdt_for_each_subnode as fdt_for_each_subnode,
)
from .write import FdtSw as FdtSw, NodeAdder as NodeAdder
