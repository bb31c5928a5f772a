# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Completion, by the shells themselves."""

import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyfdtx import pure
from pyfdtx.cli import COMMANDS

BIN = Path(sys.executable).parent
EVIL = "$(touch${IFS}evil)"


@pytest.fixture
def folder(tmp_path):
    """boot.dtb, with a node whose name is a command; a folder."""
    uart = ("uart@1000", [("reg", b"\0\0\x10\0"), ("status", b"okay\0")], [])
    soc = ("soc", [], [uart, ("timer@2000", [], [])])
    blob = pure.flatten(("", [], [soc, (EVIL, [], []), ("chosen", [], [])]), [])
    (tmp_path / "boot.dtb").write_bytes(blob)
    (tmp_path / "folder").mkdir()
    return tmp_path


BASH = """\
source {script}
COMP_LINE={line}
COMP_POINT=${{#COMP_LINE}}
COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
_pyfdtx
((${{#COMPREPLY[@]}})) && printf '%s\\n' "${{COMPREPLY[@]}}"
true
"""
# fish prints the description behind a tab
FISH = "source {script}; complete -C {line} | string replace -r '\\t.*' ''"


def ask(shell, made, folder, line):
    name = {"bash": "pyfdtx", "fish": "pyfdtx.fish"}[shell]
    script = {"bash": BASH, "fish": FISH}[shell].format(
        script=made / "completion" / name, line=shlex.quote(line)
    )
    done = subprocess.run(
        [shell, "--norc", "-c", script] if shell == "bash" else [shell, "-c", script],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)},
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


@pytest.fixture(params=["bash", "fish"])
def complete(request, made, folder):
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param}")

    def complete(line):
        return ask(request.param, made, folder, line)

    complete.shell = request.param
    return complete


def test_commands(complete):
    assert {*COMMANDS, "help"} <= set(complete("pyfdtx "))
    assert complete("pyfdtx ca") == ["capture"]
    assert set(complete("pyfdtx help ")) >= set(COMMANDS)
    assert complete("pyfdtx help ca") == ["capture"]


def test_options_of_a_command(complete):
    assert complete("pyfdtx load --re") == ["--replace", "--reuse-cmdline"]
    assert complete("pyfdtx load -") != complete("pyfdtx dmesg -")
    assert "--json" in complete("pyfdtx dmesg --")
    assert "--initrd" not in complete("pyfdtx dmesg --")


def test_words_of_an_option(complete):
    assert complete("pyfdtx elfcorehdr --style ") == ["kernel", "kexec-tools"]
    assert complete("pyfdtx crash-dtb --root-cells k") == ["keep"]


def test_words_in_place_of_an_argument(complete):
    assert complete("pyfdtx proposal ") == ["export", "verify"]


def test_files_and_folders(complete):
    names = [name.rstrip("/") for name in complete("pyfdtx show ")]
    assert {"boot.dtb", "folder"} <= set(names)
    assert complete("pyfdtx load --initrd bo") == ["boot.dtb"]
    assert [n.rstrip("/") for n in complete("pyfdtx plan --root fo")] == ["folder"]
    assert "boot.dtb" not in complete("pyfdtx plan --root ")
    # Overlays may be several, trees to compare are two
    assert complete("pyfdtx overlay boot.dtb boot.dtb bo") == ["boot.dtb"]
    assert complete("pyfdtx diff boot.dtb bo") == ["boot.dtb"]
    assert complete("pyfdtx diff boot.dtb boot.dtb bo") == []


def test_nodes_of_the_tree(complete):
    assert "/soc" in complete("pyfdtx get boot.dtb /")
    assert complete("pyfdtx get boot.dtb /so") == ["/soc"]
    assert complete("pyfdtx get boot.dtb /soc/u") == ["/soc/uart@1000"]
    assert complete("pyfdtx get boot.dtb /soc/") == [
        "/soc/timer@2000",
        "/soc/uart@1000",
    ]


def test_a_unit_address_is_a_word_of_its_own_to_bash(complete):
    found = complete("pyfdtx get boot.dtb /soc/uart@1")
    assert found == (["1000"] if complete.shell == "bash" else ["/soc/uart@1000"])


def test_properties_of_a_node(complete):
    assert complete("pyfdtx get boot.dtb /soc/uart@1000 ") == ["reg", "status"]
    assert complete("pyfdtx get -t u32 boot.dtb /soc/uart@1000 r") == ["reg"]


def test_a_name_in_a_tree_runs_no_command(complete, folder):
    shown = complete("pyfdtx get boot.dtb /")
    assert any("touch" in name for name in shown)
    assert not (folder / "evil").exists()


def test_a_tree_that_is_none_completes_nothing(complete):
    assert complete("pyfdtx get folder /") in ([], ["/"])
    assert complete("pyfdtx get nothing /soc ") == []


ZSH = """\
PS1= PS2= RPS1= PROMPT_SP= PROMPT_EOL_MARK=
autoload -Uz compinit && compinit -u -D
fpath=({folder} $fpath)
autoload -Uz _pyfdtx && compdef _pyfdtx pyfdtx
report() {{ print -r -- "<<$BUFFER>>" }}
zle -N report
bindkey '^X' report
print READY
"""


class Zsh:
    """An interactive zsh: what becomes of a line when the tabulator is pressed."""

    def __init__(self, script, folder):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.environ.update(PATH=f"{BIN}:{os.environ['PATH']}", TERM="dumb")
            os.execlp("zsh", "zsh", "-f", "-i")
        os.write(self.fd, f"source {script}\n".encode())
        self.until(b"READY\r\n")

    def until(self, end):
        said = b""
        while end not in said:
            assert select.select([self.fd], [], [], 60)[0], said
            said += os.read(self.fd, 4096)
        return said

    def complete(self, line):
        # ^U empties the line, ^X is the report
        os.write(self.fd, f"\x15{line}\t\x18".encode())
        said = self.until(b">>\r\n").decode()
        return said.rpartition("<<")[2].partition(">>")[0]

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def zsh(made, folder):
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh (Debian: apt-get install zsh)")
    (folder / "zshrc").write_text(ZSH.format(folder=made / "completion"))
    shell = Zsh(folder / "zshrc", folder)
    yield shell
    shell.close()


SOC = "pyfdtx get boot.dtb /soc"
OVERLAY = "pyfdtx overlay boot.dtb boot.dtb"


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("pyfdtx ca", "pyfdtx capture "),
        ("pyfdtx help ca", "pyfdtx help capture "),
        ("pyfdtx load --repl", "pyfdtx load --replace "),
        ("pyfdtx elfcorehdr --style ke", "pyfdtx elfcorehdr --style ke"),
        ("pyfdtx elfcorehdr --style kex", "pyfdtx elfcorehdr --style kexec-tools "),
        ("pyfdtx proposal ex", "pyfdtx proposal export "),
        ("pyfdtx load --initrd bo", "pyfdtx load --initrd boot.dtb "),
        ("pyfdtx plan --root fo", "pyfdtx plan --root folder/"),
        (f"{OVERLAY} bo", f"{OVERLAY} boot.dtb "),
        ("pyfdtx get boot.dtb /so", "pyfdtx get boot.dtb /soc"),
        ("pyfdtx get boot.dtb /soc/u", "pyfdtx get boot.dtb /soc/uart@1000"),
        (f"{SOC}/uart@1000 r", f"{SOC}/uart@1000 reg "),
        ("pyfdtx get -t u32 boot.dtb /soc st", "pyfdtx get -t u32 boot.dtb /soc st"),
    ],
)  # fmt: skip
def test_zsh(zsh, folder, line, becomes):
    assert zsh.complete(line) == becomes
    assert not (folder / "evil").exists()
