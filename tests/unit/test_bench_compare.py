# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The benchmarks' own decoder, and that no planted difference escapes it.

Trees are put together here word by word, as chapter 5 of the Devicetree
Specification lays them out.
"""

import struct
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from compare import byte_difference, decode, tree_difference

NAMES = b"reg\0status\0kaslr-seed\0"
BEGIN, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def words(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def prop(name, value, padding=b"\0"):
    at = NAMES.index(name + b"\0")
    fill = padding * (-len(value) % 4)
    return words(PROP, len(value), at) + value + fill


def node(name, *content):
    raw = name + b"\0"
    fill = bytes(-len(raw) % 4)
    return words(BEGIN) + raw + fill + b"".join(content) + words(END_NODE)


def blob(root, reserved=((0x1000, 0x200),), boot_cpu=0):
    structure = root + words(END)
    rsv = b"".join(struct.pack(">QQ", *r) for r in (*reserved, (0, 0)))
    at = 40 + len(rsv)
    total = at + len(structure) + len(NAMES)
    return (
        words(0xD00DFEED, total, at, at + len(structure), 40, 17, 16, boot_cpu)
        + words(len(NAMES), len(structure))
        + rsv
        + structure
        + NAMES
    )


REG = prop(b"reg", words(1, 2))
STATUS = prop(b"status", b"okay\0")
SEED = prop(b"kaslr-seed", words(0x11111111, 0x22222222))
A = node(b"a", REG, STATUS)
B = node(b"b", SEED)
GOOD = blob(node(b"", STATUS, A, B))


def test_a_tree_is_decoded_to_paths_names_and_values():
    tree = decode(GOOD)
    assert tree.reserved == [(0x1000, 0x200)]
    assert dict(tree.items) == {
        ("/", "", b""): 1,
        ("/", "status", b"okay\0"): 1,
        ("/a", "", b""): 1,
        ("/a", "reg", words(1, 2)): 1,
        ("/a", "status", b"okay\0"): 1,
        ("/b", "", b""): 1,
        ("/b", "kaslr-seed", words(0x11111111, 0x22222222)): 1,
    }
    assert tree.value("/a", "status") == b"okay\0"
    assert tree.value("/b", "status") is None


@pytest.mark.parametrize(
    "same",
    [
        GOOD,
        blob(node(b"", STATUS, B, A)),
        blob(node(b"", STATUS, node(b"a", STATUS, REG), B)),
        blob(node(b"", STATUS, words(NOP), A, B)),
        blob(node(b"", prop(b"status", b"okay\0", padding=b"\xee"), A, B)),
    ],
    ids=["itself", "nodes swapped", "properties swapped", "a NOP", "dirty padding"],
)
def test_order_nops_and_padding_are_no_difference(same):
    assert tree_difference(GOOD, same) == []


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (blob(node(b"", STATUS, node(b"a", REG), B)), "lacks /a:status"),
        (blob(node(b"", STATUS, node(b"a", REG, STATUS, SEED), B)), "/a:kaslr-seed"),
        (
            blob(node(b"", STATUS, node(b"a", prop(b"reg", words(1, 3)), STATUS), B)),
            "has instead /a:reg = <00000001 00000003>",
        ),
        (blob(node(b"", STATUS, node(b"a", REG, STATUS, STATUS), B)), "/a:status"),
        (blob(node(b"", STATUS, A)), "lacks node /b"),
        (blob(node(b"", STATUS, A, B, node(b"c"))), "has instead node /c"),
        (blob(node(b"", STATUS, A, B), reserved=()), "memory reservations"),
        (blob(node(b"", STATUS, A, B), reserved=((0x1000, 0x201),)), "0x201"),
        (blob(node(b"", STATUS, A, B), boot_cpu=1), "boot CPU: wanted 0, got 1"),
    ],
    ids=[
        "property lost",
        "property added",
        "value changed",
        "property doubled",
        "node lost",
        "node added",
        "reservation lost",
        "reservation changed",
        "boot CPU changed",
    ],
)
def test_a_planted_difference_is_found_and_named(other, named):
    assert named in "\n".join(tree_difference(GOOD, other))


def test_every_changed_byte_of_a_value_is_found():
    value = GOOD.index(words(1, 2))
    for at in range(value, value + 8):
        changed = bytearray(GOOD)
        changed[at] ^= 0x80
        assert tree_difference(GOOD, bytes(changed)), f"byte {at}"


def test_seeds_are_not_shown():
    other = blob(node(b"", STATUS, A, node(b"b", prop(b"kaslr-seed", words(3, 4)))))
    said = "\n".join(tree_difference(GOOD, other))
    assert "/b:kaslr-seed (8 bytes)" in said
    assert "11111111" not in said


def test_what_is_no_tree_is_an_error():
    with pytest.raises(ValueError, match="wrong magic"):
        decode(bytes(64))
    with pytest.raises(ValueError, match="unknown tag 0x7"):
        decode(blob(words(7)))


def test_the_first_differing_byte_is_named():
    assert byte_difference(b"abcdef", b"abcdef") == []
    assert byte_difference(b"abcdef", b"abcxef")[0].startswith("byte 3: ")
    assert byte_difference(b"abc", b"abcd")[0].startswith("byte 3: ")
    assert "3 against 4 bytes" in byte_difference(b"abc", b"abcd")[0]
