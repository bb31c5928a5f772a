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
 * How many bytes of the header libfdt reads, by its version, the last column for
 * a tree that is being written; and what must be there before it may. Whatever
 * else it reads is below totalsize, or the function has a twin. A function
 * belongs to the first row that it fits; tests hold the list against the module,
 * and sweep all of it.
 *
 *                            0, 1    2   3-16   17 on   written
 * none: nothing of a header     0    0      0       0         0
 *	fdt_create*, fdt_header_size_, fdt_strerror, fdt16_ld, fdt32_*,
 *	fdt64_*, fdt_stringlist_contains, fdt_prop_len
 * the field's end              40   40     40      40        40
 *	fdt_magic, fdt_totalsize, fdt_off_*, fdt_version,
 *	fdt_last_comp_version, fdt_boot_cpuid_phys, fdt_size_dt_*,
 *	fdt_set_magic, fdt_set_totalsize, fdt_set_off_*, fdt_set_version,
 *	fdt_set_last_comp_version, fdt_set_boot_cpuid_phys,
 *	fdt_set_size_dt_*; fdt_header_size reads 24
 * fdtd_check_header(): 36, 40  24   36     36      40         4
 *	fdt_check_header
 * fdtd_check_full(): 40        24   36     36      40        24
 *	fdt_check_full
 * fdtd_sw(): 40                 4    4      4       4        40
 *	fdt_resize, fdt_add_reservemap_entry, fdt_finish*, fdt_begin_node,
 *	fdt_end_node, fdt_property_*, _sw_grow
 * fdtd_read(): 40, totalsize   24   28     36      40        40
 *	fdt_open_into, fdt_move, fdt_nop_*, fdt_setprop_inplace*, fdt_next_*,
 *	fdt_first_*, fdt_node_*, fdt_parent_offset, fdt_subnode_offset*,
 *	fdt_supernode_atdepth_offset, fdt_path_offset*, fdt_get*, fdt_string*,
 *	fdt_find_max_phandle, fdt_generate_phandle, fdt_address_cells,
 *	fdt_size_cells, fdt_offset_ptr*, fdt_num_mem_rsv,
 *	fdt_overlay_target_offset, fdt_reg_len
 * fdtd_write(): as fdtd_read() 24   28     28      40        40
 *	fdt_pack, fdt_add_mem_rsv, fdt_add_subnode*, fdt_del*, fdt_set_name,
 *	fdt_setprop*, fdt_appendprop*, fdt_overlay_apply
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
 * The whole header is inside of totalsize, and that is there.
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
