// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 * (address, size) arrays, encoded with the cells of a given parent
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"

/* Widths of one entry, in cells */
struct fdt_reg_cells_ {
	int address;
	int size;
};

static int fdt_reg_cells_(const void *fdt, int parent,
			  struct fdt_reg_cells_ *cells)
{
	cells->address = fdt_address_cells(fdt, parent);
	if (cells->address < 0)
		return cells->address;

	cells->size = fdt_size_cells(fdt, parent);
	if (cells->size < 0)
		return cells->size;

	return 0;
}

static int fdt_reg_entry_len_(const struct fdt_reg_cells_ *cells)
{
	return (cells->address + cells->size) * (int)sizeof(fdt32_t);
}

/* Length of n entries, with offset bytes in front of them */
static int fdt_reg_array_len_(const struct fdt_reg_cells_ *cells, int offset,
			      int n)
{
	int entry_len = fdt_reg_entry_len_(cells);

	if (n < 0 || n > (INT_MAX - offset) / entry_len)
		return -FDT_ERR_BADVALUE;

	return offset + n * entry_len;
}

static int fdt_reg_fits_(uint64_t value, int cells)
{
	if (cells == 0)
		return value == 0;
	return cells > 1 || value <= UINT32_MAX;
}

static int fdt_reg_check_(const struct fdt_reg_cells_ *cells,
			  const struct fdt_reg *regs, int n)
{
	uint64_t last = (cells->address == 1) ? UINT32_MAX : UINT64_MAX;
	int i;

	for (i = 0; i < n; i++) {
		uint64_t address = regs[i].address, size = regs[i].size;

		if (!fdt_reg_fits_(address, cells->address) ||
		    !fdt_reg_fits_(size, cells->size))
			return -FDT_ERR_BADVALUE;
		/* The range may end exactly where the addresses do */
		if (size && size - 1 > last - address)
			return -FDT_ERR_BADVALUE;
	}

	return 0;
}

/* Property values are only 4-byte aligned: store bytes, high cells zero */
static uint8_t *fdt_reg_store_(uint8_t *p, uint64_t value, int cells)
{
	int len = cells * (int)sizeof(fdt32_t);
	int i;

	for (i = len - 1; i >= 0; i--) {
		p[i] = (uint8_t)value;
		value >>= 8;
	}

	return p + len;
}

static const uint8_t *fdt_reg_load_(const uint8_t *p, int cells,
				    uint64_t *valuep, int *err)
{
	int len = cells * (int)sizeof(fdt32_t);
	uint64_t value = 0;
	int i;

	for (i = 0; i < len; i++) {
		if (value >> 56)
			*err = -FDT_ERR_BADVALUE;
		value = (value << 8) | p[i];
	}
	*valuep = value;

	return p + len;
}

/* Write n checked entries behind the first offset bytes of the property */
static int fdt_reg_write_(void *fdt, int nodeoffset, const char *name,
			  const struct fdt_reg_cells_ *cells, int offset,
			  const struct fdt_reg *regs, int n)
{
	void *data;
	uint8_t *p;
	int len, err, i;

	len = fdt_reg_array_len_(cells, offset, n);
	if (len < 0)
		return len;
	/* No property is longer than its tree; keeps the sums in range */
	if ((uint32_t)len > fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;

	err = fdt_reg_check_(cells, regs, n);
	if (err)
		return err;

	err = fdt_setprop_placeholder(fdt, nodeoffset, name, len, &data);
	if (err)
		return err;

	p = (uint8_t *)data + offset;
	for (i = 0; i < n; i++) {
		p = fdt_reg_store_(p, regs[i].address, cells->address);
		p = fdt_reg_store_(p, regs[i].size, cells->size);
	}

	return 0;
}

int fdt_prop_len(const char *name, int len)
{
	size_t extra = sizeof(struct fdt_property) + strlen(name) + 1;

	if (len < 0 || extra > (size_t)INT_MAX - FDT_TAGSIZE ||
	    (size_t)len > (size_t)INT_MAX - FDT_TAGSIZE - extra)
		return -FDT_ERR_BADVALUE;

	return (int)(extra + (((size_t)len + FDT_TAGSIZE - 1) &
			      ~((size_t)FDT_TAGSIZE - 1)));
}

int fdt_reg_len(const void *fdt, int parent, int n)
{
	struct fdt_reg_cells_ cells;
	int err;

	err = fdt_reg_cells_(fdt, parent, &cells);
	if (err)
		return err;

	return fdt_reg_array_len_(&cells, 0, n);
}

int fdt_setprop_reg_array(void *fdt, int parent, int nodeoffset,
			  const char *name, const struct fdt_reg *regs, int n)
{
	struct fdt_reg_cells_ cells;
	int err;

	err = fdt_reg_cells_(fdt, parent, &cells);
	if (err)
		return err;

	return fdt_reg_write_(fdt, nodeoffset, name, &cells, 0, regs, n);
}

int fdt_setprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		    uint64_t address, uint64_t size)
{
	struct fdt_reg reg = { address, size };

	return fdt_setprop_reg_array(fdt, parent, nodeoffset, name, &reg, 1);
}

int fdt_appendprop_reg_array(void *fdt, int parent, int nodeoffset,
			     const char *name, const struct fdt_reg *regs,
			     int n)
{
	struct fdt_reg_cells_ cells;
	int err, oldlen;

	err = fdt_reg_cells_(fdt, parent, &cells);
	if (err)
		return err;

	if (!fdt_getprop(fdt, nodeoffset, name, &oldlen)) {
		if (oldlen != -FDT_ERR_NOTFOUND)
			return oldlen;
		oldlen = 0;
	}
	if (oldlen % fdt_reg_entry_len_(&cells))
		return -FDT_ERR_BADVALUE;

	return fdt_reg_write_(fdt, nodeoffset, name, &cells, oldlen, regs, n);
}

int fdt_appendprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		       uint64_t address, uint64_t size)
{
	struct fdt_reg reg = { address, size };

	return fdt_appendprop_reg_array(fdt, parent, nodeoffset, name, &reg, 1);
}

int fdt_getprop_reg_count(const void *fdt, int parent, int nodeoffset,
			  const char *name)
{
	struct fdt_reg_cells_ cells;
	int err, len;

	err = fdt_reg_cells_(fdt, parent, &cells);
	if (err)
		return err;

	if (!fdt_getprop(fdt, nodeoffset, name, &len))
		return len;
	if (len % fdt_reg_entry_len_(&cells))
		return -FDT_ERR_BADVALUE;

	return len / fdt_reg_entry_len_(&cells);
}

int fdt_getprop_reg(const void *fdt, int parent, int nodeoffset,
		    const char *name, int n, uint64_t *addressp,
		    uint64_t *sizep)
{
	struct fdt_reg_cells_ cells;
	uint64_t address, size;
	const uint8_t *p;
	int err, len;

	err = fdt_reg_cells_(fdt, parent, &cells);
	if (err)
		return err;

	p = fdt_getprop(fdt, nodeoffset, name, &len);
	if (!p)
		return len;
	if (len % fdt_reg_entry_len_(&cells))
		return -FDT_ERR_BADVALUE;
	if (n < 0 || n >= len / fdt_reg_entry_len_(&cells))
		return -FDT_ERR_NOTFOUND;

	p += n * fdt_reg_entry_len_(&cells);
	p = fdt_reg_load_(p, cells.address, &address, &err);
	fdt_reg_load_(p, cells.size, &size, &err);
	if (err)
		return err;

	*addressp = address;
	*sizep = size;
	return 0;
}
