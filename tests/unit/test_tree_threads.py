# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Two trees may be used by two threads at a time."""

import threading

from pyfdtx import Fdt


def build(seed, n):
    fdt = Fdt.empty()
    for i in range(n):
        node = fdt.root.add(f"n{i}")
        node.set_u32("x", i * seed)
        node["big"] = bytes([seed]) * (i % 97)
        if i % 3 == 0:
            node.rename(f"r{i}")
        if i % 5 == 0:
            node.delete()
    return fdt.to_bytes()


def test_trees_in_parallel_threads_do_not_disturb_each_other():
    n = 400
    wanted = [build(seed, n) for seed in range(1, 5)]
    got = [None] * 4

    def run(i):
        got[i] = [build(i + 1, n) for _ in range(3)]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == [[w] * 3 for w in wanted]


def test_readers_of_one_tree_get_their_own_values():
    """Not promised, but a length of another thread would be read out of bounds."""
    fdt = Fdt.empty()
    wanted = {f"p{i}": bytes([i]) * i for i in (1, 5, 150, 250)}
    for name, value in wanted.items():
        fdt.root[name] = value
    wrong = []

    def read():
        for _ in range(3000):
            for name, value in wanted.items():
                if fdt.root[name] != value:
                    wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
