# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Loading a kernel into the running one: kexec_load(2) and kexec_file_load(2)."""
