# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An output file appears whole or not at all, and is what the user meant."""

import fcntl
import os
import pty
import resource
import signal
import stat
import subprocess
import threading
import time

import pytest

from pyfdtx import Fdt, pure

SET = ("set", "boot.dtb", "/chosen", "x", "-t", "empty")
OLD = b"what was there before"


@pytest.fixture
def expected(boot):
    fdt = Fdt(boot)
    fdt["/chosen"]["x"] = b""
    return fdt.to_bytes()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_a_new_file_has_the_bits_the_umask_leaves(cli, expected, umask):
    cli.good(*SET, "-o", "new.dtb", umask=umask)
    assert (cli.folder / "new.dtb").read_bytes() == expected
    assert mode(cli.folder / "new.dtb") == 0o666 & ~umask
    assert cli.names() == ["boot.dtb", "new.dtb"]


@pytest.mark.parametrize("bits", [0o600, 0o644, 0o664, 0o755])
def test_a_replaced_file_keeps_its_bits(cli, expected, bits):
    target = cli.folder / "out.dtb"
    target.write_bytes(OLD)
    target.chmod(bits)
    cli.good(*SET, "-o", "out.dtb", umask=0o077)
    assert target.read_bytes() == expected
    assert mode(target) == bits


def test_a_replaced_file_keeps_its_owner(cli):
    target = cli.folder / "out.dtb"
    target.write_bytes(OLD)
    if os.geteuid() == 0:  # only root can give files away
        os.chown(target, 12345, 54321)
    owner = target.stat().st_uid, target.stat().st_gid
    cli.good(*SET, "-o", "out.dtb")
    assert (target.stat().st_uid, target.stat().st_gid) == owner
    assert target.read_bytes() != OLD


def test_a_reader_of_the_old_file_keeps_the_old_content(cli):
    target = cli.folder / "out.dtb"
    target.write_bytes(OLD)
    with target.open("rb") as reader:
        cli.good(*SET, "-o", "out.dtb")
        assert reader.read() == OLD


def test_the_input_may_be_the_output(cli, expected):
    cli.good(*SET, "-o", "boot.dtb")
    assert (cli.folder / "boot.dtb").read_bytes() == expected
    assert cli.names() == ["boot.dtb"]


def test_in_place_changes_the_input(cli, expected):
    cli.good(*SET, "-i")
    assert (cli.folder / "boot.dtb").read_bytes() == expected
    assert cli.names() == ["boot.dtb"]


def test_without_in_place_the_input_stays(cli, boot):
    cli.good(*SET, "-o", "out.dtb")
    assert (cli.folder / "boot.dtb").read_bytes() == boot


@pytest.mark.parametrize("target", ["file.dtb", "missing", "/dev/null", "fifo", "."])
def test_a_symbolic_link_is_not_followed(cli, target):
    """Somebody else may have put it there, in a folder that others can write."""
    (cli.folder / "file.dtb").write_bytes(OLD)
    os.mkfifo(cli.folder / "fifo")
    (cli.folder / "link").symlink_to(target)
    before = cli.names()
    line = cli.bad(1, *SET, "-o", "link")
    assert line.startswith("link: is a symbolic link, which is not followed")
    assert (cli.folder / "link").is_symlink()
    assert (cli.folder / "file.dtb").read_bytes() == OLD
    assert cli.names() == before


def test_a_link_is_not_changed_in_place(cli, boot):
    (cli.folder / "link").symlink_to("boot.dtb")
    args = [a if a != "boot.dtb" else "link" for a in SET]
    assert "symbolic link" in cli.bad(1, *args, "-i")
    assert (cli.folder / "boot.dtb").read_bytes() == boot


def test_a_link_on_the_way_to_the_file_is_followed(cli, expected):
    (cli.folder / "deeper").mkdir()
    (cli.folder / "way").symlink_to("deeper")
    cli.good(*SET, "-o", "way/new.dtb")
    assert (cli.folder / "deeper/new.dtb").read_bytes() == expected


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"])
def test_the_systems_own_links_are_written_through(cli, expected, name):
    status, out, err = cli.start(*SET, "-o", name), None, None
    out, err = status.communicate(timeout=60)
    assert (status.returncode, out, err) == (0, b"", expected)
    with (cli.folder / "log").open("wb") as log:
        assert cli.start(*SET, "-o", name, stderr=log).wait(60) == 0
    assert (cli.folder / "log").read_bytes() == expected


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_stdout_takes_a_blob(cli, expected, name):
    assert cli.good(*SET, "-o", name) == expected
    with (cli.folder / "log").open("ab") as log:
        log.write(b"before:")
        log.flush()
        assert cli.good(*SET, "-o", name, stdout=log) is None
    assert (cli.folder / "log").read_bytes() == b"before:" + expected


def test_a_pipe_with_a_name_takes_a_blob(cli, expected):
    os.mkfifo(cli.folder / "pipe")
    got = []
    reader = threading.Thread(
        target=lambda: got.append((cli.folder / "pipe").read_bytes())
    )
    reader.start()
    cli.good(*SET, "-o", "pipe")
    reader.join(60)
    assert got == [expected]
    assert stat.S_ISFIFO((cli.folder / "pipe").stat().st_mode)


def test_a_device_is_written_to_and_stays(cli):
    cli.good(*SET, "-o", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert cli.bad(1, *SET, "-o", "/dev/full") == "/dev/full: No space left on device"
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("nowhere/out.dtb", "cannot create a file in"),
        ("boot.dtb/out.dtb", "boot.dtb/out.dtb: Not a directory"),
        (".", ".: Is a directory"),
        ("new/", "new/: Is a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_target_that_cannot_be_is_one_line(cli, out, line):
    assert line in cli.bad(1, *SET, "-o", out)
    assert cli.names() == ["boot.dtb"]


def test_a_folder_without_write_permission_is_named(cli):
    folder = cli.folder / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    line = cli.bound_by_permissions(*SET, "-o", "closed/out.dtb")
    assert line.startswith("closed/out.dtb: cannot create a file in ")
    assert line.endswith("/closed: Permission denied")


def test_a_write_protected_file_is_not_replaced(cli):
    (cli.folder / "out.dtb").write_bytes(OLD)
    (cli.folder / "out.dtb").chmod(0o444)
    line = cli.bound_by_permissions(*SET, "-o", "out.dtb")
    assert line == "out.dtb: Permission denied"
    assert (cli.folder / "out.dtb").read_bytes() == OLD


@pytest.mark.parametrize("limit", [0, 1, 100])
@pytest.mark.parametrize("before", [OLD, None])
def test_a_disk_that_fills_up_leaves_what_was_there(cli, limit, before):
    """A limit of the file size stands for the full disk: write() fails in the
    middle of the file."""
    if before is not None:
        (cli.folder / "out.dtb").write_bytes(before)
    names = cli.names()

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    line = cli.bad(1, *SET, "-o", "out.dtb", preexec_fn=limited)
    assert line == "out.dtb: File too large"
    assert cli.names() == names
    if before is not None:
        assert (cli.folder / "out.dtb").read_bytes() == before


@pytest.mark.parametrize(
    "failing",
    [
        ("set", "boot.dtb", "/nowhere", "x", "-t", "empty"),
        ("append", "boot.dtb", "/soc/uart@1000", "mac", "-t", "u32", "1"),
        ("kexec-dtb", "boot.dtb", "--append", "elfcorehdr=1"),
        ("kexec-dtb", "boot.dtb", "--load-address", "4"),
    ],
)
def test_a_failing_command_leaves_what_was_there(cli, failing):
    (cli.folder / "out.dtb").write_bytes(OLD)
    status = 2 if failing[0].endswith("-dtb") else 1
    where = f"{failing[-2]}: " if status == 2 else "boot.dtb: "
    assert cli.bad(status, *failing, "-o", "out.dtb").startswith(where)
    assert (cli.folder / "out.dtb").read_bytes() == OLD
    assert cli.names() == ["boot.dtb", "out.dtb"]


def test_an_empty_name_is_no_file(cli):
    assert "empty" in cli.bad(2, *SET, "-o", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_the_middle_of_writing_leaves_no_trace(cli, number):
    big = pure.flatten(("", [("x", bytes(48 << 20))], []))
    (cli.folder / "boot.dtb").write_bytes(big)
    for _ in range(10):
        (cli.folder / "out.dtb").write_bytes(OLD)
        if interrupted_while_writing(cli, number) == -number:
            assert cli.names() == ["boot.dtb", "out.dtb"]
            assert (cli.folder / "out.dtb").read_bytes() == OLD
            return
    pytest.fail("the file was written before the signal came, ten times")


def interrupted_while_writing(cli, number):
    """Exit status of a run that gets a signal as soon as there is a third file."""
    process = cli.start("set", "boot.dtb", "/", "y", "-t", "empty", "-o", "out.dtb")
    deadline = time.monotonic() + 60
    while len(cli.names()) == 2 and process.poll() is None:
        assert time.monotonic() < deadline
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert err == b""
    return process.returncode


@pytest.mark.parametrize(
    "args",
    [
        (*SET, "-o", "-"),
        (*SET, "-o", "/dev/stdout"),
        (*SET, "-o", "/dev/tty"),
        ("kexec-dtb", "boot.dtb", "-o", "-"),
        ("get", "boot.dtb", "/chosen", "kaslr-seed", "-t", "raw"),
    ],
)
def test_a_terminal_gets_no_binary(cli, args):
    ours, theirs = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(theirs, 0x540E, 0)  # TIOCSCTTY: it is /dev/tty from now on

    try:
        process = cli.start(*args, stdout=theirs, preexec_fn=own_terminal)
        _, err = process.communicate(timeout=60)
    finally:
        os.close(theirs)
        os.close(ours)
    assert process.returncode == 2
    assert b"a terminal is no place for a binary" in err
    assert err.count(b"\n") == 1


def test_a_terminal_gets_colours_and_a_file_does_not(cli):
    cli.good(*SET, "-o", "b.dtb")

    def on_a_terminal(**more):
        ours, theirs = pty.openpty()
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        process = subprocess.Popen(
            [*cli.start("-V").args[:1], "diff", "boot.dtb", "b.dtb"],
            stdout=theirs, cwd=cli.folder, env={**env, **more},
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux: the other side is closed
                break
            if not part:
                break
            seen += part
        os.close(ours)
        assert process.wait(60) == 1
        return seen

    assert b"\x1b[32m+     x;\x1b[m" in on_a_terminal()
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")
    assert b"\x1b" not in cli.run("diff", "boot.dtb", "b.dtb")[1]
