# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is in a wheel, as CycloneDX 1.6: our code, upstream's libfdt inside of it, and
what pip installs beside it."""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "libfdt"))
import vendor  # noqa: E402

LICENCE = "GPL-2.0-or-later OR BSD-2-Clause"


def hashed(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def upstream() -> dict[str, Any]:
    """libfdt as libfdt/upstream.toml pins it, file by file."""
    pin = vendor.pin()
    up = pin["upstream"]
    commits = f"{up['first_commit']}..{up['last_commit']}"
    return {
        "type": "library",
        "bom-ref": "libfdt",
        "name": "libfdt",
        "version": up["version"],
        "description": "Flat Device Tree manipulation, of dtc; compiled in",
        "purl": f"pkg:pypi/{up['package']}@{up['version']}",
        "licenses": [{"expression": up["licence"]}],
        "hashes": hashed(up["sha256"]),
        "pedigree": {
            "commits": [{"uid": up["first_commit"]}, {"uid": up["last_commit"]}],
            "notes": f"The files equal dtc's at every commit of {commits}; unchanged.",
        },
        "properties": [{"name": "pyfdtx:libfdt:commits", "value": commits}],
        "components": [
            {
                "type": "file",
                "bom-ref": f"libfdt/{name}",
                "name": name,
                "hashes": hashed(sha256),
            }
            for name, sha256 in pin["files"].items()
        ],
    }


def document(version: str, epoch: int) -> bytes:
    """The SBOM of all wheels of a version: they differ in the compiler's target."""
    name = f"pyfdtx {version} {epoch}"
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, name)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "component": {
                "type": "library",
                "bom-ref": "pyfdtx",
                "name": "pyfdtx",
                "version": version,
                "purl": f"pkg:pypi/pyfdtx@{version}",
                "licenses": [{"expression": LICENCE}],
            },
        },
        "components": [
            upstream(),
            {
                "type": "library",
                "bom-ref": "cffi",
                "name": "cffi",
                "description": "installed beside it by pip, not in the wheel",
                "scope": "required",
                "purl": "pkg:pypi/cffi",
            },
        ],
        "dependencies": [
            {"ref": "pyfdtx", "dependsOn": ["libfdt", "cffi"]},
            {"ref": "libfdt", "dependsOn": []},
            {"ref": "cffi", "dependsOn": []},
        ],
    }
    return (json.dumps(bom, indent=1) + "\n").encode()
