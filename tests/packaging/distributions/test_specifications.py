# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The rpm spec, and what it shares with the Debian packages. No Fedora builds it here:
rpmspec and rpmlint read it."""

import shutil
import subprocess
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx.tools.kexec import INTERFACE

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "packaging"
SPEC = ROOT / "build/rpm/pyfdtx.spec"


@pytest.fixture(autouse=True, scope="module")
def made():
    run("make", "-C", ROOT, "spec")


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def query(tags):
    said = run("rpmspec", "-q", SPEC, "--qf", f"%{{name}}|{tags}\n")
    return dict(line.split("|", 1) for line in said.splitlines())


def test_there_are_the_same_two_packages():
    found = query("%{version}")
    assert set(found) == {"pyfdtx", "python3-pyfdtx", "pyfdtx-kexec-tools"}
    assert set(found.values()) == {pyfdtx.__version__}


def test_one_is_in_place_of_kexec_tools():
    provides = query("[%{PROVIDENAME}=%{PROVIDEVERSION} ]")["pyfdtx-kexec-tools"]
    assert f"kexec-tools={INTERFACE}" in provides.split()
    assert query("[%{CONFLICTS}]")["pyfdtx-kexec-tools"] == "kexec-tools"


def test_it_is_read_without_an_error():
    run("rpmspec", "-P", SPEC)
    run("rpmlint", "--rpmlintrc", HOME / "rpm/pyfdtx.rpmlintrc", SPEC)


def test_debian_states_the_same_interface():
    control = (HOME / "debian/control").read_text()
    assert f"\nProvides: kexec-tools (= 1:{INTERFACE})\n" in control
