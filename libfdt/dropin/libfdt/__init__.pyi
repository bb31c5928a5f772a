# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
from pyfdtx.libfdt import *  # noqa: F403
