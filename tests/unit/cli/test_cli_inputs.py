# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is given by its path to the commands that plan and check: images, initrds, core
headers, captured machines; what is no file is refused at once."""

import os
import shutil
import socket
import struct
from pathlib import Path

import pytest

DT = Path(__file__).resolve().parents[3] / "examples" / "arm64-dt"
KINDS = ["device", "directory", "pipe", "socket", "sparse"]


@pytest.fixture
def ready(cli, monkeypatch):
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 << 20, 10, 0, 0, 0, b"ARM\x64", 0)
    (cli.folder / "Image").write_bytes(head + bytes(5000))
    monkeypatch.chdir(cli.folder)
    os.mkfifo("pipe")
    os.mkdir("directory")
    os.symlink("/dev/zero", "device")
    with open("sparse", "wb") as f:
        f.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("socket")
        yield cli


def words(option, name):
    plan = ["plan", "--crash", "Image", "--root", str(DT)]
    return {
        "image": ["plan", "--crash", name, "--root", str(DT)],
        "initrd": [*plan, "--initrd", name],
        "dtb": [*plan, "--dtb", name],
        "core": ["check", "boot.dtb", "--elfcorehdr", f"{name}@0x4ffff000"],
        "check image": ["check", "boot.dtb", "--image", name],
    }[option]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["image", "initrd", "dtb", "core", "check image"])
def test_what_is_no_file_is_refused_at_once(ready, option, kind):
    # No more than a core header is read of them: nothing, or zeros
    if (option, kind) in (("core", "pipe"), ("core", "sparse")):
        status, out, err = ready.run(*words(option, kind))
        assert (status, err) == (1, b"")
        assert b"core-not-sane" in out
        return
    line = ready.bad(1, *words(option, kind))
    if kind == "sparse":  # an initrd is not even read
        assert "has more than" in line or "do not fit" in line or "d00dfeed" in line
    if kind in ("device", "directory", "socket"):
        assert f"is a {kind}, not a regular file" in line


@pytest.mark.parametrize("option", ["image", "initrd"])
def test_an_image_or_initrd_may_come_from_a_pipe(ready, option):
    (ready.folder / "initrd").write_bytes(b"070701" * 12_000)
    name = "Image" if option == "image" else "initrd"
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    os.write(theirs, (ready.folder / name).read_bytes()[:60_000])
    os.close(theirs)
    args = words(option, f"/dev/fd/{ours}")
    assert b"arm64, crash kernel" in ready.good(*args, pass_fds=[ours])
    os.close(ours)


@pytest.mark.parametrize("command", ["plan", "status", "elfcorehdr", "capture"])
def test_a_machine_that_leads_out_is_named(ready, command):
    shutil.copytree(DT, "machine")
    os.unlink("machine/proc/iomem")
    os.symlink("/etc/passwd", "machine/proc/iomem")
    args = {
        "plan": ["plan", "--crash", "Image"],
        "status": ["status"],
        "elfcorehdr": ["elfcorehdr", "-o", "new"],
        "capture": ["capture", "new"],
    }[command]
    line = ready.bad(1, *args, "--root", "machine")
    assert "machine/proc/iomem: its link proc/iomem -> /etc/passwd leads out" in line
    assert "new" not in ready.names()
