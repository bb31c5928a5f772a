# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is recorded of kexec-tools is what Debian's packages do today."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import real
from guest import GuestError
from kexec_rows import recorded, run_all
from kexec_world import build_kernel, can_run


@pytest.mark.parametrize("version", real.VERSIONS)
def test_kexec_tools_does_what_is_recorded(version, tmp_path):
    if not can_run():
        pytest.skip("mount namespaces need root")
    try:
        program = real.program(version)
    except GuestError as e:
        pytest.skip(str(e))
    rows = tmp_path / "rows"
    rows.mkdir()
    seen = run_all(program, rows, build_kernel(tmp_path))
    assert seen == recorded()[version]
