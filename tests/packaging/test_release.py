# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a release has beside the wheels: sdist, pyfdtx-libfdt, SBOM, notes, sums."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "packaging/wheels"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "libfdt"))
import about
import sbom
import vendor
import wheels as builder

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_700_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two folders of release.py, the second made from a clone in another place."""
    first, second = (tmp_path_factory.mktemp("release") for _ in range(2))
    clone = tmp_path_factory.mktemp("elsewhere") / "deep" / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    shutil.copytree(ROOT / "libfdt/src", clone / "libfdt/src")
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    subprocess.run(["git", "add", "-A"], cwd=clone, check=True)
    (clone / "stray.py").write_text("not of the project\n")
    for root, to in ((ROOT, first), (clone, second)):
        script = root / "packaging/wheels/release.py"
        done = subprocess.run(
            [sys.executable, str(script), str(to)],
            env={"SOURCE_DATE_EPOCH": str(EPOCH), "PATH": "/usr/bin:/bin"},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    return first, second


def only(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


def test_two_folders_give_equal_files(made):
    first, second = made
    names = sorted(p.name for p in first.iterdir())
    assert names == sorted(p.name for p in second.iterdir())
    assert len(names) == 5
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_checksums_are_those_of_the_files(made):
    rows = (made[0] / "SHA256SUMS").read_text().splitlines()
    assert len(rows) == 4
    for row in rows:
        digest, name = row.split("  ")
        assert hashlib.sha256((made[0] / name).read_bytes()).hexdigest() == digest


def test_an_sdist_has_what_git_knows_and_upstream_alone(made):
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    known = set(filter(None, listed.split("\0")))
    known |= {f"libfdt/src/{name}" for name in vendor.pin()["files"]}
    licences = {f"libfdt/dropin/{n}" for n in known if n.startswith("LICENSES/")}
    with tarfile.open(only(made[0], "*.tar.gz")) as tar:
        members = tar.getmembers()
    names = {m.name.partition("/")[2] for m in members}
    extra = {n for n in names - known if ".egg-info/" not in n}
    assert extra == {"PKG-INFO", "setup.cfg", *licences}
    assert {m.mtime for m in members} == {EPOCH}
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}


def metadata(path):
    if path.suffix == ".whl":
        files = builder.read_wheel(path)
        (text,) = [d for n, d in files.items() if n.endswith(".dist-info/METADATA")]
    else:
        with tarfile.open(path) as tar:
            (member,) = [m for m in tar if re.fullmatch(r"[^/]+/PKG-INFO", m.name)]
            text = tar.extractfile(member).read()
    return Parser().parsestr(text.decode())


@pytest.mark.parametrize("pattern", ["*.tar.gz", "*.whl"])
def test_metadata_of_both_distributions_is_complete(made, pattern):
    found = metadata(only(made[0], pattern))
    assert found["Version"] == about.version()
    assert found["License-Expression"] == "GPL-2.0-or-later OR BSD-2-Clause"
    assert found["Requires-Python"] == ">=3.9"
    assert found["Summary"]
    assert len(found.get_all("License-File")) == 2
    assert found["Description-Content-Type"] == "text/markdown"
    assert len(found.get_payload()) > 300
    urls = dict(u.split(", ") for u in found.get_all("Project-URL"))
    assert urls == about.urls()
    assert all(u.startswith(about.home()) for u in urls.values())


def test_the_address_is_said_once_and_can_be_told(monkeypatch):
    monkeypatch.setenv("PYFDTX_URL", "https://forge.example/group/name/")
    assert about.home() == "https://forge.example/group/name"
    assert about.urls()["Issues"] == "https://forge.example/group/name/issues"
    monkeypatch.delenv("PYFDTX_URL")
    text = (ROOT / "pyproject.toml").read_text()
    assert text.count(about.home()) == 1


def test_the_drop_in_needs_pyfdtx_of_its_version(made):
    found = metadata(only(made[0], "*.whl"))
    assert found["Name"] == "pyfdtx-libfdt"
    assert found.get_all("Requires-Dist") == [f"pyfdtx>={about.version()}"]
    with zipfile.ZipFile(only(made[0], "*.whl")) as zipped:
        licences = [n for n in zipped.namelist() if "/licenses/" in n]
    assert len(licences) == 2


def test_the_version_is_said_once():
    version = re.escape(about.version())
    for name in ("pyproject.toml", "setup.py", "libfdt/dropin/pyproject.toml"):
        assert not re.search(rf'"{version}"', (ROOT / name).read_text()), name


def test_notes_are_the_changelogs(made):
    text = only(made[0], "NOTES-*.md").read_text()
    assert text.startswith(f"# pyfdtx {about.version()}\n")
    assert "### Upgrading" in text
    assert "## [" not in text


def test_the_sbom_says_which_libfdt_is_in(made):
    bom = json.loads(only(made[0], "*.cdx.json").read_bytes())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert bom["metadata"]["component"]["version"] == about.version()
    assert bom["metadata"]["timestamp"] == time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH)
    )
    pin = vendor.pin()
    up = pin["upstream"]
    (libfdt,) = [c for c in bom["components"] if c["name"] == "libfdt"]
    assert libfdt["version"] == up["version"]
    assert libfdt["licenses"] == [{"expression": up["licence"]}]
    assert libfdt["hashes"] == [{"alg": "SHA-256", "content": up["sha256"]}]
    assert [c["uid"] for c in libfdt["pedigree"]["commits"]] == [
        up["first_commit"],
        up["last_commit"],
    ]
    files = {c["name"]: c["hashes"][0]["content"] for c in libfdt["components"]}
    assert files == pin["files"]
    # the compiler's input, not the pin alone
    for name, digest in files.items():
        source = (ROOT / "libfdt/src" / name).read_bytes()
        assert hashlib.sha256(source).hexdigest() == digest, name
    named = {c["bom-ref"] for c in bom["components"]} | {"pyfdtx"}
    for row in bom["dependencies"]:
        assert {row["ref"], *row["dependsOn"]} <= named
    assert sbom.document("1.0", 0) == sbom.document("1.0", 0)
    assert sbom.document("1.0", 0) != sbom.document("1.0", 1)
