# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a module answers to the calls of same_calls.py.

    python answers.py MODULE

Prints one line for each call: result or exception, and a digest of every
buffer as the call left it. Needs nothing but the standard library, so that it
runs wherever the module does.
"""

import hashlib
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import same_calls
from hostile_blobs import overlay, rich

BUFFERS = ("q", "b", "v16", "big", "big2", "o", "e", "w")


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
        result = "raised", type(e).__name__, str(e)
    return result, {name: bytes(names[name]) for name in BUFFERS}


def line(call, module):
    """An answer as text that does not depend on the interpreter: the words of
    Python's own exceptions change from version to version."""
    result, left = answer(call, module)
    if result[0] == "raised" and result[1] != "FdtException":
        result = result[:2]
    digest = hashlib.sha256(b"".join(left.values())).hexdigest()[:16]
    return f"{call!r} -> {result!a} {digest}"


if __name__ == "__main__":
    asked = importlib.import_module(sys.argv[1])
    for each in same_calls.CALLS:
        print(line(each, asked))
