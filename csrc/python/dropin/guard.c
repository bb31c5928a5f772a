// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: memory that can change between any two calls
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "guard.h"

/* What fdt_create() puts into a tree that is not complete; not public */
#define FDTD_SW_MAGIC (~(uint32_t)FDT_MAGIC)

static int fdtd_has_magic(const struct fdtd_blob *b)
{
	return b->len >= 4 && (fdt_magic(b->p) == FDT_MAGIC ||
			       fdt_magic(b->p) == FDTD_SW_MAGIC);
}

/* What libfdt says about a header that it reads before it believes it */
static int fdtd_bad_header(const struct fdtd_blob *b)
{
	if (!fdtd_has_magic(b))
		return -FDT_ERR_BADMAGIC;
	if (b->len >= FDT_V1_SIZE && fdt_magic(b->p) == FDT_MAGIC &&
	    (fdt_version(b->p) < FDT_FIRST_SUPPORTED_VERSION ||
	     fdt_last_comp_version(b->p) > FDT_LAST_SUPPORTED_VERSION))
		return -FDT_ERR_BADVERSION;
	return -FDT_ERR_TRUNCATED;
}

int fdtd_read(const struct fdtd_blob *b)
{
	uint32_t totalsize;

	if (b->len < FDT_V17_SIZE)
		return fdtd_bad_header(b);
	if ((uintptr_t)b->p % 8)
		return -FDT_ERR_ALIGNMENT;
	totalsize = fdt_totalsize(b->p);
	if (totalsize < FDT_V17_SIZE || totalsize > b->len ||
	    totalsize > INT_MAX - 64)
		return fdtd_bad_header(b);
	if (fdt_off_dt_struct(b->p) % FDT_TAGSIZE)
		return fdtd_has_magic(b) ? -FDT_ERR_ALIGNMENT :
			-FDT_ERR_BADMAGIC;
	return 0;
}

int fdtd_judge(const struct fdtd_blob *b)
{
	return fdt_path_offset_namelen(b->p, "/", 1);
}

/* Whether libfdt lets functions through that move parts of the tree */
static int fdtd_is_writable(const char *p)
{
	if (fdt_version(p) < 17)
		return 0;
	if (fdt_magic(p) == FDTD_SW_MAGIC)
		return fdt_size_dt_struct(p) != 0;
	return fdt_magic(p) == FDT_MAGIC &&
	       fdt_last_comp_version(p) <= FDT_LAST_SUPPORTED_VERSION;
}

int fdtd_write(const struct fdtd_blob *b)
{
	const char *p = b->p;
	uint64_t end;
	int err = fdtd_read(b);

	if (err || !fdtd_is_writable(p))
		return err;
	/* libfdt's own comparisons can wrap around */
	end = (uint64_t)fdt_off_mem_rsvmap(p) +
	      sizeof(struct fdt_reserve_entry);
	if (end > fdt_off_dt_struct(p))
		return -FDT_ERR_BADLAYOUT;
	end = (uint64_t)fdt_off_dt_struct(p) + fdt_size_dt_struct(p);
	if (end > fdt_off_dt_strings(p))
		return -FDT_ERR_BADLAYOUT;
	end = (uint64_t)fdt_off_dt_strings(p) + fdt_size_dt_strings(p);
	if (end > fdt_totalsize(p))
		return -FDT_ERR_BADLAYOUT;
	if (fdt_off_mem_rsvmap(p) % 8)
		return -FDT_ERR_ALIGNMENT;
	return 0;
}

int fdtd_sw(const struct fdtd_blob *b)
{
	const char *p = b->p;
	uint64_t used;

	if (b->len >= 4 && fdt_magic(p) == FDT_MAGIC)
		return -FDT_ERR_BADSTATE;
	if (!fdtd_has_magic(b))
		return -FDT_ERR_BADMAGIC;
	if (b->len < FDT_V17_SIZE || fdt_totalsize(p) > b->len ||
	    fdt_totalsize(p) > INT_MAX - 64)
		return -FDT_ERR_TRUNCATED;
	used = (uint64_t)fdt_off_dt_struct(p) + fdt_size_dt_struct(p) +
	       fdt_size_dt_strings(p);
	if (fdt_off_dt_struct(p) < FDT_V17_SIZE || used > fdt_totalsize(p))
		return -FDT_ERR_INTERNAL;
	/* The reservations grow into the structure block */
	if ((uintptr_t)p % 8 || fdt_off_dt_struct(p) % 8 ||
	    fdt_size_dt_struct(p) % FDT_TAGSIZE)
		return -FDT_ERR_ALIGNMENT;
	return 0;
}

/* fdt_check_header() reads size_dt_strings, which version 2 has not */
static int fdtd_is_header(const struct fdtd_blob *b)
{
	return b->len >= FDT_V3_SIZE && b->len >= fdt_header_size(b->p);
}

int fdtd_check_header(const struct fdtd_blob *b)
{
	if (!fdtd_is_header(b))
		return fdtd_bad_header(b);
	return fdt_check_header(b->p);
}

int fdtd_check_full(const struct fdtd_blob *b, size_t bufsize)
{
	int err;

	if (bufsize > b->len)
		bufsize = b->len;
	if (!fdtd_is_header(b) || bufsize < fdt_header_size(b->p))
		return -FDT_ERR_TRUNCATED;
	err = fdt_check_header(b->p);
	if (err)
		return err;
	if (bufsize < fdt_totalsize(b->p))
		return -FDT_ERR_TRUNCATED;
	if (b->len < FDT_V17_SIZE)
		return -FDT_ERR_TRUNCATED;
	if (fdt_off_dt_struct(b->p) % FDT_TAGSIZE ||
	    fdt_off_mem_rsvmap(b->p) % 8)
		return -FDT_ERR_ALIGNMENT;
	return fdt_check_full(b->p, bufsize);
}

/* Property of the node at @path, which has no alias in it */
static const char *fdtd_getprop_at(const struct fdtd_blob *b,
				   const char *path, const char *name,
				   int namelen, int *lenp)
{
	int node = fdt_path_offset_namelen(b->p, path, (int)strlen(path));

	return node < 0 ? NULL :
		fdt_getprop_namelen(b->p, node, name, namelen, lenp);
}

const char *fdtd_get_alias(const struct fdtd_blob *b, const char *name,
			   int namelen)
{
	int len;
	const char *val = fdtd_getprop_at(b, "/aliases", name, namelen, &len);

	if (!val || len <= 0 || val[len - 1] || *val != '/')
		return NULL;
	return val;
}

const char *fdtd_get_symbol(const struct fdtd_blob *b, const char *name,
			    int namelen)
{
	int len;
	const char *val = fdtd_getprop_at(b, "/__symbols__", name, namelen,
					  &len);

	if (!val || len <= 0 || !memchr(val, '\0', (size_t)len))
		return NULL;
	return val;
}

int fdtd_path_offset(const struct fdtd_blob *b, const char *path, int len)
{
	const char *end = path + len, *rest, *alias;
	int offset;

	if (len > 0 && *path == '/')
		return fdt_path_offset_namelen(b->p, path, len);
	offset = fdtd_judge(b);
	if (offset < 0)
		return offset;
	if (len <= 0)
		return -FDT_ERR_BADPATH;

	rest = memchr(path, '/', (size_t)len);
	if (!rest)
		rest = end;
	alias = fdtd_get_alias(b, path, (int)(rest - path));
	if (!alias)
		return -FDT_ERR_BADPATH;
	offset = fdt_path_offset_namelen(b->p, alias, (int)strlen(alias));
	while (offset >= 0) {
		const char *slash;

		while (rest < end && *rest == '/')
			rest++;
		if (rest == end)
			break;
		slash = memchr(rest, '/', (size_t)(end - rest));
		if (!slash)
			slash = end;
		offset = fdt_subnode_offset_namelen(b->p, offset, rest,
						    (int)(slash - rest));
		rest = slash;
	}
	return offset;
}

int fdtd_get_path(const struct fdtd_blob *b, int nodeoffset, char *buf,
		  int buflen)
{
	int offset, depth = 0, known = 0, used = 0;

	offset = fdtd_judge(b);
	if (offset < 0)
		return offset;
	if (buflen < 2)
		return -FDT_ERR_NOSPACE;

	/* buf holds the names of @known levels, each with a slash behind */
	for (offset = 0; offset >= 0 && offset <= nodeoffset;
	     offset = fdt_next_node(b->p, offset, &depth)) {
		const char *name;
		int namelen;

		/* Behind the end of the root: nothing there has a path */
		if (depth < 0)
			return -FDT_ERR_BADOFFSET;
		for (; known > depth; known--)
			while (buf[--used - 1] != '/')
				;
		if (known >= depth) {
			name = fdt_get_name(b->p, offset, &namelen);
			if (!name)
				return namelen;
			if (namelen < buflen - used) {
				memcpy(buf + used, name, (size_t)namelen);
				used += namelen;
				buf[used++] = '/';
				known++;
			}
		}
		if (offset == nodeoffset) {
			if (known <= depth)
				return -FDT_ERR_NOSPACE;
			buf[used > 1 ? used - 1 : used] = '\0';
			return 0;
		}
	}
	if (offset == -FDT_ERR_NOTFOUND || offset >= 0)
		return -FDT_ERR_BADOFFSET;
	return offset == -FDT_ERR_BADOFFSET ? -FDT_ERR_BADSTRUCTURE : offset;
}

int fdtd_num_mem_rsv(const struct fdtd_blob *b)
{
	uint64_t pos = fdt_off_mem_rsvmap(b->p);
	int n;

	for (n = 0; pos + 16 <= fdt_totalsize(b->p); n++, pos += 16)
		if (!fdt64_ld((const fdt64_t *)(b->p + pos + 8)))
			return n;
	return -FDT_ERR_TRUNCATED;
}

int fdtd_get_mem_rsv(const struct fdtd_blob *b, int n, uint64_t *address,
		     uint64_t *size)
{
	uint64_t pos = (uint64_t)fdt_off_mem_rsvmap(b->p);
	const char *re;
	int err = fdtd_judge(b);

	if (err < 0)
		return err;
	if (n < 0 || pos + 16 * ((uint64_t)n + 1) > fdt_totalsize(b->p))
		return -FDT_ERR_BADOFFSET;
	re = b->p + pos + 16 * (uint64_t)n;
	*address = fdt64_ld((const fdt64_t *)re);
	*size = fdt64_ld((const fdt64_t *)(re + 8));
	return 0;
}

int fdtd_del_mem_rsv(const struct fdtd_blob *b, int n)
{
	if (n < 0)
		return -FDT_ERR_NOTFOUND;
	return fdt_del_mem_rsv(b->p, n);
}

int fdtd_add_mem_rsv(const struct fdtd_blob *b, uint64_t address,
		     uint64_t size)
{
	int n = fdtd_is_writable(b->p) ? fdtd_num_mem_rsv(b) : 0;

	return n < 0 ? n : fdt_add_mem_rsv(b->p, address, size);
}

int fdtd_pack(const struct fdtd_blob *b)
{
	uint64_t end;
	int n;

	if (fdtd_is_writable(b->p)) {
		n = fdtd_num_mem_rsv(b);
		if (n < 0)
			return n;
		end = fdt_off_mem_rsvmap(b->p) +
		      ((uint64_t)n + 1) * sizeof(struct fdt_reserve_entry);
		if (end > fdt_off_dt_struct(b->p))
			return -FDT_ERR_BADLAYOUT;
	}
	return fdt_pack(b->p);
}

/* fdt_open_into() in place puts a second tree behind the first, wherever that
 * ends; here it begins at 8 bytes */
static int fdtd_open_copy(const struct fdtd_blob *b, char *buf, int bufsize)
{
	char *copy = malloc(fdt_totalsize(b->p));
	int err;

	if (!copy)
		return -FDT_ERR_INTERNAL;
	memcpy(copy, b->p, fdt_totalsize(b->p));
	err = fdt_open_into(copy, buf, bufsize);
	free(copy);
	return err;
}

int fdtd_open_into(const struct fdtd_blob *b, const struct fdtd_blob *to,
		   int bufsize)
{
	const char *p = b->p;
	uint64_t size, total = fdt_totalsize(p);
	int n;

	if ((uintptr_t)to->p % 8)
		return -FDT_ERR_ALIGNMENT;
	n = fdtd_judge(b);
	if (n < 0)
		return n;
	n = fdtd_num_mem_rsv(b);
	if (n < 0)
		return n;
	if (fdt_off_mem_rsvmap(p) % 8)
		return -FDT_ERR_ALIGNMENT;
	if (fdt_version(p) < 16)
		return -FDT_ERR_BADVERSION;

	size = fdt_version(p) >= 17 ? fdt_size_dt_struct(p) : 0;
	if (fdt_off_dt_struct(p) + size > total ||
	    (uint64_t)fdt_off_dt_strings(p) + fdt_size_dt_strings(p) > total)
		return -FDT_ERR_TRUNCATED;
	/* Blocks that overlap may need more than there is, even twice */
	size = FDT_V17_SIZE +
	       ((uint64_t)n + 1) * sizeof(struct fdt_reserve_entry) +
	       (fdt_version(p) >= 17 ? size : total) + fdt_size_dt_strings(p);
	if (size > INT_MAX)
		return -FDT_ERR_NOSPACE;
	return p == to->p && total % 8 ? fdtd_open_copy(b, to->p, bufsize) :
		fdt_open_into(p, to->p, bufsize);
}

int fdtd_nop_property(const struct fdtd_blob *b, int nodeoffset,
		      const char *name)
{
	const struct fdt_property *prop;
	uint64_t end;
	int len;

	prop = fdt_get_property(b->p, nodeoffset, name, &len);
	if (!prop)
		return len;
	end = (uint64_t)(prop->data - b->p) + (uint64_t)len;
	if (((end + 3) & ~(uint64_t)3) > fdt_totalsize(b->p))
		return -FDT_ERR_TRUNCATED;
	return fdt_nop_property(b->p, nodeoffset, name);
}

/* A length that cannot fit anyway, small enough not to overflow in libfdt */
static int fdtd_clamp(const struct fdtd_blob *b, int len)
{
	int limit = (int)fdt_totalsize(b->p);

	return len > limit ? limit : len;
}

int fdtd_setprop(const struct fdtd_blob *b, int nodeoffset, const char *name,
		 const void *val, int len)
{
	return fdt_setprop(b->p, nodeoffset, name, val, fdtd_clamp(b, len));
}

int fdtd_appendprop(const struct fdtd_blob *b, int nodeoffset,
		    const char *name, const void *val, int len)
{
	return fdt_appendprop(b->p, nodeoffset, name, val,
			      fdtd_clamp(b, len));
}

static int fdtd_sw_has_string(const char *p, const char *name)
{
	size_t size = fdt_size_dt_strings(p), len = strlen(name) + 1;
	const char *s = p + fdt_totalsize(p) - size;

	for (; size >= len; s++, size--)
		if (!memcmp(s, name, len))
			return 1;
	return 0;
}

int64_t fdtd_sw_shortage(const struct fdtd_blob *b, const char *name,
			 uint64_t need)
{
	const char *p = b->p;
	uint64_t room = fdt_totalsize(p) - fdt_off_dt_struct(p) -
			fdt_size_dt_struct(p) - fdt_size_dt_strings(p);
	int dedup = !(fdt_last_comp_version(p) & FDT_CREATE_FLAG_NO_NAME_DEDUP);

	if (name && !(dedup && fdtd_sw_has_string(p, name)))
		need += strlen(name) + 1;
	return need > room ? (int64_t)(need - room) : 0;
}

int fdtd_property_placeholder(const struct fdtd_blob *b, const char *name,
			      int len, void **valp)
{
	const char *p = b->p;

	/* Where libfdt's subtraction for a new name wraps around */
	if (fdt_off_dt_strings(p) == fdt_totalsize(p) &&
	    strlen(name) + 1 > fdt_totalsize(p) - fdt_size_dt_strings(p) &&
	    fdtd_sw_shortage(b, name, 0))
		return -FDT_ERR_NOSPACE;
	return fdt_property_placeholder(b->p, name, fdtd_clamp(b, len), valp);
}

int fdtd_property(const struct fdtd_blob *b, const char *name,
		  const void *val, int len)
{
	void *data;
	int err = fdtd_property_placeholder(b, name, len, &data);

	if (!err && len)
		memcpy(data, val, (size_t)len);
	return err;
}
