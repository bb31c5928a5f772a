# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Upstream's module is the reference: whatever it answers, ours answers."""

import inspect
import re

import pytest
import same_calls
from hostile_blobs import overlay, rich

# What upstream's module has because SWIG is inside, not because of libfdt
OF_SWIG = {"_libfdt", "_SwigNonDynamicMeta"}


def variables(module):
    """What the calls see, made anew for each."""
    q = bytearray(rich())
    b = bytearray(len(q) + 200)
    assert module.fdt_open_into(q, b, len(b)) == 0
    sw = module.FdtSw(100)
    sw.finish_reservemap()
    sw.begin_node("")
    big2 = bytearray(len(q) + 4000)
    assert module.fdt_open_into(q, big2, len(big2)) == 0
    return {
        "L": module,
        "q": q,
        "b": b,
        "v16": bytearray(rich(16)),
        "big": bytearray(5000),
        "big2": big2,
        "o": bytearray(overlay()),
        "e": bytearray(400),
        "w": bytearray(sw._fdt),
        "sw": sw,
        "f": module.Fdt(b),
        "soc": module.fdt_path_offset(b, "/soc"),
        "u1": module.fdt_path_offset(b, "/soc/u@1"),
        "chosen": module.fdt_path_offset(b, "/chosen"),
        "prop": module.fdt_first_property_offset(b, 0),
    }


def plain(value, module):
    """A value as types and contents that two modules can share."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item, module) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return type(value).__name__, bytes(value)
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v, module) for k, v in value.items()}
    if isinstance(value, module.FdtRo):
        return type(value).__name__, bytes(value._fdt)
    return type(value).__name__, value


def answer(call, module):
    """Result or exception, and every buffer as the call left it."""
    names = variables(module)
    try:
        result = plain(eval(call, names), module)
    except Exception as e:
        result = type(e).__name__, str(e)
    left = {
        name: bytes(names[name])
        for name in ("q", "b", "v16", "big", "big2", "o", "e", "w")
    }
    return result, left


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
