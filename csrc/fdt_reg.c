// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 * (address, size) arrays, encoded with the cells of a given parent
 */
#include "libfdt_env.h"

#include <fdt.h>
#include <libfdt.h>

#include "fdt_reg.h"

/*
 * What libfdt's own files have from libfdt_internal.h, which is not installed:
 * checks that FDT_ASSUME_MASK leaves out, by the same bits
 */
#ifndef FDT_ASSUME_MASK
#define FDT_ASSUME_MASK		0
#endif
#define FDT_REG_VALID_DTB	(1 << 0)
#define FDT_REG_VALID_INPUT	(1 << 1)
#define can_assume(what)	((FDT_ASSUME_MASK & FDT_REG_##what) != 0)

/* Widths of the numbers in cells, and of a whole entry in bytes */
struct fdt_reg_format_ {
	int address_cells;
	int size_cells;
	int len;
};

static int fdt_reg_get_format_(const void *fdt, int parent,
			       struct fdt_reg_format_ *format)
{
	int ret;

	/*
	 * fdt_getprop() takes a tree with a bad header for one without
	 * properties, which would give us the default cells
	 */
	fdt_get_name(fdt, parent, &ret);
	if (ret < 0)
		return ret;

	ret = fdt_address_cells(fdt, parent);
	if (ret < 0)
		return ret;
	format->address_cells = ret;

	ret = fdt_size_cells(fdt, parent);
	if (ret < 0)
		return ret;
	format->size_cells = ret;

	format->len = (format->address_cells + format->size_cells) *
		      (int)sizeof(fdt32_t);
	return 0;
}

/* Length of n entries behind oldlen bytes */
static int fdt_reg_array_len_(const struct fdt_reg_format_ *format,
			      int oldlen, int n)
{
	if (!can_assume(VALID_INPUT) &&
	    (n < 0 || n > (INT_MAX - oldlen) / format->len))
		return -FDT_ERR_BADVALUE;

	return oldlen + n * format->len;
}

/* Largest number that can be stored; no number has more than 64 bits */
static uint64_t fdt_reg_max_(int cells)
{
	if (cells == 0)
		return 0;

	return (cells == 1) ? UINT32_MAX : UINT64_MAX;
}

static int fdt_reg_check_(const struct fdt_reg_format_ *format,
			  const struct fdt_reg *regs, int n)
{
	uint64_t max_address = fdt_reg_max_(format->address_cells);
	uint64_t max_size = fdt_reg_max_(format->size_cells);
	int i;

	if (can_assume(VALID_INPUT))
		return 0;

	for (i = 0; i < n; i++) {
		uint64_t address = regs[i].address, size = regs[i].size;

		if (address > max_address || size > max_size)
			return -FDT_ERR_BADVALUE;
		/* A range may end exactly where the addresses do */
		if (size && size - 1 > max_address - address)
			return -FDT_ERR_BADVALUE;
	}

	return 0;
}

/*
 * Property values are only 4-byte aligned: store bytes. Cells beyond 64 bits
 * become zero.
 */
static uint8_t *fdt_reg_store_(uint8_t *p, uint64_t value, int cells)
{
	int len = cells * (int)sizeof(fdt32_t);
	int i;

	for (i = len - 1; i >= 0; i--) {
		p[i] = value & 0xff;
		value >>= 8;
	}

	return p + len;
}

/* The value of a property that holds whole entries, as fdt_getprop() */
static const uint8_t *fdt_reg_getprop_(const void *fdt, int nodeoffset,
				       const char *name,
				       const struct fdt_reg_format_ *format,
				       int *lenp)
{
	const uint8_t *p = fdt_getprop(fdt, nodeoffset, name, lenp);

	if (!can_assume(VALID_DTB) && p && *lenp % format->len) {
		*lenp = -FDT_ERR_BADVALUE;
		return NULL;
	}

	return p;
}

/* Let the property have n entries behind its first oldlen bytes */
static int fdt_reg_write_(void *fdt, int nodeoffset, const char *name,
			  const struct fdt_reg_format_ *format, int oldlen,
			  const struct fdt_reg *regs, int n)
{
	void *data;
	uint8_t *p;
	int len, err, i;

	len = fdt_reg_array_len_(format, oldlen, n);
	if (len < 0)
		return len;

	err = fdt_reg_check_(format, regs, n);
	if (err)
		return err;

	/* Keeps the old bytes; nothing can fail from here on */
	err = fdt_setprop_placeholder(fdt, nodeoffset, name, len, &data);
	if (err)
		return err;

	p = (uint8_t *)data + oldlen;
	for (i = 0; i < n; i++) {
		p = fdt_reg_store_(p, regs[i].address, format->address_cells);
		p = fdt_reg_store_(p, regs[i].size, format->size_cells);
	}

	return 0;
}

int fdt_setprop_reg_array(void *fdt, int parent, int nodeoffset,
			  const char *name, const struct fdt_reg *regs, int n)
{
	struct fdt_reg_format_ format;
	int err;

	err = fdt_reg_get_format_(fdt, parent, &format);
	if (err)
		return err;

	return fdt_reg_write_(fdt, nodeoffset, name, &format, 0, regs, n);
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
	struct fdt_reg_format_ format;
	int err, oldlen;

	err = fdt_reg_get_format_(fdt, parent, &format);
	if (err)
		return err;

	if (!fdt_reg_getprop_(fdt, nodeoffset, name, &format, &oldlen)) {
		if (oldlen != -FDT_ERR_NOTFOUND)
			return oldlen;
		oldlen = 0;
	}

	return fdt_reg_write_(fdt, nodeoffset, name, &format, oldlen, regs, n);
}

int fdt_appendprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		       uint64_t address, uint64_t size)
{
	struct fdt_reg reg = { address, size };

	return fdt_appendprop_reg_array(fdt, parent, nodeoffset, name, &reg, 1);
}

static int fdt_reg_load_(const uint8_t *p, int cells, uint64_t *valuep)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < cells * (int)sizeof(fdt32_t); i++) {
		if (!can_assume(VALID_DTB) && value >> 56)
			return -FDT_ERR_BADVALUE;
		value = (value << 8) | p[i];
	}

	*valuep = value;
	return 0;
}

int fdt_getprop_reg_count(const void *fdt, int parent, int nodeoffset,
			  const char *name)
{
	struct fdt_reg_format_ format;
	int err, len;

	err = fdt_reg_get_format_(fdt, parent, &format);
	if (err)
		return err;

	if (!fdt_reg_getprop_(fdt, nodeoffset, name, &format, &len))
		return len;

	return len / format.len;
}

int fdt_getprop_reg(const void *fdt, int parent, int nodeoffset,
		    const char *name, int n, uint64_t *addressp,
		    uint64_t *sizep)
{
	struct fdt_reg_format_ format;
	uint64_t address, size;
	const uint8_t *p;
	int err, len;

	err = fdt_reg_get_format_(fdt, parent, &format);
	if (err)
		return err;

	p = fdt_reg_getprop_(fdt, nodeoffset, name, &format, &len);
	if (!p)
		return len;
	if (n < 0 || n >= len / format.len)
		return -FDT_ERR_NOTFOUND;

	p += n * format.len;
	err = fdt_reg_load_(p, format.address_cells, &address);
	if (err)
		return err;

	p += format.address_cells * (int)sizeof(fdt32_t);
	err = fdt_reg_load_(p, format.size_cells, &size);
	if (err)
		return err;

	*addressp = address;
	*sizep = size;
	return 0;
}

int fdt_reg_len(const void *fdt, int parent, int n)
{
	struct fdt_reg_format_ format;
	int err;

	err = fdt_reg_get_format_(fdt, parent, &format);
	if (err)
		return err;

	return fdt_reg_array_len_(&format, 0, n);
}

int fdt_prop_len(int total, const char *name, int len)
{
	uint64_t sum;

	if (total < 0)
		return total;
	if (len < 0)
		return len;

	sum = (uint64_t)len + FDT_TAGSIZE - 1;
	sum -= sum % FDT_TAGSIZE;
	sum += (uint64_t)total + sizeof(struct fdt_property);
	sum += (uint64_t)strlen(name) + 1;
	if (sum > INT_MAX)
		return -FDT_ERR_BADVALUE;

	return (int)sum;
}
