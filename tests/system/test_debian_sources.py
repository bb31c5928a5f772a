# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Packages for guests come from whatever sources can be had: real apt on small
archives of our own, one of which is not there."""

import hashlib
import re
import subprocess

import pytest
from guest import GuestError, debian

# The guests of every kernel are made of packages
pytestmark = pytest.mark.kernel("arm64")
CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: pyfdtx <pyfdtx@example.org>
Description: a package of the tests
"""


def archive_with(folder, name, version):
    """A source with one package, /greeting in it; its sources.list line."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(CONTROL.format(name=name, version=version))
    (tree / "greeting").write_text(f"{name} {version}\n")
    deb = folder / f"{name}.deb"
    subprocess.run(
        ["dpkg-deb", "--build", str(tree), str(deb)], check=True, capture_output=True
    )
    data = deb.read_bytes()
    row = CONTROL.format(name=name, version=version)
    row += f"Filename: ./{deb.name}\nSize: {len(data)}\n"
    row += f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
    (folder / "Packages").write_text(row)
    return f"deb [trusted=yes] file:{folder} ./"


@pytest.fixture
def sources(monkeypatch, tmp_path):
    """Sets what sources each release has."""
    try:
        debian.need("apt-get", "dpkg-deb")
    except GuestError as e:
        pytest.skip(str(e))
    missing = f"deb [trusted=yes] file:{tmp_path}/nowhere ./"

    def use(lines_of):
        monkeypatch.setattr(
            debian, "_sources", lambda suite: [missing, *lines_of[suite]]
        )

    return use


def test_a_missing_source_is_left_out_with_the_reason(sources, tmp_path, capsys):
    sources({None: [archive_with(tmp_path / "a", "greeting", "1.2")]})
    archive = debian.Archive(tmp_path / "cache", "riscv64")
    assert (archive.unpack("greeting") / "greeting").read_text() == "greeting 1.2\n"
    said = capsys.readouterr().err
    assert re.search(r"^left out: apt-get --quiet update failed", said)
    assert said.count("nowhere") >= 1
    archive.version("greeting")
    assert capsys.readouterr().err == "", "said twice"


def test_a_package_that_no_source_has_is_missed_with_the_reason(sources, tmp_path):
    sources({None: [archive_with(tmp_path / "a", "greeting", "1.2")]})
    archive = debian.Archive(tmp_path / "cache", "riscv64")
    with pytest.raises(GuestError, match=r"(?s)No packages found.*nowhere"):
        archive.version("farewell")


def test_the_first_release_that_has_the_package_is_taken(sources, tmp_path, capsys):
    sources(
        {
            "old": [archive_with(tmp_path / "a", "greeting", "1")],
            "new": [archive_with(tmp_path / "b", "farewell", "2")],
            "newest": [archive_with(tmp_path / "c", "farewell", "3")],
        }
    )
    suites = ("old", "new", "newest")
    archive = debian.first_with("farewell", tmp_path / "cache", "riscv64", suites)
    assert archive.version("farewell") == "2"
    assert "farewell comes from new; old: " in capsys.readouterr().err
    with pytest.raises(GuestError, match=r"(?s)old: .*\nnew: .*\nnewest: "):
        debian.first_with("nothing", tmp_path / "cache", "riscv64", suites)
