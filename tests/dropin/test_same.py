# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Upstream's module is the reference: whatever it answers, ours answers."""

import inspect
import re

import pytest
import same_calls
from answers import answer

# What upstream's module has because SWIG is inside, not because of libfdt
OF_SWIG = {"_libfdt", "_SwigNonDynamicMeta"}


@pytest.mark.parametrize("call", same_calls.CALLS)
def test_both_modules_answer_a_call_alike(call, upstream, ours):
    want, left_want = answer(call, upstream)
    got, left = answer(call, ours)
    assert got == want
    for name, data in left_want.items():
        assert left[name] == data, f"{name} after {call}"


def public(module):
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("__")
        and name not in OF_SWIG
        and not name.startswith("_swig")
    }


def test_every_name_of_upstream_is_there(upstream, ours):
    missing = public(upstream).keys() - vars(ours).keys()
    assert not missing


def test_every_constant_has_upstreams_value_and_type(upstream, ours):
    kinds = (int, tuple, range)
    for name, value in public(upstream).items():
        if isinstance(value, kinds):
            assert (type(getattr(ours, name)), getattr(ours, name)) == (
                type(value),
                value,
            ), name


def test_star_import_gives_struct_too(libfdt):
    """mdss-gen takes struct from `from libfdt import *`."""
    assert not hasattr(libfdt, "__all__")
    assert inspect.ismodule(libfdt.struct)


def functions(module):
    return {n: f for n, f in public(module).items() if inspect.isroutine(f)}


def test_every_function_takes_upstreams_arguments(upstream, ours):
    for name, function in functions(upstream).items():
        want = list(inspect.signature(function).parameters)
        got = list(inspect.signature(getattr(ours, name)).parameters)
        # SWIG's text of this one has the buffer that it makes itself
        if name == "fdt_get_path":
            assert got == ["fdt", "nodeoffset", "buflen"]
        else:
            assert got == want, name


@pytest.mark.parametrize("cls", ["FdtRo", "Fdt", "FdtSw", "Property", "NodeAdder"])
def test_every_method_takes_upstreams_arguments_and_defaults(cls, upstream, ours):
    for name, function in vars(getattr(upstream, cls)).items():
        if isinstance(function, staticmethod):
            function = function.__func__
        if not inspect.isfunction(function):
            continue
        want = inspect.signature(function).parameters.values()
        got = inspect.signature(getattr(getattr(ours, cls), name)).parameters.values()
        want = [(p.name, p.default) for p in want]
        got = [(p.name, p.default) for p in got]
        assert got == want, f"{cls}.{name}"


def test_the_table_has_every_function_and_method_of_upstream(upstream):
    text = "\n".join(same_calls.CALLS)
    called = set(re.findall(r"\.(\w+)\(", text))
    names = set(functions(upstream))
    for cls in (upstream.FdtRo, upstream.Fdt, upstream.FdtSw, upstream.Property):
        names |= {n for n in vars(cls) if not n.startswith("_") and n != "INC_SIZE"}
    # add_node is called above; its context is test_contract.py's
    assert not names - called
