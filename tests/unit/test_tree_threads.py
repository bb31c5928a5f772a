# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Trees in several threads: each call on a tree is whole, whoever calls."""

import builtins
import random
import subprocess
import sys
import threading
import time

import pytest

from pyfdtx import Fdt, FdtError, MemRange, _core
from pyfdtx.tree import blob, edit, memreserve, overlay, owned, props
from pyfdtx.tree import fdt as fdt_module


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


def refused(call):
    """What the tree has nothing for is looked for with the lock, too."""
    with pytest.raises(FdtError):
        call()


# C works without the GIL, trusts a sound blob, and takes offsets as they are. So
# whoever touches the bytes of a tree must hold its lock; this is seen here for
# each public method, without luck.

CALLS = {
    Fdt: {
        "add_node": lambda fdt: fdt.add_node("/a/b/c", parents=True),
        "aliases": Fdt.aliases,
        "apply_overlay": lambda fdt: fdt.apply_overlay(an_overlay()),
        "boot_cpuid_phys": lambda fdt: setattr(
            fdt, "boot_cpuid_phys", fdt.boot_cpuid_phys + 1
        ),
        "duplicate": Fdt.duplicate,
        "edit": lambda fdt: every_change(fdt),
        "empty": lambda fdt: fdt.empty(),
        "find": lambda fdt: fdt.find(property="#size-cells", value=1),
        "get": lambda fdt: fdt.get("/soc/none"),
        "is_overlay": lambda fdt: fdt.is_overlay,
        "labels": Fdt.labels,
        "memreserve": lambda fdt: repr(fdt.memreserve),
        "new_phandle": lambda fdt: [fdt.new_phandle(), no_phandle_above(fdt)],
        "node_by_alias": lambda fdt: fdt.node_by_alias("uart"),
        "node_by_label": lambda fdt: fdt.node_by_label("uart"),
        "node_by_phandle": lambda fdt: fdt.node_by_phandle(7),
        "pack": Fdt.pack,
        "root": lambda fdt: fdt.root.path,
        "squeeze": Fdt.squeeze,
        "stdout_path": lambda fdt: fdt.stdout_path(),
        "to_bytes": Fdt.to_bytes,
        "totalsize": lambda fdt: fdt.totalsize,
        "version": lambda fdt: fdt.version,
        "walk": lambda fdt: [node.path for node in fdt.walk()],
    },
    fdt_module.Node: {
        "add": lambda fdt: [fdt.root.add(f"n{i}") for i in range(40)],
        "address_cells": lambda fdt: fdt.root.address_cells,
        "addresses": lambda fdt: refused(fdt["/soc/uart@1"].addresses),
        "append": lambda fdt: fdt["/soc"].append("p", bytes(3000)),
        "append_cells": lambda fdt: fdt["/soc"].append_cells("p", [1]),
        "append_reg": lambda fdt: fdt["/soc/uart@1"].append_reg("reg", [(3, 4)]),
        "append_stringlist": lambda fdt: fdt["/soc"].append_stringlist("p", ["a"]),
        "child": lambda fdt: [fdt["/soc"].child("uart"), fdt["/soc"].child("uart@1")],
        "children": lambda fdt: list(fdt["/soc"].children()),
        "clear": lambda fdt: fdt["/soc"].clear(),
        "delete": lambda fdt: fdt["/soc"].delete(),
        "depth": lambda fdt: moved(fdt, "/soc").depth,
        "dma_ranges": lambda fdt: fdt["/soc"].dma_ranges(),
        "ensure_phandle": lambda fdt: fdt["/soc"].ensure_phandle(),
        "fdt": lambda fdt: fdt["/soc"].fdt,
        "get": lambda fdt: fdt["/soc"].get("none"),
        "get_cells": lambda fdt: fdt["/soc"].get_cells("#size-cells"),
        "get_string": lambda fdt: fdt["/aliases"].get_string("uart"),
        "get_stringlist": lambda fdt: fdt["/aliases"].get_stringlist("uart"),
        "get_u32": lambda fdt: fdt["/soc"].get_u32("#size-cells"),
        "get_u64": lambda fdt: fdt["/soc"].get_u64("none", 5),
        "interrupts": lambda fdt: refused(fdt["/soc/uart@1"].interrupts),
        "items": lambda fdt: list(fdt["/soc"].items()),
        "keys": lambda fdt: list(fdt["/soc"].keys()),
        "name": lambda fdt: moved(fdt, "/soc").name,
        "parent": lambda fdt: moved(fdt, "/soc").parent,
        "path": lambda fdt: moved(fdt, "/soc").path,
        "pci_reg": lambda fdt: refused(fdt["/soc/uart@1"].pci_reg),
        "phandle": lambda fdt: fdt["/soc"].phandle,
        "pop": lambda fdt: fdt["/soc"].pop("#size-cells"),
        "popitem": lambda fdt: fdt["/soc"].popitem(),
        "ranges": lambda fdt: fdt["/soc"].ranges(),
        "reg": lambda fdt: fdt["/soc/uart@1"].reg(parent="/soc"),
        "rename": lambda fdt: fdt["/soc"].rename("a-name-that-is-longer"),
        "set_bytes": lambda fdt: fdt["/soc"].set_bytes("p", b"1"),
        "set_cells": lambda fdt: fdt["/soc"].set_cells("p", [1]),
        "set_empty": lambda fdt: fdt["/soc"].set_empty("p"),
        "set_reg": lambda fdt: fdt["/soc/uart@1"].set_reg(
            "reg", [(1, 2)], parent=fdt["/soc"]
        ),
        "set_string": lambda fdt: fdt["/soc"].set_string("p", "a"),
        "set_stringlist": lambda fdt: fdt["/soc"].set_stringlist("p", ["a"]),
        "set_u32": lambda fdt: fdt["/soc"].set_u32("p", 1),
        "set_u64": lambda fdt: fdt["/soc"].set_u64("p", 1),
        "setdefault": lambda fdt: fdt["/soc"].setdefault("p", b"1"),
        "size_cells": lambda fdt: fdt.root.size_cells,
        "to_bus": lambda fdt: refused(lambda: fdt["/soc/uart@1"].to_bus(1)),
        "translate": lambda fdt: refused(lambda: fdt["/soc/uart@1"].translate(1)),
        "update": lambda fdt: fdt["/soc"].update(p=b"1"),
        "values": lambda fdt: list(fdt["/soc"].values()),
        "walk": lambda fdt: list(fdt["/soc"].walk()),
    },
    memreserve.MemReserve: {
        "append": lambda fdt: fdt.memreserve.append(1, 2),
        "clear": lambda fdt: fdt.memreserve.clear(),
        "remove": lambda fdt: fdt.memreserve.remove((5, 6)),
    },
    # What has no name
    object: {
        "contains": lambda fdt: ["/soc" in fdt, fdt["/soc"] in fdt],
        "del": lambda fdt: fdt.__delitem__("/soc"),
        "del property": lambda fdt: fdt["/soc"].__delitem__("#size-cells"),
        "len": lambda fdt: [len(fdt), len(fdt["/soc"]), len(fdt.memreserve)],
        "repr": lambda fdt: [repr(fdt), repr(fdt.root), repr(fdt.memreserve)],
        "reservations": lambda fdt: [
            *fdt.memreserve, fdt.memreserve[0], (5, 6) in fdt.memreserve
        ],
    },
}  # fmt: skip


def a_tree():
    fdt = Fdt.empty()
    soc = fdt.root.add("soc")
    for node in (fdt.root, soc):
        node.set_u32("#address-cells", 1)
        node.set_u32("#size-cells", 1)
    uart = soc.add("uart@1")
    uart.set_reg("reg", [(1, 2)])
    uart.set_u32("phandle", 7)
    for table in ("aliases", "__symbols__"):
        fdt.root.add(table).set_string("uart", "/soc/uart@1")
    fdt.memreserve.append(5, 6)
    return fdt


def an_overlay():
    over = Fdt.empty()
    over.add_node("/fragment@0").set_string("target-path", "/soc")
    over.add_node("/fragment@0/__overlay__/added", parents=True)
    return over


def every_change(fdt):
    with fdt.edit() as changes:
        changes.set(fdt["/soc"], "p", b"1")
        changes.delete_node("/soc/uart@1")
        changes.reserve((7, 8))


def no_phandle_above(fdt):
    fdt["/soc"].set_u32("phandle", 0xFFFFFFFE)
    return fdt.new_phandle()


def moved(fdt, path):
    """A handle that has to look its node up again."""
    node = fdt[path]
    fdt.squeeze()
    return node


@pytest.mark.parametrize("kind", [k for k in CALLS if k is not object])
def test_every_public_method_is_among_the_calls(kind):
    public = {name for name in dir(kind) if not name.startswith("_")}
    assert public == set(CALLS[kind])


class Watched(bytearray):
    """A tree's bytes; `reader` is called by whatever reads or writes them.

    Not by what takes them through the buffer protocol, before Python 3.12: the
    attribute and the functions below are watched for that.
    """

    reader = None


def watched_method(name):
    def touch(self, *args, **kwargs):
        if self.reader is not None:
            self.reader()
        return getattr(bytearray, name)(self, *args, **kwargs)

    return touch


LOOKS = {"__eq__", "__ge__", "__gt__", "__le__", "__lt__", "__ne__", "__repr__"}
for name in LOOKS | (set(dir(bytearray)) - set(dir(object))):
    if callable(getattr(bytearray, name)):
        setattr(Watched, name, watched_method(name))


def watch_bytes(fdt, monkeypatch):
    """Whether the lock was held, for each time the tree's bytes are touched."""
    seen = []
    shared = fdt._blob

    def touched():
        seen.append(shared.lock._is_owned())

    def wrap(buf):
        made = Watched(buf)
        made.reader = touched
        return made

    slot = type(shared).buf

    def get(self):
        if self is shared:
            touched()
        return slot.__get__(self)

    def put(self, buf):
        if self is shared:
            touched()
            buf = wrap(buf)
        slot.__set__(self, buf)

    def watched(func):
        def touch(buf, *args):
            if isinstance(buf, Watched):
                touched()
            return func(buf, *args)

        return touch

    slot.__set__(shared, wrap(slot.__get__(shared)))
    monkeypatch.setattr(type(shared), "buf", property(get, put))
    for module in (blob, edit, memreserve, overlay, owned, props, fdt_module):
        for name in ("dump", "memoryview", "reading", "resize", "writing"):
            func = getattr(module, name, None) or getattr(builtins, name, None)
            if func is not None:
                monkeypatch.setattr(module, name, watched(func), raising=False)
    return seen


@pytest.mark.parametrize(
    "call",
    [call for calls in CALLS.values() for call in calls.values()],
    ids=[f"{kind.__name__}.{name}" for kind, calls in CALLS.items() for name in calls],
)
def test_the_bytes_of_a_tree_are_touched_with_its_lock_alone(call, monkeypatch):
    fdt = a_tree()
    seen = watch_bytes(fdt, monkeypatch)
    assert fdt.totalsize
    assert seen, "nothing is watched"
    call(fdt)
    assert all(seen)
    assert fdt._blob.strays == 0, "the extension asked for the bytes without it"
    assert not fdt._blob.lock._is_owned(), "the lock is kept"
    Fdt(fdt.to_bytes())


@pytest.mark.parametrize(
    "look",
    [
        lambda blob, buf: blob.buf,
        lambda blob, buf: setattr(blob, "buf", bytearray(buf)),
        lambda blob, buf: blob.used,
        lambda blob, buf: blob.struct_start,
        lambda blob, buf: buf[0],
        lambda blob, buf: buf[8:12],
        lambda blob, buf: len(buf),
        lambda blob, buf: buf.index(0),
        lambda blob, buf: bytes(buf[:4]),
        lambda blob, buf: buf == b"",
        lambda blob, buf: list(buf),
        lambda blob, buf: buf.__setitem__(0, 0xD0),
        lambda blob, buf: props.memoryview(buf),
        lambda blob, buf: edit.reading(buf),
    ],
)
def test_each_way_to_look_at_the_bytes_is_seen(look, monkeypatch):
    """What watches the locks sees plain reads as well as calls into C."""
    fdt = a_tree()
    with fdt._blob.lock:
        seen = watch_bytes(fdt, monkeypatch)
        buf = fdt._blob.buf
        look(fdt._blob, buf)
        assert seen
        assert all(seen)
        del seen[:]
    look(fdt._blob, buf)
    assert seen[:1] == [False]


def test_the_extension_gives_no_bytes_to_who_has_not_locked_them():
    fdt = a_tree()
    node = moved(fdt, "/soc")
    with pytest.raises(FdtError):
        node._at("test")
    assert fdt._blob.strays == 1
    with fdt._blob.lock:
        assert node._at("test") > 0
    assert fdt._blob.strays == 1


def test_the_lock_is_re_entrant_and_belongs_to_a_thread():
    lock = a_tree()._blob.lock
    with lock:
        assert lock.acquire(blocking=False)
        assert lock._is_owned()
        others = []

        def other():
            others.append(lock._is_owned())
            others.append(lock.acquire(blocking=False))
            try:
                lock.release()
            except RuntimeError as e:
                others.append(str(e))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert others == [False, False, "this thread does not have the lock"]
        lock.release()
        assert lock._is_owned()
    assert not lock._is_owned()


def test_all_who_wait_for_a_lock_get_it_one_at_a_time():
    lock, inside, seen, turns = _core.Lock(), [], [], 300

    def work(me):
        for i in range(turns):
            with lock:
                inside.append(me)
                if i % 3 == 0:
                    time.sleep(0)  # another thread runs, and has to wait
                with lock:
                    seen.append(list(inside))
                inside.remove(me)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(seen) == 8 * turns
    assert all(len(them) == 1 for them in seen)
    assert lock.acquire(blocking=False)


def test_a_signal_ends_a_wait_and_the_lock_goes_on():
    """In a process of its own: the main thread waits, others hold and wait."""
    program = """if True:
        import signal, threading, time
        from pyfdtx import _core

        class Stop(Exception): ...
        def stop(*_): raise Stop
        signal.signal(signal.SIGALRM, stop)
        lock, held, free = _core.Lock(), threading.Event(), threading.Event()
        got = []
        def holder():
            with lock:
                held.set()
                free.wait()
        def waiter():
            with lock:
                got.append(1)
        threads = [threading.Thread(target=t) for t in (holder, waiter, waiter)]
        threads[0].start()
        held.wait()
        for thread in threads[1:]:
            thread.start()
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                lock.acquire()
            except Stop:
                got.append(0)
        free.set()
        for thread in threads:
            thread.join()
        with lock:
            print(*got)
        """
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0 0 0 1 1\n", "")


def test_a_lock_is_given_back_when_a_call_fails():
    fdt = a_tree()
    for call in (
        lambda: fdt["/none"],
        lambda: fdt["/soc"]["none"],
        lambda: fdt["/soc"].child("none"),
        lambda: fdt["/soc"].add("uart@1"),
        lambda: fdt.memreserve.remove((1, 1)),
        lambda: fdt["/soc/uart@1"].set_reg("reg", [(1 << 40, 1)]),
        lambda: fdt["/soc"].pop("none"),
        lambda: fdt.node_by_phandle(99),
        lambda: fdt.apply_overlay(b"no tree"),
        lambda: fdt.root.delete(),
    ):
        with pytest.raises((FdtError, ValueError)):
            call()
        assert not fdt._blob.lock._is_owned()


def disturb(fdt, seed, wrong):
    """Anything, on the same few nodes as everybody else."""
    rnd = random.Random(seed)
    jobs = [
        lambda i: fdt[f"/n{i}"].set_bytes("p", b"\0\0\0\1" * rnd.randrange(2000)),
        lambda i: fdt[f"/n{i}"].delete(),
        lambda i: fdt.add_node(f"/n{i}"),
        lambda i: fdt[f"/n{i}"].get("p"),
        lambda i: [dict(node.items()) for node in fdt.walk()],
        lambda i: fdt[f"/n{i}"].rename(f"m{i}"),
        lambda i: fdt[f"/m{i}"].rename(f"n{i}"),
        lambda i: fdt[f"/n{i}"].set_reg("reg", [MemRange(i, 1)], parent="/"),
        lambda i: [fdt.squeeze(), fdt.to_bytes(), fdt.duplicate(), fdt.new_phandle()],
        lambda i: [fdt.memreserve.append(i, 1), fdt.memreserve.clear()],
        lambda i: edit_all(fdt, i),
    ]
    for _ in range(500):
        try:
            rnd.choice(jobs)(rnd.randrange(10))
        except FdtError:
            pass  # somebody else has deleted or renamed it
        except Exception as e:
            wrong.append(repr(e))


def edit_all(fdt, i):
    with fdt.edit() as changes:
        changes.set("/", f"x{i}", bytes(i))
        changes.reserve((i, 5))


def test_threads_that_share_a_tree_leave_a_sound_one():
    fdt = a_tree()
    for i in range(10):
        # Values that look like the tags of a tree
        fdt.root.add(f"n{i}")["p"] = b"\0\0\0\1" * 50
    wrong = []
    threads = [
        threading.Thread(target=disturb, args=(fdt, seed, wrong)) for seed in range(4)
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    again = Fdt(fdt.to_bytes())
    assert [n.path for n in again] == [n.path for n in fdt]
