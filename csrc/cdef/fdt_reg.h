/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

struct fdt_reg {
	uint64_t address;
	uint64_t size;
};

int fdt_prop_len(int total, const char *name, int len);
int fdt_reg_len(const void *fdt, int parent, int n);
int fdt_setprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		    uint64_t address, uint64_t size);
int fdt_setprop_reg_array(void *fdt, int parent, int nodeoffset,
			  const char *name, const struct fdt_reg *regs, int n);
int fdt_appendprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		       uint64_t address, uint64_t size);
int fdt_appendprop_reg_array(void *fdt, int parent, int nodeoffset,
			     const char *name, const struct fdt_reg *regs,
			     int n);
int fdt_getprop_reg_count(const void *fdt, int parent, int nodeoffset,
			  const char *name);
int fdt_getprop_reg(const void *fdt, int parent, int nodeoffset,
		    const char *name, int n, uint64_t *addressp,
		    uint64_t *sizep);
