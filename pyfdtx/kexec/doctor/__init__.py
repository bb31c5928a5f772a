# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Whether a machine can do kexec and kdump at all, and how much memory that needs."""
