# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An empty buffer is called too short, wherever it lies.

CPython 3.13 keeps the bytes of every empty bytearray at one odd address.
"""

import pytest

from pyfdtx._native import ffi, lib


@pytest.mark.parametrize("place", range(8))
def test_no_bytes_are_too_short_at_every_address(place):
    buf = ffi.new("uint64_t[2]")
    fault = ffi.new("struct fdtx_fault *")
    code = lib.fdtx_check(ffi.cast("char *", buf) + place, 0, fault)
    assert code == -lib.FDT_ERR_TRUNCATED
    assert ffi.string(fault.cause) == b"shorter than a device tree header"
