/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_DROPIN_GUARD_H
#define FDTX_DROPIN_GUARD_H
/*
 * What must hold before a libfdt function may be called on memory that a user
 * owns and can change between any two calls.
 *
 * libfdt compares every offset with the header's totalsize and believes the
 * header. So each guard compares the header with the real length, in constant
 * time, and leaves everything else, and every other error, to libfdt. The few
 * functions that trust more than their header have a twin here.
 *
 * Results: 0 or more, or -FDT_ERR_*, as libfdt.
 */
#include <stddef.h>
#include <stdint.h>

/**
 * struct fdtd_blob - the bytes of one bytearray during one call
 * @p: first byte; one NUL byte can be read behind the last
 * @len: number of bytes
 * @owner: the caller's; not used here
 */
struct fdtd_blob {
	char *p;
	size_t len;
	void *owner;
};

/* Levels that fdt_overlay_apply() may recurse into */
#define FDTD_MAX_OVERLAY_DEPTH 1024

/**
 * fdtd_read - guard of functions that read, or write without moving anything
 *
 * returns: 0; -FDT_ERR_ALIGNMENT, BADMAGIC, BADVERSION, TRUNCATED
 */
int fdtd_read(const struct fdtd_blob *b);

/* What libfdt itself says about a header that fdtd_read() let through; 0 */
int fdtd_judge(const struct fdtd_blob *b);

/**
 * fdtd_write - guard of functions that move parts of a complete tree
 *
 * returns: as fdtd_read(); -FDT_ERR_BADLAYOUT
 */
int fdtd_write(const struct fdtd_blob *b);

/**
 * fdtd_sw - guard of functions that write sequentially
 *
 * returns: 0; -FDT_ERR_BADSTATE, BADMAGIC, TRUNCATED, INTERNAL, ALIGNMENT
 */
int fdtd_sw(const struct fdtd_blob *b);

/* fdt_check_header(), fdt_check_full(): of @b->len bytes, and @bufsize */
int fdtd_check_header(const struct fdtd_blob *b);
int fdtd_check_full(const struct fdtd_blob *b, size_t bufsize);

/* fdt_path_offset_namelen(), fdt_get_alias_namelen(): never recurse */
int fdtd_path_offset(const struct fdtd_blob *b, const char *path, int len);
const char *fdtd_get_alias(const struct fdtd_blob *b, const char *name,
			   int namelen);

/* fdt_get_symbol_namelen(): NULL if the value is no string */
const char *fdtd_get_symbol(const struct fdtd_blob *b, const char *name,
			    int namelen);

/**
 * fdtd_get_path - fdt_get_path() that never leaves @buf
 * @buf: at least @buflen bytes
 *
 * returns: as fdt_get_path()
 */
int fdtd_get_path(const struct fdtd_blob *b, int nodeoffset, char *buf,
		  int buflen);

/* fdt_num_mem_rsv(): wherever the reservations start */
int fdtd_num_mem_rsv(const struct fdtd_blob *b);

/* fdt_get_mem_rsv() and fdt_del_mem_rsv(): any @n */
int fdtd_get_mem_rsv(const struct fdtd_blob *b, int n, uint64_t *address,
		     uint64_t *size);
int fdtd_del_mem_rsv(const struct fdtd_blob *b, int n);

/* These trust fdt_num_mem_rsv() */
int fdtd_add_mem_rsv(const struct fdtd_blob *b, uint64_t address,
		     uint64_t size);
int fdtd_pack(const struct fdtd_blob *b);

/**
 * fdtd_open_into - fdt_open_into(); @to may be the same memory as @b
 * @bufsize: at most @to->len
 */
int fdtd_open_into(const struct fdtd_blob *b, const struct fdtd_blob *to,
		   int bufsize);

/* fdt_nop_property(): writes whole cells */
int fdtd_nop_property(const struct fdtd_blob *b, int nodeoffset,
		      const char *name);

/**
 * fdtd_setprop - fdt_setprop(), fdt_appendprop()
 * @len: 0 or more bytes at @val
 */
int fdtd_setprop(const struct fdtd_blob *b, int nodeoffset, const char *name,
		 const void *val, int len);
int fdtd_appendprop(const struct fdtd_blob *b, int nodeoffset,
		    const char *name, const void *val, int len);

/**
 * fdtd_sw_shortage - bytes that must be free for a sequential write
 * @name: name of a new property, NULL for none
 * @need: bytes of structure
 *
 * returns: how many bytes are missing, 0 if it fits
 */
int64_t fdtd_sw_shortage(const struct fdtd_blob *b, const char *name,
			 uint64_t need);

/* fdt_property(), fdt_property_placeholder(): any length of @name, @len of 0
 * or more */
int fdtd_property_placeholder(const struct fdtd_blob *b, const char *name,
			      int len, void **valp);
int fdtd_property(const struct fdtd_blob *b, const char *name,
		  const void *val, int len);

/* fdt_overlay_target_offset(), fdt_overlay_apply() */
int fdtd_overlay_target_offset(const struct fdtd_blob *b,
			       const struct fdtd_blob *fdto, int fragment);
int fdtd_overlay_apply(const struct fdtd_blob *b,
		       const struct fdtd_blob *fdto);

#endif /* FDTX_DROPIN_GUARD_H */
