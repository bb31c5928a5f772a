# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A process whose threads share trees forks: the child's trees are whole and
can be used, whatever the other threads were doing."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from pyfdtx import Fdt

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork() here")

FORKS = 40
# A child that waits for a lock is ended; none needs a hundredth of it
PATIENCE = 30
# Values that look like tags: a tree that is half moved is no tree
VALUE = b"\0\0\0\1" * 500


def in_child(check):
    """What came of check() in a child: 0, or a signal, or 1 with its traceback."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        check()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def use(fdt):
    """Read all of a tree, change it, and take it out."""
    assert len(repr(fdt)) > 10
    for node in fdt.walk():
        for value in node.values():
            assert value in (VALUE, VALUE[:400])
    fdt.add_node("/child").set_u32("x", 1)
    again = Fdt(fdt.to_bytes())
    assert again["/child"].get_u32("x") == 1
    assert fdt.totalsize == len(fdt.to_bytes())


def test_children_of_a_process_whose_threads_edit_can_use_the_tree():
    fdt = Fdt.empty()
    for i in range(50):
        fdt.root.add(f"n{i}")["p"] = VALUE
    stop = threading.Event()

    def disturb(name):
        node = fdt["/n25"]
        while not stop.is_set():
            node["p"] = VALUE[:400]
            node["p"] = VALUE
            fdt.root.add(name).delete()

    threads = [threading.Thread(target=disturb, args=(f"x{i}",)) for i in range(3)]
    for t in threads:
        t.start()
    try:
        for n in range(FORKS):
            assert in_child(lambda: use(fdt)) == 0, f"child {n}"
    finally:
        stop.set()
        for t in threads:
            t.join()
    use(fdt)


def test_a_fork_waits_for_an_edit_that_another_thread_is_making():
    """The bytes are no tree while the other thread has the lock."""
    fdt = Fdt.empty()
    fdt.root["p"] = VALUE
    half_made = threading.Event()

    def edit():
        blob = fdt._blob
        with blob.lock:
            good = bytes(blob.buf)
            blob.buf[:] = b"\xff" * len(good)
            half_made.set()
            # os.fork() lets go of the GIL to wait for the lock
            threading.Event().wait(0.2)
            blob.buf[:] = good

    thread = threading.Thread(target=edit)
    thread.start()
    half_made.wait()
    code = in_child(lambda: use(fdt))
    thread.join()
    assert code == 0
    assert fdt.root["p"] == VALUE


def test_a_thread_that_has_the_lock_may_fork():
    fdt = Fdt.empty()
    with fdt._blob.lock, fdt._blob.lock:
        code = in_child(lambda: [use(fdt), fdt._blob.lock.release()])
        assert fdt._blob.lock._is_owned()
    assert code == 0
    assert not fdt._blob.lock._is_owned()
    use(fdt)


def test_threads_may_fork_at_the_same_time():
    trees = [Fdt.empty() for _ in range(20)]
    codes = []

    def fork():
        for _ in range(5):
            codes.append(in_child(lambda: [use(fdt) for fdt in trees]))

    threads = [threading.Thread(target=fork) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [0] * 20
    assert not any(fdt._blob.lock._is_owned() for fdt in trees)


# A hook that was registered before pyfdtx came runs between its hook and the
# fork: there a thread begins a tree that nobody could wait for.
LATE = """
import os, signal, sys, threading
trees, begun, done = [], threading.Event(), threading.Event()

def begin():
    trees.append(Fdt.empty())
    with trees[1]._blob.lock:
        trees[1]._blob.buf[:] = bytes(256)
        begun.set()
        done.wait()

def before():
    trees.append(Fdt.empty())
    threading.Thread(target=begin).start()
    begun.wait()

os.register_at_fork(before=before)
from pyfdtx import Fdt, FdtError
Fdt.empty()
trees_at_rest = Fdt.empty()
trees.clear()
pid = os.fork()
if pid:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    done.set()
    sys.exit(code)
signal.alarm(30)
first, late = trees
first.add_node("/a")
trees_at_rest.add_node("/a")
said = set()
for use in (repr, len, Fdt.to_bytes, lambda fdt: fdt.root.add("a"),
            lambda fdt: fdt.memreserve.append(1, 2), Fdt.duplicate):
    try:
        use(late)
    except FdtError as e:
        said.add(str(e))
    else:
        said.add(f"{use} is possible")
print(*said, flush=True)
os._exit(0)
"""


def test_a_tree_that_was_half_made_at_the_fork_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "fork: another thread was at work on this tree when the process forked, and "
        "left it unfinished in the child; open it again there\n"
    )
