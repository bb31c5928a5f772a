# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files that somebody else prepared: read without leaving the root, at once, and never
more than fits their kind."""

import os
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pyfdtx.files import reading
from pyfdtx.files.reading import LIMITS, Root, open_regular, read_file, read_whole

INSIDE, OUTSIDE = b"inside", b"outside"


@pytest.fixture
def root(tmp_path):
    """tmp_path/root with files, tmp_path/secret outside of it."""
    (tmp_path / "secret").write_bytes(OUTSIDE)
    top = tmp_path / "root"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_bytes(INSIDE)
    (top / "secret").write_bytes(INSIDE)  # what an absolute link may mean
    return top


def read(root, name, limit=100):
    return Root(str(root)).read(name, limit)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("link", "a/b/file"),
        ("link", "/a/b/file"),
        ("link", "./a/../a//b/file"),
        ("a/link", "b/file"),
        ("a/b/link", "../b/file"),
        ("a/b/link", "../../a/b/file"),
        ("link", "/secret"),
        ("a/link", "/link2"),
    ],
)
def test_a_link_that_stays_inside_is_followed(root, link, target):
    (root / "link2").symlink_to("a/b/file")
    (root / link).symlink_to(target)
    assert read(root, link) == INSIDE
    assert Root(str(root)).exists(link)


def test_a_folder_may_be_a_link(root):
    (root / "c").symlink_to("/a")
    assert read(root, "c/b/file") == INSIDE
    assert Root(str(root)).entries("c") == (["b"], [], [])
    os.symlink(root, root.parent / "way")
    assert read(root.parent / "way", "a/b/file") == INSIDE


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("link", "../secret"),
        ("a/link", "../../secret"),
        ("link", "a/../../secret"),
        ("a/b/link", "../../../../../../etc/passwd"),
        ("link", "/etc/passwd"),
        ("link", "/proc/self/environ"),
        ("a/link", "/etc"),
    ],
)
def test_a_link_that_leads_out_is_an_error_that_names_it(root, link, target):
    (root / link).symlink_to(target)
    name = f"{link}/passwd" if target == "/etc" else link
    with pytest.raises(OSError, match="leads out of") as e:
        read(root, name)
    assert f"link {link} -> {target} leads out of {root}" in e.value.strerror
    # not a missing file, which may mean another thing
    assert not isinstance(e.value, FileNotFoundError)
    assert Root(str(root)).exists(name)


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "a/b/../../../secret"])
def test_a_name_does_not_lead_out_either(root, name):
    with pytest.raises(OSError, match="leads out of"):
        read(root, name)


def test_a_link_to_nothing_inside_is_a_missing_file(root):
    (root / "link").symlink_to("nothing")
    with pytest.raises(FileNotFoundError):
        read(root, "link")
    assert not Root(str(root)).exists("link")


def test_links_in_a_circle_end(root):
    (root / "link").symlink_to("other")
    (root / "other").symlink_to("/link")
    with pytest.raises(OSError, match="too many links"):
        read(root, "link")
    (root / "deep").symlink_to("deep/deep")
    with pytest.raises(OSError, match="too many links"):
        read(root, "deep/x")


def test_a_link_that_comes_between_look_and_open_is_not_followed(root, monkeypatch):
    real = reading.open_regular

    def swapped(name, *, inside):
        os.unlink(root / "a/b/file")
        os.symlink(root.parent / "secret", root / "a/b/file")
        return real(name, inside=inside)

    monkeypatch.setattr(reading, "open_regular", swapped)
    with pytest.raises(OSError):  # noqa: PT011
        read(root, "a/b/file")


def test_the_running_system_is_a_root_too():
    with open("/proc/version", "rb") as f:
        assert Root("/").read("proc/version", 1000) == f.read()
    assert Root("/").read("../../proc/version", 1000)
    assert Root("/").read("proc/self/stat", 10_000)


def test_a_walk_leaves_no_descriptor_open(root):
    (root / "link").symlink_to("a/b/file")
    (root / "out").symlink_to("/etc")
    before = os.listdir("/proc/self/fd")
    for name in ("link", "out", "nothing", "a/b", "a/b/../b/file"):
        with suppress(OSError):
            read(root, name)
        Root(str(root)).exists(name)
    assert os.listdir("/proc/self/fd") == before


# What is no regular file


def special(folder, kind):
    place = folder / kind
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(os.path.relpath(place))
    elif kind == "device":
        if os.geteuid():
            pytest.skip("only root can make devices")
        os.mknod(place, 0o644 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    return place


@pytest.mark.parametrize("kind", ["pipe", "directory", "socket", "device"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    place = special(tmp_path, kind)
    for attempt in (
        lambda: open_regular(str(place)),
        lambda: read_file(str(place), 100),
        lambda: read(tmp_path, kind),
    ):
        with pytest.raises(OSError, match=f"is a {kind}, not a regular file"):
            attempt()


def test_a_pipe_is_taken_where_that_is_asked_for(tmp_path):
    ours, theirs = os.pipe()
    os.write(theirs, INSIDE)
    os.close(theirs)
    assert read_file(f"/dev/fd/{ours}", 100, pipes=True) == INSIDE
    os.close(ours)
    os.mkfifo(tmp_path / "pipe")
    assert read_file(str(tmp_path / "pipe"), 100, pipes=True) == b""


def test_a_slow_pipe_is_waited_for(tmp_path):
    code = "import time, sys; time.sleep(0.3); sys.stdout.write('slow')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as p:
        assert read_file(f"/dev/fd/{p.stdout.fileno()}", 100, pipes=True) == b"slow"


# Limits


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_file_up_to_the_limit_is_read(tmp_path, size):
    (tmp_path / "f").write_bytes(b"x" * size)
    assert read(tmp_path, "f") == b"x" * size


def count_reads(monkeypatch):
    taken = []
    real = os.read

    def counted(fd, size):
        data = real(fd, size)
        taken.append(len(data))
        return data

    monkeypatch.setattr(reading.os, "read", counted)
    return taken


def test_a_file_that_says_it_is_longer_is_not_read(tmp_path, monkeypatch):
    taken = count_reads(monkeypatch)
    with (tmp_path / "f").open("wb") as f:
        f.truncate(1 << 40)
    with pytest.raises(OSError, match="has more than 64 KiB"):
        read(tmp_path, "f", LIMITS["line"])
    assert taken == []


def test_a_file_that_does_not_say_it_is_read_up_to_the_limit(tmp_path, monkeypatch):
    """As files of /proc are; a pipe stands for one, /dev/zero behind it."""
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        taken = count_reads(monkeypatch)
        with pytest.raises(OSError, match="has more than 64 KiB"):
            read_whole(endless.stdout.fileno(), LIMITS["line"])
        endless.kill()
    assert sum(taken) == LIMITS["line"] + 1


def test_all_limits_are_in_one_table():
    """No other number stands behind read() or limits what is read of a file."""
    home = Path(reading.__file__).parents[1]
    uses = [
        p.relative_to(home)
        for p in home.rglob("*.py")
        if "open(" in p.read_text().replace("os.open(", "").replace("_open(", "")
        and any(w in p.read_text() for w in ('"rb")', ".read()"))
    ]
    # They read a checkout that is about to be compiled, and the package itself
    known = {"proposal", "tools/needed.py"}
    assert [str(p) for p in uses if not {p.parts[0], str(p)} & known] == []
