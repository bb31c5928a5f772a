/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

int fdtx_encode_regs(const struct fdt_reg *regs, int n, int address_cells,
		     int size_cells, void *buf);
int fdtx_regs_room(const void *fdt, int parent, const char *name, int n);
int fdtx_write_regs(void *fdt, int parent, int nodeoffset, const char *name,
		    const struct fdt_reg *regs, int n, int append);
int fdtx_decode_regs(const void *data, int len, int address_cells,
		     int size_cells, struct fdt_reg *regs, int max);
