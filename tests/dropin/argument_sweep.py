# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every function of the drop-in with every kind of wrong argument.

    python argument_sweep.py

One argument after the other, and two at a time, are of a kind or a size that
nobody meant. A call may return anything and may raise TypeError, ValueError or
OverflowError, as upstream does for numbers; it may not crash, nor write behind
the tree. Prints each call before it, so that the last line names the one that
crashed.
"""

import contextlib
import faulthandler
import gc
import inspect
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
from hostile_blobs import overlay, rich

import pyfdtx._core as L

ALLOWED = (TypeError, ValueError, OverflowError)
TAIL = b"\x55" * 64
GOOD = {"fdto": overlay, "name": lambda: "compatible", "propname": lambda: "compatible",
        "property": lambda: "compatible", "path": lambda: "/soc", "str": lambda: "c",
        "string": lambda: "c", "strlist": lambda: "a\0b", "compatible": lambda: "c",
        "val": lambda: b"abc", "propval": lambda: b"abc"}  # fmt: skip

LENGTHS = {"len", "namelen", "proplen", "bufsize"}


class Number(int):
    """Whoever asks for its value changes the tree."""

    def __index__(self):
        trees[0].clear()
        return 0


trees = []
ODD = (
    None, True, -1, -(2**31), 2**31 - 1, 2**31, 2**32, 2**63, 2**64, -(2**63) - 1, 1.5,
    "", "x", "\0", "\udc80", "x" * 5000, b"", b"x", b"x" * 5000, "same tree",
    bytearray(), bytearray(39), memoryview(b"x" * 80), [], object, Number(4),
)  # fmt: skip


def good(name, position):
    """An argument that most functions take in this place."""
    if position == 0 and name in ("fdt", "buf"):
        return bytearray(rich()) + bytearray(200)
    if name == "buf":
        return bytearray(2000)
    made = GOOD.get(name, lambda: 4)()
    return bytearray(made) if name == "fdto" else made


def attempt(function, names, odd):
    """Call with the odd arguments, by position."""
    values = [good(name, at) for at, name in enumerate(names)]
    if isinstance(values[0], bytearray):
        L.fdt_open_into(bytearray(rich()), values[0], len(rich()) + 136)
        values[0][-64:] = TAIL
    trees[:] = values[:1]
    for at, value in odd:
        values[at] = values[0] if value == "same tree" else value
    try:
        function(*values)
    except ALLOWED:
        pass
    except BufferError:
        # A view of the first argument stands in for another
        assert any(type(v) is memoryview for v in values)
    tree = trees[0]
    if isinstance(tree, bytearray) and len(tree) == len(rich()) + 200:
        assert tree[-64:] == TAIL, "wrote behind the tree"


class Trap:
    """Empties the tree when it is collected: before 3.12 that may be while a
    function makes an exception."""

    def __init__(self):
        self.me = self

    def __del__(self):
        with contextlib.suppress(BufferError):
            trees[0].clear()


def refuse(function, names):
    """Call with a length that is refused; what is collected then frees the tree."""
    at = next(n for n, name in enumerate(names) if name in LENGTHS)
    for threshold in range(1, 16):
        values = [good(name, n) for n, name in enumerate(names)]
        values[at] = -1
        trees[:] = values[:1]
        trees[0].extend(bytes(1 << 12))
        gc.collect()
        try:
            raise KeyError
        except KeyError:
            # While one is handled, the next is made at once, for its context
            with contextlib.suppress(*ALLOWED):
                Trap()
                gc.set_threshold(threshold)
                function(*values)
        finally:
            gc.set_threshold(0)


def main():
    done = 0
    gc.disable()
    for name in sorted(vars(L)):
        function = getattr(L, name)
        if not inspect.isbuiltin(function) or not name.startswith(("fdt", "_sw")):
            continue
        names = list(inspect.signature(function).parameters)
        if names[0] in ("fdt", "buf") and LENGTHS & set(names):
            print(name, "and the tree goes", flush=True)
            gc.enable()
            refuse(function, names)
            gc.disable()
        places = range(len(names))
        for count in (1, 2):
            for at in itertools.combinations(places, count):
                # Two at a time: the first of a kind only
                odd = ODD if count == 1 else ODD[::3]
                for values in itertools.product(odd, repeat=count):
                    pairs = tuple(zip(at, values))
                    print(name, [(p, repr(v)[:40]) for p, v in pairs], flush=True)
                    attempt(function, names, pairs)
                    done += 1
    print(f"done: {done}")


if __name__ == "__main__":
    faulthandler.enable()
    main()
