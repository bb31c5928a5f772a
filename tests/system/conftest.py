# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Real kernels for the tests: Debian's packages, kept in .cache/.

Each test says which kernel it boots: `@pytest.mark.kernel("arm64")`, on a test,
a parameter, or as a module's pytestmark. KERNELS="arm64 armmp" runs these alone.
Those that run other people's tools say which, by @pytest.mark.tools("kdump-tools");
TOOLS="kdump-tools" runs these alone.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from guest import GuestError, need  # noqa: E402
from guest.debian import Archive, first_with  # noqa: E402
from guest.python import root_file_system  # noqa: E402

# Left out unless KERNELS= names it: what takes minutes
WHEN_ASKED = {"reserved"}


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "kernel(name): the kernel that the test boots; see KERNELS="
    )
    config.addinivalue_line(
        "markers", "tools(name): whose scripts the test runs; see TOOLS="
    )


def tools_of(item):
    return {name for mark in item.iter_markers("tools") for name in mark.args}


def kernels_of(item):
    """The names in the marks of a test; each test has one or more."""
    names = {name for mark in item.iter_markers("kernel") for name in mark.args}
    if not names:
        raise pytest.UsageError(
            f'{item.nodeid}: which kernel is it for? @pytest.mark.kernel("arm64"), '
            "or the module's pytestmark, says so"
        )
    return names


def pytest_collection_modifyitems(config, items):
    """KERNELS= and TOOLS= choose; empty, or not set: all but WHEN_ASKED."""
    for variable, names_of in (("KERNELS", kernels_of), ("TOOLS", tools_of)):
        ours = {item: names_of(item) for item in items if HERE in item.path.parents}
        chosen = set(os.environ.get(variable, "").split())
        known = set().union(*ours.values())
        if chosen - known:
            raise pytest.UsageError(
                f"{variable}: no test is for {', '.join(sorted(chosen - known))}; "
                f"there are {', '.join(sorted(known))}"
            )
        gone = {
            item
            for item, names in ours.items()
            if not (names & chosen if chosen else not names or names - WHEN_ASKED)
        }
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [i for i in items if i not in gone]


def fresh_folder(name):
    """build/system/NAME, empty. Its console.log stays until the next run."""
    folder = ROOT / "build" / "system" / re.sub(r"[^\w.-]+", "-", name).strip("-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def without_large_files(folder):
    for path in folder.iterdir():
        if path.stat().st_size > 1 << 20:
            path.unlink()


SHOWN = 8000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the end of the console that it is about."""
    report = yield
    if report.failed:
        for name in ("boot_folder", "module_boot_folder"):
            folder = getattr(item, "funcargs", {}).get(name)
            log = folder / "console.log" if folder else None
            if log is not None and log.exists():
                text = log.read_bytes()[-SHOWN:].decode(errors="replace")
                report.sections.append((f"end of {log}", text.replace("\r", "")))
    return report


@pytest.fixture
def boot_folder(request):
    """Each boot's own directory."""
    folder = fresh_folder(request.node.name)
    yield folder
    without_large_files(folder)


@pytest.fixture(scope="module")
def module_boot_folder(request):
    """For one boot that several tests look at."""
    folder = fresh_folder(Path(request.node.name).stem)
    yield folder
    without_large_files(folder)


def archive_of(architecture, qemu):
    """Debian's packages of an architecture, for guests of that QEMU."""
    try:
        need(qemu, "apt-get", "dpkg-deb")
        return Archive(ROOT / ".cache", architecture)
    except GuestError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def arm64_archive():
    return archive_of("arm64", "qemu-system-aarch64")


@pytest.fixture(scope="session")
def arm64_kernel(arm64_archive):
    return arm64_archive.kernel_image("linux-image-cloud-arm64")


@pytest.fixture(scope="session")
def arm64_linux_6_12():
    """Debian 13's kernel; the programs around it stay those of this release."""
    try:
        archive = Archive(ROOT / ".cache", "arm64", "trixie")
        return archive.kernel_image("linux-image-cloud-arm64")
    except GuestError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def arm64_busybox(arm64_archive):
    return arm64_archive.unpack("busybox-static") / "bin/busybox"


@pytest.fixture(scope="session")
def arm64_python(arm64_archive, tmp_path_factory):
    """Files of a guest with Python and pyfdtx; copy() it and add an /init."""
    try:
        return root_file_system(arm64_archive, tmp_path_factory.mktemp("python"))
    except GuestError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def riscv64_archive():
    """Debian 12 has no riscv64, and Debian 13 no kexec-tools for it, whose vmcore-dmesg
    reads the dead kernel's log in a guest: the first release that has both."""
    try:
        need("qemu-system-riscv64", "apt-get", "dpkg-deb")
        suites = ("trixie", "forky", "sid")
        return first_with("kexec-tools", ROOT / ".cache", "riscv64", suites)
    except GuestError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def riscv64_kernel(riscv64_archive):
    return riscv64_archive.kernel_image("linux-image-riscv64")


@pytest.fixture(scope="session")
def riscv64_python(riscv64_archive, tmp_path_factory):
    try:
        return root_file_system(riscv64_archive, tmp_path_factory.mktemp("python"))
    except GuestError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def amd64_archive():
    return archive_of("amd64", "qemu-system-x86_64")


@pytest.fixture(scope="session")
def amd64_kernel(amd64_archive):
    return amd64_archive.kernel_image("linux-image-cloud-amd64")


@pytest.fixture(scope="session")
def amd64_python(amd64_archive, tmp_path_factory):
    try:
        return root_file_system(amd64_archive, tmp_path_factory.mktemp("python"))
    except GuestError as e:
        pytest.skip(str(e))
