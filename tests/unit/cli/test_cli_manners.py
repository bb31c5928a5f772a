# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Exit status, help, wrong usage, broken input: what every command has in common."""

import os
import signal
import subprocess
import sys
import time

import pytest

import pyfdtx

COMMANDS = (
    *("crash-dtb", "kexec-dtb", "show", "get", "set", "append", "diff", "check"),
    *("plan", "load", "exec", "unload", "status", "elfcorehdr", "capture"),
    *("proposal", "dmesg", "doctor", "estimate"),
)
CRASH = ("--elfcorehdr", "0x4fff0000,0x400", "--usable", "0x49000000,112M")
# each command on one input file, writing, where it can, to out.dtb
ON_A_FILE = {
    "crash-dtb": lambda f: ("crash-dtb", f, "-o", "out.dtb", *CRASH),
    "kexec-dtb": lambda f: ("kexec-dtb", f, "-o", "out.dtb"),
    "show": lambda f: ("show", f),
    "show --json": lambda f: ("show", "--json", f),
    "get": lambda f: ("get", f, "/chosen", "bootargs"),
    "set": lambda f: ("set", f, "/chosen", "x", "-t", "empty", "-o", "out.dtb"),
    "append": lambda f: ("append", f, "/chosen", "x", "hallo", "-o", "out.dtb"),
    "diff": lambda f: ("diff", f, "boot.dtb"),
    "diff b": lambda f: ("diff", "boot.dtb", f),
}
every_command = pytest.mark.parametrize("command", ON_A_FILE)


def trouble(command):
    return 2 if command.startswith("diff") else 1


def test_the_help_names_every_command(cli):
    text = cli.good("-h").decode()
    assert text == cli.good("--help").decode()
    for command in COMMANDS:
        assert f"\n  {command} " in text


# Their examples would act on the machine that the tests run on, or want a clone
ELSEWHERE = {
    "proposal",
    *("load", "exec", "unload", "status", "capture", "elfcorehdr", "plan"),
    *("doctor", "estimate"),
}


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_each_command_that_acts_elsewhere_has_help_with_an_example(cli, command):
    text = cli.good(command, "-h").decode()
    assert text.startswith(f"usage: pyfdtx {command} ")
    assert f"\n  pyfdtx {command}" in text[text.index("\nexample") :]


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - ELSEWHERE))
def test_each_command_has_help_with_an_example_that_is_accepted(cli, command):
    text = cli.good(command, "-h").decode()
    assert text.startswith(f"usage: pyfdtx {command} ")
    example = text[text.index("\nexample") :].replace("\\\n", " ")
    lines = [line for line in example.splitlines() if line.startswith("  pyfdtx ")]
    assert lines
    for line in lines:
        # 2 would be wrong usage: the files of the examples do not exist here
        done = subprocess.run(
            ["sh", "-c", f"set -- {line.split('|')[0]}; shift; exec \"$0\" \"$@\"",
             os.path.join(os.path.dirname(sys.executable), "pyfdtx")],
            cwd="/", capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert b"No such file" in done.stderr, (line, done.stderr)


def test_python_m_is_the_same_program(cli):
    done = subprocess.run(
        [sys.executable, "-m", "pyfdtx", "get", "nowhere.dtb", "/"],
        cwd=cli.folder, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"pyfdtx: nowhere.dtb: No such file or directory\n"


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("crash-dbt",), "did you mean 'crash-dtb'?"),
        (("shwo", "boot.dtb"), "did you mean 'show'?"),
        (("zzz",), "there are crash-dtb, kexec-dtb"),
        (("--jsno",), "unknown option"),
        (("show",), "DTB"),
        (("show", "boot.dtb", "/", "more"), "more"),
        (("show", "--js", "boot.dtb"), "--js"),
        (("get", "boot.dtb"), "PATH"),
        (("set", "boot.dtb", "/", "x", "hallo"), "--in-place"),
        (("set", "boot.dtb", "/", "x", "hallo", "-i", "-o", "x"), "not allowed"),
        (("set", "-", "/", "x", "hallo", "-i"), "stdin"),
        (("diff", "boot.dtb"), "B"),
        (("diff", "-", "-"), "stdin"),
        (("crash-dtb", "boot.dtb", "-o", "x"), "--elfcorehdr"),
        (("kexec-dtb", "boot.dtb"), "--output"),
        (("kexec-dtb", "boot.dtb", "-o", "x", "--usable", "1,1"), "--usable"),
    ],
)
def test_wrong_usage_is_status_2_and_one_line(cli, args, hint):
    assert hint in cli.bad(2, *args)
    assert cli.names() == ["boot.dtb"]


@every_command
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("missing.dtb", None, "No such file or directory"),
        ("empty.dtb", b"", "is empty; a device tree has 40 bytes at least"),
        ("short.dtb", b"\xd0\x0d\xfe\xed", "shorter than a device tree header"),
        ("text.dtb", b"/dts-v1/;\n" * 99, "is device tree source; compile it: dtc"),
        ("words.dtb", b"hello\n" * 99, "d00dfeed"),
        # a header alone that promises more
        ("lie.dtb", "head", "bytes, there are 40: it is cut off"),
        ("half.dtb", "half", "it is cut off; take it again"),
        ("huge.dtb", b"\xd0\x0d\xfe\xed\xff" + bytes(99), "version"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(cli, boot, command, name, content, why):
    if content == "head":
        content = boot[:40]
    if content == "half":
        content = boot[: len(boot) // 2]
    if content is not None:
        (cli.folder / name).write_bytes(content)
    before = cli.names()
    line = cli.bad(trouble(command), *ON_A_FILE[command](name))
    assert line.startswith(f"{name}: ")
    assert why in line
    assert cli.names() == before


@every_command
def test_a_folder_is_no_tree(cli, command):
    line = cli.bad(trouble(command), *ON_A_FILE[command]("/"))
    assert line == "/: is a directory, not a regular file"


@every_command
def test_an_endless_device_is_refused_at_once(cli, command):
    line = cli.bad(trouble(command), *ON_A_FILE[command]("/dev/zero"))
    assert line == "/dev/zero: is a device, not a regular file"


@every_command
def test_a_pipe_that_nobody_writes_to_does_not_hang(cli, command):
    os.mkfifo(cli.folder / "pipe")
    line = cli.bad(trouble(command), *ON_A_FILE[command]("pipe"))
    assert line.startswith("pipe: ")


@every_command
def test_input_comes_from_a_substituted_process(cli, boot, command):
    """`pyfdtx show <(cat boot.dtb)`: a pipe by the name of a descriptor."""
    from_file = cli.run(*ON_A_FILE[command]("boot.dtb"))
    ours, theirs = os.pipe()
    os.write(theirs, boot)
    os.close(theirs)
    args = ON_A_FILE[command](f"/dev/fd/{ours}")
    status, out, err = cli.run(*args, pass_fds=[ours])
    os.close(ours)
    name = f"/dev/fd/{ours}".encode()
    assert (status, out.replace(name, b"boot.dtb"), err) == from_file


@every_command
def test_a_header_that_promises_too_much_is_not_believed(cli, boot, command):
    """2 GiB less one byte, of which a sparse file has all."""
    with (cli.folder / "huge").open("wb") as f:
        f.write(boot[:4] + b"\x7f\xff\xff\xff" + boot[8:])
        f.truncate(1 << 31)
    line = cli.bad(trouble(command), *ON_A_FILE[command]("huge"))
    assert line == f"huge: says it has {(1 << 31) - 1} bytes, more than {1 << 30}"


def test_an_unreadable_file_is_named(cli):
    (cli.folder / "boot.dtb").chmod(0)
    line = cli.bound_by_permissions("show", "boot.dtb")
    assert line == "boot.dtb: Permission denied"


def test_a_read_error_is_one_line(cli):
    # nothing is mapped at address 0 of a process
    assert cli.bad(1, "show", "/proc/self/mem").endswith("Input/output error")


@every_command
def test_input_comes_from_stdin_too(cli, boot, command):
    from_file = cli.run(*ON_A_FILE[command]("boot.dtb"))
    piped = cli.run(*ON_A_FILE[command]("-"), stdin=boot)
    assert piped == from_file
    line = cli.bad(trouble(command), *ON_A_FILE[command]("-"), stdin=boot[:-1])
    assert line.startswith("stdin: ")


def test_a_name_cannot_move_the_cursor_of_a_terminal(cli):
    line = cli.bad(1, "show", "a\x1b[2J\nb\udcff")
    assert line == r"a\x1b[2J\nb\xff: No such file or directory"


@every_command
def test_a_full_disk_behind_stdout_is_one_line(cli, command):
    args = [a if a != "out.dtb" else "-" for a in ON_A_FILE[command]("boot.dtb")]
    if command.startswith("diff"):
        cli.good("set", "boot.dtb", "/", "x", "-t", "empty", "-o", "other.dtb")
        args = ["diff", "boot.dtb", "other.dtb"]
    with open("/dev/full", "wb") as full:
        status, _, err = cli.run(*args, stdout=full)
    assert status == trouble(command)
    assert err == b"pyfdtx: stdout: No space left on device\n"


@pytest.mark.parametrize("args", [("-h",), ("show", "-h"), ("-V",)])
def test_help_into_a_full_disk_is_one_line(cli, args):
    with open("/dev/full", "wb") as full:
        status, _, err = cli.run(*args, stdout=full)
    assert (status, err) == (1, b"pyfdtx: stdout: No space left on device\n")


def test_a_closed_stdout_is_one_line(cli):
    status, _, err = cli.run("show", "boot.dtb", preexec_fn=lambda: os.close(1))
    assert (status, err) == (1, b"pyfdtx: stdout: closed\n")


def test_a_closed_stdin_is_one_line(cli):
    assert cli.bad(1, "show", "-", preexec_fn=lambda: os.close(0)) == "stdin: closed"


def test_a_closed_stderr_changes_nothing_else(cli):
    status, out, _ = cli.run("show", "nowhere", preexec_fn=lambda: os.close(2))
    assert (status, out) == (1, b"")


@pytest.mark.parametrize("args", [("show",), ("show", "--json")])
def test_a_reader_that_leaves_ends_the_program_quietly(cli, args):
    big = cli.folder / "big.dtb"
    big.write_bytes(
        pyfdtx.pure.flatten(("", [(f"p{i}", bytes(64)) for i in range(5000)], []))
    )
    process = cli.start(*args, big)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == -signal.SIGPIPE  # as cat and others end


def test_ctrl_c_ends_the_program_as_shells_expect(cli):
    process = cli.start("show", "-", stdin=subprocess.PIPE)
    wait_until_reading(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err) == (b"", b"")
    assert process.returncode == -signal.SIGINT


def wait_until_reading(pid):
    """Until the program sleeps in read(0): it has come to its input."""
    read = {"x86_64": "0", "aarch64": "63"}.get(os.uname().machine)
    for _ in range(600):
        with open(f"/proc/{pid}/syscall") as file:
            if file.read().split()[:2] == [read, "0x0"]:
                return
        time.sleep(0.05)
    pytest.fail("the program never read its stdin")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_no_other_commands_module(command, tmp_path):
    mine = {
        "crash-dtb": "crash_dtb",
        "kexec-dtb": "kexec_dtb",
        "diff": "difference",
    }.get(command, command)
    code = (
        "import sys; from pyfdtx.cli import main; main([sys.argv[1], '-h']); "
        "print(*(m for m in sys.modules if m.startswith('pyfdtx.cli.')))"
    )
    out = subprocess.check_output(
        [sys.executable, "-c", code, command], cwd=tmp_path, timeout=60
    )
    modules = {name.split(".")[-1] for name in out.decode().splitlines()[-1].split()}
    commands = {"crash_dtb", "kexec_dtb", "show", "get", "set", "append", "difference"}
    commands |= {"check", "dmesg", *ELSEWHERE}
    helped_by = {"show"} if mine in ("get", "difference", "check", "doctor") else set()
    assert modules & commands == {mine} | helped_by


# after "--" nothing is an option, as POSIX has it (Utility Syntax Guideline 10)
def test_files_and_values_may_look_like_options_behind_two_dashes(cli, boot):
    for name in ("-x.dtb", "--json", "-h", "--", "-"):
        (cli.folder / name).write_bytes(boot)
        said = cli.good("show", "--", f"./{name}")
        assert said == cli.good("show", "boot.dtb")
        if name != "-":
            assert cli.good("show", "--", name) == said
            assert cli.good("get", "--", name, "/chosen", "bootargs") == (
                b"console=ttyAMA0 quiet\n"
            )
            assert cli.good("diff", "--", name, "boot.dtb") == b""
    out = cli.good("get", "-t", "u32", "--", "-x.dtb", "/soc", "#size-cells")
    assert out == b"0x1\n"
    assert "unrecognized arguments: -y" in cli.bad(2, "show", "--", "-x.dtb", "/", "-y")


@pytest.mark.parametrize("values", [(), ("",), (" ",), ("", " ")])
@pytest.mark.parametrize("kind", ["u32", "x", "reg", "bytes"])
def test_an_unset_variable_of_a_script_does_not_empty_a_property(cli, kind, values):
    for command in ("set", "append"):
        says = cli.bad(
            2, command, "-i", "boot.dtb", "/chosen", "x", "-t", kind, *values
        )
        assert f"no value given for -t {kind}" in says


@pytest.mark.parametrize(
    "value", ["0x10,", ",", ",1", "1,2,3", "0x,1", "-1,1", "1e6,1", "4G-1,1", "16E,1"]
)
def test_a_range_that_is_none_is_shown_whole(cli, value):
    says = cli.bad(2, "kexec-dtb", "boot.dtb", "-o", "x", f"--initrd={value}")
    assert f"argument --initrd: '{value}' is not ADDR,SIZE: " in says


def test_a_file_without_a_name_is_named(cli):
    assert cli.bad(1, "show", "") == "'': No such file or directory"


@pytest.mark.parametrize(
    "args",
    [
        ("get", "boot.dtb", "/" + 100_000 * "x"),
        (100_000 * "x",),
        ("get", "boot.dtb", "-t", 100_000 * "x", "/", "x"),
        ("kexec-dtb", "boot.dtb", "-o", "x", "--initrd", 100_000 * "9"),
    ],
)
def test_a_message_is_no_longer_than_a_screen(cli, args):
    _, _, err = cli.run(*args)
    assert err.startswith(b"pyfdtx: ")
    assert len(err) < 2100
