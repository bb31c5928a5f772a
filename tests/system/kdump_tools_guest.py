# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Runs in the first kernel of test_kdump_tools.py: kdump-config does what it can with
one kexec(8) after the other; then the machine panics.

/sbin/kexec is KEXEC below: it writes down how it is called and what came of it, and
is the one that /which names.
"""

import hashlib
import json
import os
import subprocess
import sys

import kdump_guest

STEPS = [
    *("show", "test", "load", "status", "show", "load", "condreload", "unload"),
    *("status", "condreload"),
]
SYSFS = "/sys/kernel/kexec_crash_loaded"
KEXEC = """\
#!/bin/sh
which=$(cat /which)
for word
do
	printf '%s\\n' "$word"
done >/last
"/opt/$which/kexec" "$@"
status=$?
{
	cat /last
	echo "status $status"
	echo "loaded $(cat /sys/kernel/kexec_crash_loaded)"
} >>/calls
exit $status
"""


def text(path):
    with open(path) as f:
        return f.read()


def step(word):
    """kdump-config with one word: what came of it."""
    done = subprocess.run(
        ["kdump-config", word], capture_output=True, text=True, check=False
    )
    print(f"$ kdump-config {word}: {done.returncode}", flush=True)
    print(done.stdout + done.stderr, flush=True)
    return {
        "step": word,
        "status": done.returncode,
        "said": done.stdout + done.stderr,
        "loaded": text(SYSFS).strip(),
    }


def with_tool(name):
    with open("/which", "w") as f:
        f.write(name)
    links = [f"/var/lib/kdump/{link}" for link in ("vmlinuz", "initrd.img")]
    for path in ("/calls", "/var/crash/kexec_cmd", *links):
        if os.path.lexists(path):
            os.unlink(path)
    found = {"steps": [step(word) for word in STEPS], "calls": text("/calls")}
    subprocess.run(["kdump-config", "unload"], check=False, capture_output=True)
    return found


def main(tools):
    page, address = kdump_guest.marked_page()
    digest = hashlib.sha256(page).hexdigest()
    with open("/etc/default/kdump-tools", "a") as f:
        f.write(
            'KDUMP_CMDLINE_APPEND="reset_devices nr_cpus=1 irqpoll usbcore.nousb '
            f'marker={address:#x}:{digest}"\n'
        )
    with open("/found.json", "w") as f:
        json.dump({name: with_tool(name) for name in tools}, f)
    subprocess.run(["/bin/sh", "/report"], check=True)
    last = step("load")
    if last["status"] or kdump_guest.physical(page) != address:
        sys.exit(f"not loaded, or the page moved: {last}")
    with open("/dev/kmsg", "w") as log:
        log.write("pyfdtx: these are the last words\n")
    print("@@@ panic", flush=True)
    with open("/proc/sysrq-trigger", "w") as trigger:
        trigger.write("c")


if __name__ == "__main__":
    main(sys.argv[1:])
