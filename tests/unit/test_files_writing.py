# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is written appears whole, with the right bits from its first byte, and nobody
else has a hand in it: no link is followed, nothing of others is deleted."""

import os
import stat

import pytest

from pyfdtx.files import writing
from pyfdtx.files.writing import NewFolder, write_file

OLD, NEW = b"what was there", b"what is new"
NOBODY = 65534


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture(autouse=True)
def usual_umask():
    old = os.umask(0o022)
    yield
    os.umask(old)


@pytest.fixture
def seen(monkeypatch):
    """The mode of every new file, and of what is about to be renamed, as another
    process could see it; the names of new files."""
    modes, names = [], []
    real_open, real_write, real_fsync = os.open, os.write, os.fsync

    def watched_open(path, flags, *args, **keywords):
        fd = real_open(path, flags, *args, **keywords)
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            assert flags & os.O_NOFOLLOW
            assert keywords["dir_fd"] is not None
            names.append(path)
            modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        return fd

    def watched_write(fd, data):
        count = real_write(fd, bytes(data[:3]))  # in many pieces
        modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        return count

    monkeypatch.setattr(writing.os, "open", watched_open)
    monkeypatch.setattr(writing.os, "write", watched_write)
    monkeypatch.setattr(writing.os, "fsync", lambda fd: real_fsync(fd))
    return modes, names


@pytest.mark.parametrize("bits", [None, 0o400, 0o600, 0o640, 0o644, 0o666, 0o777])
@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_private_content_is_its_owners_alone_from_the_first_byte(
    tmp_path, seen, bits, umask
):
    os.umask(umask)
    target = tmp_path / "out"
    if bits is not None:
        target.write_bytes(OLD)
        target.chmod(bits)
        if os.geteuid() and not bits & 0o200:
            pytest.skip("is write-protected")
    write_file(str(target), NEW, private=True)
    modes, _ = seen
    assert len(modes) > 3
    assert set(modes) == {0o600}
    assert mode(target) == (0o600 if bits is None else bits & 0o600)
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o644, 0o666])
def test_a_replacement_is_closed_until_it_is_complete(tmp_path, seen, bits):
    target = tmp_path / "out"
    target.write_bytes(OLD)
    target.chmod(bits)
    write_file(str(target), NEW, private=False)
    assert set(seen[0]) == {0o600}
    assert mode(target) == bits
    assert target.read_bytes() == NEW


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("private", [True, False])
def test_private_content_is_not_given_to_the_owner_of_the_old_file(tmp_path, private):
    target = tmp_path / "out"
    target.write_bytes(OLD)
    os.chown(target, NOBODY, NOBODY)
    write_file(str(target), NEW, private=private)
    assert os.lstat(target).st_uid == (0 if private else NOBODY)


def test_no_name_comes_twice(tmp_path, seen):
    for _ in range(50):
        write_file(str(tmp_path / "out"), NEW, private=True)
    names = seen[1]
    assert len(set(names)) == 50
    assert all(len(name) >= len(".pyfdtx-") + 32 for name in names)
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("target", ["victim", "nothing", "folder", "fifo"])
def test_a_link_in_the_place_of_the_output_is_not_followed(tmp_path, target, private):
    (tmp_path / "victim").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "out").symlink_to(target)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(OSError, match="symbolic link"):
        write_file(str(tmp_path / "out"), NEW, private=private)
    assert (tmp_path / "victim").read_bytes() == OLD
    assert sorted(os.listdir(tmp_path)) == before


def test_a_link_that_comes_late_is_replaced_itself(tmp_path, monkeypatch):
    """After the look and before the rename."""
    (tmp_path / "victim").write_bytes(OLD)
    real = os.fsync

    def late(fd):
        real(fd)
        if not (tmp_path / "out").is_symlink():
            (tmp_path / "out").symlink_to("victim")

    monkeypatch.setattr(writing.os, "fsync", late)
    monkeypatch.setattr(writing.Folder, "sync", lambda folder: None)
    write_file(str(tmp_path / "out"), NEW, private=True)
    assert (tmp_path / "victim").read_bytes() == OLD
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").read_bytes() == NEW


def test_a_file_in_the_place_of_a_pipe_is_not_overwritten(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "out")
    (tmp_path / "victim").write_bytes(OLD)
    real = writing._write_through

    def swapped(*args):
        os.unlink(tmp_path / "out")
        os.link(tmp_path / "victim", tmp_path / "out")
        real(*args)

    monkeypatch.setattr(writing, "_write_through", swapped)
    with pytest.raises(OSError, match="replaced meanwhile"):
        write_file(str(tmp_path / "out"), NEW, private=True)
    assert (tmp_path / "victim").read_bytes() == OLD


@pytest.mark.parametrize("step", ["write", "fsync", "replace", "fchmod"])
@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, step, error):
    (tmp_path / "out").write_bytes(OLD)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(writing.os, step, fail)
    with pytest.raises(type(error)):
        write_file(str(tmp_path / "out"), NEW, private=True)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == OLD


# Folders


FILES = {"a": b"1", "deep/er/b": b"2", "deep/c": b"", "deep/er/d": b"3"}


def inside(target, do):
    with NewFolder(str(target)) as new:
        do(new)


def made(target):
    def all_of_them(new):
        for name, data in FILES.items():
            new.write(name, data)

    inside(target, all_of_them)


def content(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_a_new_folder_and_all_in_it_is_its_owners_alone(tmp_path, seen, umask):
    os.umask(umask)
    made(tmp_path / "new")
    assert content(tmp_path / "new") == FILES
    assert set(seen[0]) == {0o600}
    for path in [tmp_path / "new", *(tmp_path / "new").rglob("*")]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("name", ["new", "new/", "./new"])
def test_a_folder_is_named_as_people_do(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    made(name)
    assert content(tmp_path / "new") == FILES


@pytest.mark.parametrize("there", ["file", "folder", "link", "dangling"])
def test_nothing_is_replaced_by_a_folder(tmp_path, there):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "new"
    if there == "file":
        target.write_bytes(OLD)
    elif there == "folder":
        target.mkdir()
    else:
        target.symlink_to("elsewhere" if there == "link" else "nowhere")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(FileExistsError):
        made(target)
    assert sorted(os.listdir(tmp_path)) == before
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("after", range(len(FILES) + 1))
def test_a_folder_that_is_not_complete_goes(tmp_path, error, after):
    def halfway(new):
        for name in list(FILES)[:after]:
            new.write(name, b"x")
        raise error

    with pytest.raises(error):
        inside(tmp_path / "new", halfway)
    assert os.listdir(tmp_path) == []


def test_only_what_was_written_is_deleted(tmp_path):
    """What another program of the same user put there is its own business."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/a").write_bytes(OLD)

    def moved(new):
        new.write("deep/a", b"x")
        (partial,) = (p for p in tmp_path.iterdir() if p.name != "victim")
        (partial / "link").symlink_to(tmp_path / "victim")
        os.rename(partial / "deep", partial / "moved")
        (partial / "deep").symlink_to(tmp_path / "victim")
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        inside(tmp_path / "new", moved)
    (partial,) = (p for p in tmp_path.iterdir() if p.name != "victim")
    assert (partial / "link").is_symlink()
    assert content(tmp_path / "victim") == {"a": OLD}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make folders of others")
@pytest.mark.parametrize("trap", ["folder of another", "link", "folder with files"])
def test_a_folder_that_is_swapped_for_another_is_noticed(tmp_path, monkeypatch, trap):
    """In a folder that all can write, not sticky: between mkdir and open."""
    real = os.mkdir
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/a").write_bytes(OLD)

    def swapped(path, mode=0o777, **keywords):
        real(path, mode, **keywords)
        monkeypatch.undo()
        there = tmp_path / path
        os.rename(there, tmp_path / "away")
        if trap == "link":
            there.symlink_to("victim")
        elif trap == "folder with files":
            os.rename(tmp_path / "victim", there)
        else:
            there.mkdir()
            os.chown(there, NOBODY, NOBODY)

    monkeypatch.setattr(writing.os, "mkdir", swapped)
    with pytest.raises(OSError, match=r"somebody else|Not a directory|symbolic"):
        made(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    found = [p.read_bytes() for p in tmp_path.rglob("a") if p.is_file()]
    assert found == [OLD]


def test_a_folder_that_is_swapped_before_the_rename_is_noticed(tmp_path):
    def swapped(new):
        new.write("a", b"secret")
        (partial,) = tmp_path.iterdir()
        os.rename(partial, tmp_path / "away")
        partial.mkdir()
        (partial / "a").write_bytes(OLD)

    with pytest.raises(OSError, match="somebody else"):
        inside(tmp_path / "new", swapped)
    assert content(tmp_path / "away") == {}
    assert content(tmp_path / "new") == {"a": OLD}


def test_a_file_of_the_same_name_in_the_folder_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(OLD)

    def trapped(new):
        (partial,) = (p for p in tmp_path.iterdir() if p.is_dir())
        (partial / "a").symlink_to(tmp_path / "victim")
        new.write("a", b"secret")

    with pytest.raises(FileExistsError):
        inside(tmp_path / "new", trapped)
    assert (tmp_path / "victim").read_bytes() == OLD
