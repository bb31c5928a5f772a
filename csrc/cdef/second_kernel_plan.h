/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

struct fdtx_second_kernel_plan {
	int size;
	int bootargs_len;
	...;
};

int fdtx_second_kernel_plan(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job,
			    struct fdtx_second_kernel_plan *plan);
void fdtx_second_kernel_emit(struct fdtx_second_kernel_plan *plan, void *buf);
