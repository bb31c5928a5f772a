# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Arguments that change while a call looks at them.

Another thread may change a list, an array or a bytearray between any two
bytecodes. Here a tracer does it, at each bytecode in turn that the package runs:
the answer is the one for some length that the argument had. What is counted in
one look and used in another gives numbers from nowhere; under ASan it is seen
as the read behind the end that it is.
"""

import sys
from array import array
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx import Fdt, FdtError, FdtView
from pyfdtx.kexec import Ranges, elf_core_header

HOME = str(Path(pyfdtx.__file__).parent)
PAIRS = [(0x1000 * i, 0x100 + i) for i in range(1, 5)]
NUMBERS = [n for pair in PAIRS for n in pair]


def cut(value):
    """Half of it goes, and what stays in memory behind is no number of ours."""
    half = len(value) // 2
    for i in range(half, len(value)):
        # Ranges in order, where it is about numbers
        poison = {array: 1 if i % 2 else i << 20, bytearray: 0xAA}
        value[i] = poison.get(type(value), (i << 20, 1))
    del value[half:]


def clear(value):
    del value[:]


def grow(value):
    value.extend(value[: len(value) // 2])


class Changer:
    """Changes a value at the n-th bytecode inside the package."""

    def __init__(self, change, value, n):
        self.change, self.value, self.left = change, value, n

    def __call__(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        frame.f_trace_opcodes = True
        return self.step

    def step(self, frame, event, arg):
        if event == "opcode":
            self.left -= 1
            if self.left == -1:
                self.change_it()
        return self.step

    def change_it(self):
        try:
            memoryview(self.value)[:0].release()
            self.value.append(self.value.pop())
        except BufferError:
            return  # it is held where it is
        except TypeError:
            pass  # a list
        self.change(self.value)


def a_tree():
    fdt = Fdt.empty()
    for name in ("#address-cells", "#size-cells"):
        fdt.root.set_u32(name, 2)
    return fdt


def on_a_tree(method, **more):
    """Node.method("p", value) on a fresh tree: the call, what came of it."""

    def prepare():
        root = a_tree().root
        return lambda value: [getattr(root, method)("p", value, **more), root["p"]][1]

    return prepare


def in_an_edit(method):
    def prepare():
        fdt = a_tree()
        edit = fdt.edit()

        def call(value):
            getattr(edit, method)("/", "p", value)
            edit.commit()
            return fdt.root["p"]

        return call

    return prepare


def plain(call):
    return lambda: call


def header(**of):
    known = {"notes": [(0x1000, 8)], "ram": [(0x100000, 0x1000)], **of}
    return elf_core_header("arm64", virtual_offset=0, **known)


SMALL = a_tree().to_bytes()
# The argument, and the calls that take it; with a parent, set_reg() is Python's
CALLS = {
    "pairs": (list(PAIRS), {
        "set_reg": on_a_tree("set_reg", parent="/"),
        "append_reg": on_a_tree("append_reg", parent="/"),
        "edit.set_reg": in_an_edit("set_reg"),
        "Ranges": plain(lambda source: list(Ranges(source))),
        "ram": plain(lambda ram: header(ram=ram)),
        "notes": plain(lambda notes: header(notes=notes)),
    }),
    "lists": ([list(pair) for pair in PAIRS], {
        "set_reg": on_a_tree("set_reg", parent="/"),
        "union": plain(lambda source: list(Ranges.union(source))),
    }),
    "packed": (array("Q", NUMBERS), {
        "set_reg": on_a_tree("set_reg", parent="/"),
        "append_reg": on_a_tree("append_reg", parent="/"),
        "edit.append_reg": in_an_edit("append_reg"),
        "Ranges": plain(lambda source: list(Ranges(source))),
        "exclude": plain(lambda s: list(Ranges([(0, 1 << 20)]).exclude(s))),
        "ram": plain(lambda ram: header(ram=ram)),
        "notes": plain(lambda notes: header(notes=notes)),
    }),
    "bytes": (bytearray(range(16)), {
        "set_bytes": on_a_tree("set_bytes"),
        "append": on_a_tree("append"),
        "edit.set": in_an_edit("set"),
    }),
    "cells": (list(range(4)), {
        "set_cells": on_a_tree("set_cells"),
        "append_cells": on_a_tree("append_cells"),
        "edit.set_cells": in_an_edit("set_cells"),
    }),
    "blob": (bytearray(SMALL), {
        "Fdt": plain(lambda data: Fdt(data).to_bytes()),
        "FdtView": plain(lambda data: FdtView(data).data),
    }),
}  # fmt: skip


def outcome(call, value):
    try:
        return call(value)
    except (FdtError, TypeError, ValueError) as e:
        return type(e), str(e)


def lengths(value):
    """The value as long as it may be at any time."""
    grown = value[:]
    grow(grown)
    return [*(value[:n] for n in range(len(value) + 1)), grown]


@pytest.mark.parametrize("change", [cut, clear, grow])
@pytest.mark.parametrize(
    ("kind", "name"), [(k, name) for k, (_, calls) in CALLS.items() for name in calls]
)
def test_an_argument_that_changes_is_taken_as_it_was_at_one_time(kind, name, change):
    value, calls = CALLS[kind]
    prepare = calls[name]
    known = [outcome(prepare(), some) for some in lengths(value)]
    before = sys.gettrace()
    n = 0
    while True:
        call, mine = prepare(), value[:]
        changer = Changer(change, mine, n)
        sys.settrace(changer)
        try:
            got = outcome(call, mine)
        finally:
            sys.settrace(before)
        assert got in known, f"changed at bytecode {n}"
        if changer.left >= 0:
            break
        n += 1
    assert n > 5, "nothing was changed"


class Liar(list):
    """A list whose class says another length."""

    says = 0

    def __len__(self):
        return self.says


@pytest.mark.parametrize("says", [0, 1, 100, 1 << 20])
@pytest.mark.parametrize("entries", [PAIRS, [list(pair) for pair in PAIRS]])
def test_a_list_is_as_long_as_it_is(entries, says):
    lying = Liar(entries)
    lying.says = says
    fdt = a_tree()
    fdt.root.set_reg("reg", lying)
    assert fdt.root.reg() == PAIRS
    with fdt.edit() as edit:
        edit.append_reg("/", "reg", lying)
    assert fdt.root.reg() == PAIRS * 2
    assert list(Ranges(lying)) == PAIRS
    assert header(ram=lying, notes=lying) == header(ram=PAIRS, notes=PAIRS)


class Shrinker:
    """Whoever asks for its value empties the list that it is an index of."""

    def __init__(self, memreserve):
        self.memreserve = memreserve

    def __index__(self):
        self.memreserve.clear()
        return 1


def test_an_index_that_changes_the_reservations_is_asked_once():
    fdt = Fdt.empty()
    for i in range(1, 9):
        fdt.memreserve.append(i << 20, i)
    del fdt.memreserve[Shrinker(fdt.memreserve) : 5]
    assert list(fdt.memreserve) == []
    assert list(Fdt(fdt.to_bytes()).memreserve) == []


def test_the_bytes_of_a_view_are_not_changed_for_others():
    """C has looked at these, and at no others."""
    view = FdtView(SMALL)
    with pytest.raises(AttributeError):
        view.data = b""
    assert view.data == SMALL
