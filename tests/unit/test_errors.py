# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The table of error codes against the compiler's values."""

import pickle

import pytest

import pyfdtx
from pyfdtx import errors
from pyfdtx._native import lib

CODES = sorted(
    (getattr(lib, name), name)
    for name in dir(lib)
    if name.startswith("FDT_ERR_") and name != "FDT_ERR_MAX"
)


def test_the_extension_knows_every_code_up_to_the_last():
    assert [code for code, _ in CODES] == list(range(1, lib.FDT_ERR_MAX + 1))


@pytest.mark.parametrize(("code", "name"), CODES)
def test_each_code_has_its_name(code, name):
    e = errors.error(-code, "op", "/chosen:bootargs")
    assert (e.code, e.name) == (-code, name)
    assert type(e) is not pyfdtx.FdtError
    assert isinstance(e, pyfdtx.FdtError)
    assert str(e).startswith("op /chosen:bootargs: ")
    assert name in str(e)


def test_an_unknown_code_is_a_plain_error():
    e = errors.error(-99, "op")
    assert type(e) is pyfdtx.FdtError
    assert "-99" in str(e)


def test_errors_survive_pickling():
    e = errors.error(-1, "fdt_getprop", "/chosen:x", "why")
    back = pickle.loads(pickle.dumps(e))
    assert type(back) is type(e)
    assert str(back) == str(e)
