/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

int fdtx_overlay_apply(void *fdt, void *fdto, struct fdtx_fault *fault);
