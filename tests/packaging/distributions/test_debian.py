# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The Debian packages: built, looked into, installed into a root of their own, and in
initramfs images of initramfs-tools and dracut.

Root file systems are kept in .cache/. Needs root, for chroot(2). `make test-packages`.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import pyfdtx
from pyfdtx.tools.kexec import INTERFACE

ROOT = Path(__file__).resolve().parents[3]
DEB = ROOT / "build/deb"
# Not in a build, whose Python is the tests' own
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What the packages depend on, and what makes initramfs images
INCLUDE = "python3,libfdt1,python3-cffi-backend,initramfs-tools,dracut-core,kmod,zstd"
KERNEL = "6.1.0-none"


def run(*command, ok=True, **keywords):
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        env={"PATH": PATH, "LC_ALL": "C", "HOME": "/root"},
        **keywords,
    )
    assert (done.returncode == 0) is ok, done.stdout[-6000:]
    return done.stdout


def need(*programs):
    for program in programs:
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"there is no {program}")


@pytest.fixture(scope="module")
def debs():
    """(the library's, the one in place of kexec-tools)"""
    need("dpkg-buildpackage", "dh", "lintian")
    run("make", "deb", cwd=ROOT)
    found = {path.name.partition("_")[0]: path for path in DEB.glob("*.deb")}
    return found["python3-pyfdtx"], found["pyfdtx-kexec-tools"]


def contents(deb):
    """path: mode and what a link leads to."""
    rows = [line.split(None, 5) for line in run("dpkg-deb", "-c", deb).splitlines()]
    return {row[5].partition(" -> ")[0].removeprefix("."): row[0] for row in rows}


def fields(deb):
    return dict(
        line.split(": ", 1)
        for line in run("dpkg-deb", "-f", deb).splitlines()
        if line[:1].isalpha()
    )


def test_lintian_finds_no_error(debs):
    (changes,) = DEB.glob("*.changes")
    said = run("lintian", "--allow-root", "--fail-on", "error", changes)
    # Nobody asked for it in Debian's bug tracker
    said = re.sub(r"W: .*initial-upload-closes-no-bugs.*\n", "", said)
    assert "\nW: " not in f"\n{said}"


def test_the_library_takes_no_name_of_kexec_tools(debs):
    names = contents(debs[0])
    for path in (
        "/usr/bin/pyfdtx",
        "/usr/bin/pyfdtx-kexec",
        "/usr/bin/pyfdtx-vmcore-dmesg",
    ):
        assert names[path] == "-rwxr-xr-x"
    assert not [n for n in names if re.search(r"/(kexec|vmcore-dmesg)(\.8\.gz)?$", n)]
    for path in (
        "/usr/lib/python3/dist-packages/pyfdtx/_core.abi3.so",
        "/usr/share/bash-completion/completions/pyfdtx",
        "/usr/share/zsh/vendor-completions/_pyfdtx",
        "/usr/share/fish/vendor_completions.d/pyfdtx.fish",
        "/usr/share/man/man1/pyfdtx.1.gz",
        "/usr/share/man/man1/pyfdtx-load.1.gz",
        "/usr/share/man/man8/pyfdtx-kexec.8.gz",
    ):
        assert names[path] == "-rw-r--r--", path
    depends = fields(debs[0])["Depends"]
    assert "libfdt1" in depends
    assert "python3-cffi-backend-api-min" in depends


def test_the_other_one_is_in_place_of_kexec_tools(debs):
    names = contents(debs[1])
    assert names["/usr/sbin/kexec"] == names["/usr/sbin/vmcore-dmesg"] == "-rwxr-xr-x"
    for page in ("kexec.8.gz", "vmcore-dmesg.8.gz"):
        assert f"/usr/share/man/man8/{page}" in names
    hook = "/usr/share/initramfs-tools/hooks/pyfdtx-kexec"
    assert names[hook] == "-rwxr-xr-x"
    assert "/usr/lib/dracut/modules.d/90pyfdtx-kexec/module-setup.sh" in names
    found = fields(debs[1])
    assert found["Conflicts"] == found["Replaces"] == "kexec-tools"
    assert found["Provides"] == f"kexec-tools (= 1:{INTERFACE})"
    assert found["Version"] == f"{pyfdtx.__version__}-1"


def test_kdump_tools_installs_with_it_in_place_of_kexec_tools(debs):
    said = run("apt-get", "-s", "install", *debs, "kdump-tools")
    assert "\nInst kdump-tools " in said
    assert "\nInst pyfdtx-kexec-tools " in said
    assert "\nInst kexec-tools " not in said


@pytest.fixture(scope="module")
def root(debs, tmp_path_factory):
    """A Debian with both packages, the release of this machine. Called with words, it
    runs them in there."""
    if os.geteuid():
        pytest.skip("only root may chroot")
    need("mmdebstrap")
    release = run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    kept = ROOT / ".cache" / f"packages-{release}.tar"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        partial = kept.with_suffix(".partial.tar")
        options = ("--variant=minbase", f"--include={INCLUDE}")
        run("mmdebstrap", *options, release, partial)
        partial.rename(kept)
    top = tmp_path_factory.mktemp("root")
    run("tar", "-C", top, "-xf", kept)
    for deb in debs:
        shutil.copy(deb, top)

    def call(*words, ok=True):
        return run("chroot", top, *words, ok=ok)

    call("sh", "-c", "dpkg -i /*.deb")
    (top / "boot").mkdir(exist_ok=True)
    text = "CONFIG_RD_ZSTD=y\nCONFIG_RD_GZIP=y\n"
    (top / f"boot/config-{KERNEL}").write_text(text)
    modules = top / f"lib/modules/{KERNEL}"
    modules.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        (modules / name).touch()
    call("depmod", KERNEL)
    (top / "etc/initramfs-tools/conf.d/modules").write_text("MODULES=list\n")
    call.top = top
    yield call
    shutil.rmtree(top)


def test_the_commands_run(root):
    version = f"kexec-tools {INTERFACE} (pyfdtx {pyfdtx.__version__})\n"
    for name in ("kexec", "/sbin/kexec", "pyfdtx-kexec"):
        assert root(name, "-v") == version
    for name in ("/sbin/vmcore-dmesg", "pyfdtx-vmcore-dmesg"):
        assert root(name, "--version").startswith("vmcore-dmesg (pyfdtx) ")
    assert root("pyfdtx", "--version").startswith(f"pyfdtx {pyfdtx.__version__}, ")
    tree = "/usr/share/doc/python3-pyfdtx/examples/arm64-dt/sys/firmware/fdt"
    assert "/dts-v1/;" in root("pyfdtx", "show", tree)


def unpacked(root, image):
    """Calls in an initramfs; its size in bytes is an attribute."""
    folder = "/unpacked"
    shutil.rmtree(root.top / folder[1:], ignore_errors=True)
    root("unmkinitramfs", image, folder)
    top = root.top / folder[1:]
    inside = top / "main" if (top / "main").exists() else top

    def call(*words, ok=True):
        return run("chroot", inside, *words, ok=ok)

    call.top = inside
    files = [p for p in inside.rglob("*") if p.is_file() and not p.is_symlink()]
    call.size = sum(path.stat().st_size for path in files)
    return call


def works(call):
    """The commands start in there, and what they import only when they need it is
    there, too."""
    assert call("kexec", "-v").startswith(f"kexec-tools {INTERFACE} ")
    said = call("/sbin/kexec", "-l", "/nowhere", ok=False)
    assert "/nowhere: No such file or directory" in said
    assert "usage: vmcore-dmesg CORE" in call("/sbin/vmcore-dmesg", ok=False)
    modules = (
        "pyfdtx.kexec.place.plan, pyfdtx.kexec.loading.load, pyfdtx.kexec.arch.x86_64"
    )
    call("python3", "-I", "-c", f"import lzma, bz2, json, {modules}")


@pytest.fixture(scope="module")
def plain(root):
    """The size of an initramfs without the commands; of the file, and unpacked."""
    root("mkinitramfs", "-o", "/plain", KERNEL)
    call = unpacked(root, "/plain")
    for name in ("kexec", "python3*"):
        assert not list(call.top.rglob(name))
    return (root.top / "plain").stat().st_size, call.size


MIB = 1 << 20


def weighs(root, plain, image, call):
    packed = (root.top / image[1:]).stat().st_size - plain[0]
    more = call.size - plain[1]
    print(f"{image}: {packed / MIB:.1f} MiB more, unpacked {more / MIB:.1f} MiB")
    # Python's own file is half of it
    assert 0 < packed < 8 * MIB
    assert 0 < more < 20 * MIB


def test_an_initramfs_that_is_asked_to_has_them(root, plain):
    conf = root.top / "etc/initramfs-tools/conf.d/kexec"
    conf.write_text("KEXEC=y\n")
    root("mkinitramfs", "-o", "/asked", KERNEL)
    conf.unlink()
    call = unpacked(root, "/asked")
    works(call)
    weighs(root, plain, "/asked", call)


HOOK = """\
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /sbin/kexec
"""


@pytest.mark.parametrize("folder", ["etc", "usr/share"])
def test_a_hook_that_copies_kexec_gets_what_it_needs(root, plain, folder):
    """Before ours by name or behind it: /etc's always come later."""
    for name in ("aa-kexec", "zz-kexec"):
        hook = root.top / folder / "initramfs-tools/hooks" / name
        hook.write_text(HOOK)
        hook.chmod(0o755)
        root("mkinitramfs", "-o", "/hook", KERNEL)
        hook.unlink()
        works(unpacked(root, "/hook"))


LAST = "    return sorted("
WITHOUT = "    found = {{p for p in found if {!r} not in p}}\n"
SPOILS = {
    "it fails": "    sys.exit(3)\n",
    "a module of Python is missing": WITHOUT.format("/bisect"),
    "a module of ours is missing": WITHOUT.format("/a64"),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_an_initramfs_in_which_it_would_not_work_is_not_made(root, spoil):
    conf = root.top / "etc/initramfs-tools/conf.d/kexec"
    needed = root.top / "usr/lib/python3/dist-packages/pyfdtx/tools/needed.py"
    text = needed.read_text()
    assert text.count(LAST) == 1
    try:
        conf.write_text("KEXEC=y\n")
        needed.write_text(text.replace(LAST, SPOILS[spoil] + LAST))
        said = root("mkinitramfs", "-o", "/bad", KERNEL, ok=False)
        assert "E: pyfdtx-kexec: " in said
        # mkinitramfs opens the file before it starts
        assert not (root.top / "bad").stat().st_size
    finally:
        needed.write_text(text)
        conf.unlink()


MODULE = """\
#!/bin/bash
check() { return 255; }
depends() { return 0; }
install() { inst_multiple /usr/sbin/kexec /usr/sbin/vmcore-dmesg; }
"""


def test_dracut_brings_them_with_a_module_for_kdump(root):
    """As kdump-utils' kdumpbase and early-kdump do it: they copy the commands."""
    folder = root.top / "usr/lib/dracut/modules.d/99kdumpbase"
    folder.mkdir()
    (folder / "module-setup.sh").write_text(MODULE)
    (folder / "module-setup.sh").chmod(0o755)
    dracut = ("dracut", "--no-kernel", "--no-hostonly", "--force")
    root(*dracut, "/d-plain", KERNEL)
    assert not list(unpacked(root, "/d-plain").top.rglob("pyfdtx"))
    for words in (("--add", "kdumpbase"), ("--add", "pyfdtx-kexec")):
        root(*dracut, *words, "/d-kdump", KERNEL)
        works(unpacked(root, "/d-kdump"))


def test_kexec_tools_and_it_do_not_come_together(root, tmp_path):
    """dpkg refuses the second one, whichever it is."""
    run("sh", "-c", f"cd {tmp_path} && apt-get -q download kexec-tools")
    (deb,) = tmp_path.glob("*.deb")
    shutil.copy(deb, root.top / "theirs.deb")
    said = root("dpkg", "-i", "/theirs.deb", ok=False)
    assert "pyfdtx-kexec-tools conflicts with kexec-tools" in said
    assert root("kexec", "-v").startswith("kexec-tools ")
