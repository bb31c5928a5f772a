// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - many (address, size) entries at once
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "edit/prop.h"
#include "edit/regs.h"

#define FDTX_INLINE static inline __attribute__((always_inline))

/* Largest number in so many cells; none has more than 64 bits */
FDTX_INLINE uint64_t fdtx_reg_max(int cells)
{
	if (cells == 0)
		return 0;
	return cells == 1 ? UINT32_MAX : UINT64_MAX;
}

/* No branch that depends on a number */
FDTX_INLINE int fdtx_regs_fit(const struct fdt_reg *regs, int n,
			      int address_cells, int size_cells)
{
	uint64_t max_address = fdtx_reg_max(address_cells);
	uint64_t max_size = fdtx_reg_max(size_cells);
	int i, bad = 0;

	for (i = 0; i < n; i++) {
		uint64_t address = regs[i].address, size = regs[i].size;

		bad |= address > max_address;
		bad |= size > max_size;
		/* A range may end exactly where the addresses do */
		bad |= !!size & (size - 1 > max_address - address);
	}
	return !bad;
}

/* Values are 4-byte aligned; cells beyond 64 bits become zero */
FDTX_INLINE char *fdtx_reg_store(char *p, uint64_t value, int cells)
{
	fdt64_t wide = cpu_to_fdt64(value);
	fdt32_t narrow = cpu_to_fdt32((uint32_t)value);

	if (cells == 0)
		return p;
	if (cells == 1) {
		memcpy(p, &narrow, sizeof(narrow));
		return p + sizeof(narrow);
	}
	for (; cells > 2; cells--, p += sizeof(narrow))
		memset(p, 0, sizeof(narrow));
	memcpy(p, &wide, sizeof(wide));
	return p + sizeof(wide);
}

FDTX_INLINE void fdtx_put_regs(char *p, const struct fdt_reg *regs, int n,
			       int address_cells, int size_cells)
{
	int i;

	for (i = 0; i < n; i++) {
		p = fdtx_reg_store(p, regs[i].address, address_cells);
		p = fdtx_reg_store(p, regs[i].size, size_cells);
	}
}

int fdtx_encode_regs(const struct fdt_reg *regs, int n, int address_cells,
		     int size_cells, void *buf)
{
	if (!fdtx_regs_fit(regs, n, address_cells, size_cells))
		return -FDT_ERR_BADVALUE;
	if (address_cells == 2 && size_cells == 2)
		fdtx_put_regs(buf, regs, n, 2, 2);
	else
		fdtx_put_regs(buf, regs, n, address_cells, size_cells);
	return 0;
}

int fdtx_regs_room(const void *fdt, int parent, const char *name, int n)
{
	/* libfdt has defaults for them, and Linux has other ones */
	if (!fdt_getprop(fdt, parent, "#address-cells", NULL) ||
	    !fdt_getprop(fdt, parent, "#size-cells", NULL))
		return -FDT_ERR_BADNCELLS;
	return fdt_prop_len(0, name, fdt_reg_len(fdt, parent, n));
}

FDTX_INLINE int fdtx_write(void *fdt, int nodeoffset, const char *name,
			   int oldlen, int len, const struct fdt_reg *regs,
			   int n, int address_cells, int size_cells)
{
	char *data;
	int err;

	if (!fdtx_regs_fit(regs, n, address_cells, size_cells))
		return -FDT_ERR_BADVALUE;
	/* Keeps the old bytes; nothing can fail from here on */
	err = fdtx_prop_room(fdt, nodeoffset, name, oldlen + len, &data);
	if (!err)
		fdtx_put_regs(data + oldlen, regs, n, address_cells,
			      size_cells);
	return err;
}

int fdtx_write_regs(void *fdt, int parent, int nodeoffset, const char *name,
		    const struct fdt_reg *regs, int n, int append)
{
	int ac = fdt_address_cells(fdt, parent);
	int sc = fdt_size_cells(fdt, parent);
	int len = fdt_reg_len(fdt, parent, n), oldlen = 0;

	if (len < 0)
		return len;
	if (append && !fdt_getprop(fdt, nodeoffset, name, &oldlen)) {
		if (oldlen != -FDT_ERR_NOTFOUND)
			return oldlen;
		oldlen = 0;
	}
	if (oldlen % ((ac + sc) * (int)sizeof(fdt32_t)) ||
	    len > INT_MAX - oldlen)
		return -FDT_ERR_BADVALUE;
	/* What nearly all trees have is worth code of its own */
	if (ac == 2 && sc == 2)
		return fdtx_write(fdt, nodeoffset, name, oldlen, len, regs, n,
				  2, 2);
	if (ac == 1 && sc == 1)
		return fdtx_write(fdt, nodeoffset, name, oldlen, len, regs, n,
				  1, 1);
	return fdtx_write(fdt, nodeoffset, name, oldlen, len, regs, n, ac, sc);
}

static const uint8_t *fdtx_load(const uint8_t *p, int cells, uint64_t *valuep,
				int *err)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < cells * (int)sizeof(fdt32_t); i++) {
		if (value >> 56)
			*err = -FDT_ERR_BADVALUE;
		value = (value << 8) | *p++;
	}
	*valuep = value;
	return p;
}

int fdtx_decode_regs(const void *data, int len, int address_cells,
		     int size_cells, struct fdt_reg *regs, int max)
{
	int entry = (address_cells + size_cells) * (int)sizeof(fdt32_t);
	const uint8_t *p = data;
	int i, n, err = 0;

	if (len % entry)
		return -FDT_ERR_BADVALUE;
	n = len / entry;
	for (i = 0; i < n && i < max; i++) {
		p = fdtx_load(p, address_cells, &regs[i].address, &err);
		p = fdtx_load(p, size_cells, &regs[i].size, &err);
		if (regs[i].size &&
		    regs[i].size - 1 > UINT64_MAX - regs[i].address)
			err = -FDT_ERR_BADVALUE;
		if (err)
			return err;
	}
	return n;
}
