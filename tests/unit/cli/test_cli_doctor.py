# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""doctor, estimate and status: what they print, and the exit statuses for scripts."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from image_files import archive, arm64

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MIB = 1 << 20
LOADED = "sys/kernel/kexec_crash_loaded"


@pytest.fixture
def machine(cli):
    top = cli.folder / "machine"
    shutil.copytree(EXAMPLES / "arm64-dt", top)
    (cli.folder / "Image").write_bytes(arm64(image_size=30 * MIB))
    (cli.folder / "initrd").write_bytes(b"070701" * 1000)
    return top


def put(top, name, text):
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).write_text(text)


def test_the_doctor_says_what_why_and_the_way_out(cli, machine):
    put(machine, "proc/sys/kernel/kexec_load_disabled", "1\n")
    status, out, err = cli.run("doctor", "--root", "machine")
    assert (status, err) == (1, b"")
    text = out.decode()
    assert text.startswith(
        "machine: 1 error, 0 warnings, 2 notes\n\nerror  kexec-disab"
    )
    for label in ("what", "why", "way out", "source"):
        assert re.search(rf"\n    {label} +\w", text)
    status, out, _ = cli.run("doctor", "--root", "machine", "--json")
    assert status == 1
    facts = json.loads(out)
    assert (facts["errors"], facts["notes"]) == (1, 2)
    assert facts["findings"][0]["id"] == "kexec-disabled"
    assert set(facts["findings"][0]) == {
        *("id", "severity", "what", "why", "way_out", "source")
    }


def test_without_errors_the_doctor_ends_with_0(cli, machine):
    text = cli.good(
        "doctor", "Image", "--initrd", "initrd", "--root", "machine"
    ).decode()
    assert "0 errors" in text
    assert "reserved, about" in text


def test_what_cannot_be_looked_at_is_2(cli, machine):
    cli.bad(2, "doctor", "nowhere", "--root", "machine")
    cli.bad(2, "doctor", "--root", "machine", "--target", "nowhere")
    assert "IMAGE" in cli.bad(2, "doctor", "--root", "machine", "--initrd", "initrd")
    (machine / "proc/iomem").unlink()
    cli.bad(2, "doctor", "--root", "machine")
    cli.bad(2, "estimate", "Image", "--root", "machine")


def test_room_for_the_dump_is_looked_at(cli, machine):
    out = cli.run("doctor", "--root", "machine", "--target", "/proc")[1]
    assert b"target-small" in out


def test_the_estimate_is_a_table_and_its_sum(cli, machine):
    words = ("estimate", "Image", "--initrd", "initrd", "--root", "machine")
    facts = json.loads(cli.good(*words, "--json"))
    assert facts["need"] == sum(p["size"] for p in facts["parts"])
    assert facts["reserved"] == 256 * MIB
    lines = cli.good(*words).decode().splitlines()
    assert [line[:8].rstrip() for line in lines[-2:]] == ["together", "reserved"]
    assert lines[-1].split()[1:] == ["256", "MiB"]
    assert len(lines) == len(facts["parts"]) + 2


def test_an_estimate_above_what_is_reserved_is_1(cli, machine):
    (cli.folder / "large").write_bytes(arm64(image_size=250 * MIB))
    status, out, err = cli.run("estimate", "large", "--root", "machine")
    assert (status, err) == (1, b"")
    assert b"together" in out


@pytest.mark.parametrize(("size", "warned"), [(10, False), (100, True)])
def test_plan_and_load_warn_when_too_little_is_reserved(cli, machine, size, warned):
    """256 MiB for a kernel of 30, and an initrd twice: packed, and its files."""
    (cli.folder / "initrd").write_bytes(archive(size * MIB))
    words = ("Image", "--crash", "--initrd", "initrd", "--root", "machine")
    for command in (("plan", *words), ("load", *words, "--dry-run")):
        status, out, err = cli.run(*command)
        assert (status, out != b"") == (0, True)
        assert (b"256 MiB are reserved for a crash kernel that needs" in err) == warned
    # A plain kexec has all memory
    assert cli.run("plan", *(w for w in words if w != "--crash"))[2] == b""


@pytest.mark.parametrize(
    ("state", "status"), [("1\n", 0), ("0\n", 1), (None, 2)], ids=["1", "0", "-"]
)
def test_the_status_for_scripts(cli, machine, state, status):
    if state is not None:
        put(machine, LOADED, state)
        put(machine, "sys/kernel/kexec_loaded", "10"["1" in state] + "\n")
    plain = {0: 1, 1: 0, 2: 2}[status]
    for words, want in ((("--crash",), status), (("--plain",), plain), ((), 0)):
        for more in ((), ("--json",)):
            found, out, err = cli.run("status", "--root", "machine", *words, *more)
            assert (found, err) == (want, b"")
            assert out
    assert "not allowed" in cli.bad(2, "status", "--crash", "--plain")
