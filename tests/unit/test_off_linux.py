# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Systems that are not Linux: what cannot work there says so, and files are read and
written where no folder can be opened by descriptor.

On Linux both are simulated; elsewhere the tests run as they are. No kernel is loaded.
"""

import errno
import os
import sys

import pytest

from pyfdtx.cli import main
from pyfdtx.errors import FdtLoadError, FdtMachineError
from pyfdtx.files import folder
from pyfdtx.files.reading import Root
from pyfdtx.files.writing import NewFolder, write_file
from pyfdtx.kexec.facts import machine as machine_module
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.loading import kexec_load
from pyfdtx.kexec.loading.kexec_file_load import load_files
from pyfdtx.kexec.loading.kexec_load import load_segments, reboot_into_loaded, unload
from pyfdtx.kexec.loading.load import load
from pyfdtx.kexec.place.file_plan import FilePlan


@pytest.fixture
def off_linux(monkeypatch):
    monkeypatch.setattr(kexec_load, "HAS_KEXEC", False)
    if sys.platform == "linux":
        # the module's alone: what the standard library asks stays true
        here = type(sys)("sys")
        here.__dict__.update(vars(sys))
        here.platform = "win32"
        monkeypatch.setattr(machine_module, "sys", here)


@pytest.fixture(params=["as it is", "by path"])
def files(request, monkeypatch):
    if request.param == "by path":
        monkeypatch.setattr(folder, "BY_DESCRIPTOR", False)


FILES = FilePlan("arm64", "Image", crash=False, initrd=None, cmdline="")
WAYS = {
    "load": lambda machine: load(FILES),
    "load_files": lambda machine: load_files(machine, "x", crash=False, cmdline=""),
    "load_segments": lambda machine: load_segments(FILES, machine),
    "unload": lambda machine: unload(machine, crash=True),
    "reboot": reboot_into_loaded,
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_needs_kexec_says_that_linux_alone_has_it(off_linux, tmp_path, way):
    with pytest.raises(FdtLoadError, match="only Linux has kexec") as e:
        WAYS[way](Machine(tmp_path))
    assert e.value.errno == errno.ENOSYS
    assert "carry the files of a plan" in str(e.value)


def test_the_extension_has_the_calls_on_linux_alone():
    from pyfdtx._native import ffi, lib

    if sys.platform == "linux":
        assert kexec_load.HAS_KEXEC
        return
    assert not kexec_load.HAS_KEXEC
    assert lib.fdtx_kexec_load(0, 0, ffi.NULL, 0) == -errno.ENOSYS
    assert lib.fdtx_kexec_file_load(-1, -1, 0, ffi.NULL, 0) == -errno.ENOSYS
    assert lib.fdtx_kexec_reboot() == -errno.ENOSYS


def test_the_running_system_is_no_machine(off_linux):
    with pytest.raises(FdtMachineError, match="not Linux") as e:
        Machine()
    assert "pyfdtx capture" in str(e.value)


@pytest.mark.parametrize(
    "words", [["status"], ["unload"], ["exec", "--now"], ["load", "x"]]
)
def test_the_command_line_says_it_too(off_linux, capsys, words):
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "not Linux" in said
    assert len(said.splitlines()) == 1


# Files


def test_files_are_replaced_as_a_whole(files, tmp_path):
    target = tmp_path / "out"
    write_file(str(target), b"\r\n one \n", private=True)
    assert target.read_bytes() == b"\r\n one \n"
    write_file(str(target), b"two\n", private=False)
    assert target.read_bytes() == b"two\n"
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_that_is_missing_or_a_folder_is_an_error(files, tmp_path):
    with pytest.raises(OSError, match="cannot create a file in"):
        write_file(str(tmp_path / "no/out"), b"", private=True)
    (tmp_path / "no").mkdir()
    with pytest.raises(OSError):  # noqa: PT011
        write_file(str(tmp_path / "no"), b"x", private=True)
    assert os.listdir(tmp_path) == ["no"]


def test_a_folder_appears_whole(files, tmp_path):
    with NewFolder(str(tmp_path / "new")) as new:
        new.write("a/b/c", b"1\n")
        new.write("a/d", b"2\r\n")
        assert not (tmp_path / "new").exists()
    root = Root(str(tmp_path / "new"))
    assert root.read("a/b/c", 10) == b"1\n"
    assert root.read("a/d", 10) == b"2\r\n"
    assert root.entries("a") == (["b"], ["d"], [])
    assert root.exists("a/b")
    assert not root.exists("a/x/y")
    assert os.listdir(tmp_path) == ["new"]


def test_a_folder_that_fails_leaves_nothing(files, tmp_path):
    def fail():
        with NewFolder(str(tmp_path / "new")) as new:
            new.write("a/b", b"1")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.listdir(tmp_path) == []


def test_a_folder_is_not_taken_for_another(files, tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(FileExistsError), NewFolder(str(tmp_path / "new")):
        pass
    assert os.listdir(tmp_path) == ["new"]


@pytest.fixture
def links(tmp_path):
    """Links in a captured root, where this system and user can make any."""
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "root/a/file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    try:
        (tmp_path / "root/way").symlink_to("a", target_is_directory=True)
    except OSError as e:
        pytest.skip(f"no symbolic links here: {e}")
    (tmp_path / "root/out").symlink_to("../secret")
    if not (tmp_path / "root/way").is_symlink():
        pytest.skip("links are made here, but not shown as links (wine)")
    return tmp_path


def test_links_stay_inside_of_a_root(files, links):
    root = Root(str(links / "root"))
    assert root.read("way/file", 10) == b"inside"
    with pytest.raises(OSError, match="leads out of"):
        root.read("out", 10)


def test_a_link_is_not_written_through(files, links):
    """Neither a file nor a folder's name."""
    for target in ("root/out", "root/way"):
        with pytest.raises(OSError, match="symbolic link"):
            write_file(str(links / target), b"x", private=True)
    with pytest.raises(FileExistsError), NewFolder(str(links / "root/way")):
        pass
    assert (links / "secret").read_bytes() == b"outside"


@pytest.mark.parametrize("name", ["..\\secret", "C:secret", "file:stream"])
def test_a_name_of_windows_leads_nowhere_else(monkeypatch, tmp_path, name):
    """Captured names and links may have been made on another system."""
    monkeypatch.setattr(folder, "BY_DESCRIPTOR", False)
    (tmp_path / "root").mkdir()
    with pytest.raises(OSError, match="no name of a file"):
        Root(str(tmp_path / "root")).read(name, 10)
