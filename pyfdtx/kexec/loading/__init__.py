# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Into the running kernel: kexec_load(2) and kexec_file_load(2)."""
