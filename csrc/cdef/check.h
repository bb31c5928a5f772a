/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

#define FDTX_MAX_DEPTH ...
#define FDTX_MAX_TOTALSIZE ...

struct fdtx_fault {
	const char *cause;
	uint32_t offset;
};

int fdtx_check(const void *fdt, size_t size, struct fdtx_fault *fault);
