// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The drop-in without Python: any bytes in a buffer of exactly their length,
 * a guard, and then the libfdt function that it guards, as the functions of
 * the drop-in call them, up to MAX_CALLS one after the other.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "fuzz.h"
#include "python/dropin/guard.h"

#define MAX_CALLS 16
/* No call goes on for longer: some are quadratic */
#define MAX_ROOM 4096

/* A bytearray: one NUL byte behind its end may be read */
static struct fdtd_blob bytearray(const void *data, size_t size)
{
	struct fdtd_blob b = { fresh(size + 1), size, NULL };

	if (size)
		memcpy(b.p, data, size);
	b.p[size] = '\0';
	return b;
}

/* Arguments of a call */
struct args {
	int offset, n;
	uint64_t address, size;
	char name[64];
	int name_len;		/* up to all of the name */
	char value[64];
	int len;		/* up to all of the value */
};

/* Most are places of tags: small and whole words */
static int in_offset(struct input *in)
{
	uint8_t how = in_byte(in);

	if (how < 0xe0)
		return 4 * (how % 64);
	return (int)(in_word(in) >> (how & 1 ? 0 : 20));
}

static void make_args(struct input *in, struct args *a)
{
	uint8_t how = in_byte(in);
	const uint8_t *p;
	size_t len;

	memset(a, 0, sizeof(*a));
	a->offset = in_offset(in);
	a->n = in_offset(in) / 4;
	if (how & 1) {
		strcpy(a->name, how & 2 ? prop_name(how >> 2) :
		       string(how >> 2));
	} else if (how & 2) {
		strcpy(a->name, node_name(how >> 2));
	} else {
		p = in_bytes(in, how >> 2, &len);
		memcpy(a->name, p, len);
	}
	a->name_len = (int)strlen(a->name);
	if (how & 0x40)
		a->name_len = a->name_len * (how >> 7) / 2;
	p = in_bytes(in, in_byte(in) % sizeof(a->value), &len);
	memcpy(a->value, p, len);
	a->len = (int)len;
	if (how & 0x80) {
		a->address = in_number(in);
		a->size = in_number(in);
	}
}

static void look_at(const void *p, int len)
{
	void *copy;

	if (!p || len < 0)
		return;
	copy = copy_of(p, (size_t)len);
	free(copy);
}

static void look_at_string(const char *s)
{
	if (s)
		look_at(s, (int)strlen(s) + 1);
}

static void read_1(const struct fdtd_blob *b, const struct args *a, int which)
{
	const struct fdt_property *prop;
	const char *name, *value;
	uint32_t phandle;
	int len = 0, depth = a->n;
	uint64_t x, y;

	switch (which) {
	case 0:
		fdt_first_subnode(b->p, a->offset);
		fdt_next_subnode(b->p, a->offset);
		break;
	case 1:
		fdt_first_property_offset(b->p, a->offset);
		fdt_next_property_offset(b->p, a->offset);
		break;
	case 2:
		fdt_node_depth(b->p, a->offset);
		fdt_parent_offset(b->p, a->offset);
		break;
	case 3:
		fdt_address_cells(b->p, a->offset);
		fdt_size_cells(b->p, a->offset);
		break;
	case 4:
		fdt_subnode_offset(b->p, a->offset, a->name);
		fdt_subnode_offset_namelen(b->p, a->offset, a->name,
					   a->name_len);
		break;
	case 5:
		fdt_node_check_compatible(b->p, a->offset, a->name);
		fdt_node_offset_by_compatible(b->p, a->offset, a->name);
		break;
	case 6:
		fdt_stringlist_count(b->p, a->offset, a->name);
		fdt_stringlist_search(b->p, a->offset, a->name, a->value);
		look_at_string(fdt_stringlist_get(b->p, a->offset, a->name,
						  a->n < 0 ? INT_MAX : a->n,
						  &len));
		break;
	case 7:
		fdt_next_node(b->p, a->offset, &depth);
		if (a->offset % FDT_TAGSIZE == 0)
			fdt_next_tag(b->p, a->offset, &len);
		break;
	case 8:
		look_at(fdt_offset_ptr(b->p, a->offset, (uint32_t)a->size),
			(int)(uint32_t)a->size);
		break;
	case 9:
		fdtd_path_offset(b, a->name, (int)strlen(a->name));
		fdtd_path_offset(b, a->name, a->name_len);
		break;
	case 10:
		look_at_string(fdt_get_name(b->p, a->offset, &len));
		break;
	case 11:
		len = a->n < 0 || (size_t)a->n > b->len ? (int)b->len : a->n;
		value = fresh((size_t)len + 1);
		if (!fdtd_get_path(b, a->offset, (char *)(uintptr_t)value, len))
			look_at_string(value);
		free((void *)(uintptr_t)value);
		break;
	case 12:
		fdt_supernode_atdepth_offset(b->p, a->offset, a->n, NULL);
		break;
	case 13:
		fdt_node_offset_by_phandle(b->p, (uint32_t)a->n);
		fdt_get_phandle(b->p, a->offset);
		fdt_find_max_phandle(b->p, &phandle);
		fdt_generate_phandle(b->p, &phandle);
		break;
	case 14:
		fdt_node_offset_by_prop_value(b->p, a->offset, a->name,
					      a->value, a->len);
		break;
	case 15:
		if (fdtd_num_mem_rsv(b) > a->n)
			fdtd_get_mem_rsv(b, a->n, &x, &y);
		fdtd_get_mem_rsv(b, a->offset, &x, &y);
		break;
	case 16:
		value = fdt_getprop(b->p, a->offset, a->name, &len);
		look_at(value, len);
		value = fdt_getprop_namelen(b->p, a->offset, a->name,
					    a->name_len, &len);
		look_at(value, len);
		break;
	case 17:
		value = fdt_getprop_by_offset(b->p, a->offset, &name, &len);
		look_at(value, len);
		if (value)
			look_at_string(name);
		prop = fdt_get_property_by_offset(b->p, a->offset, &len);
		if (prop) {
			look_at(prop->data, len);
			look_at(fdt_get_string(b->p,
					       (int)fdt32_ld(&prop->nameoff),
					       &len), 0);
		}
		break;
	case 18:
		look_at_string(fdt_get_string(b->p, a->offset, &len));
		break;
	default:
		look_at_string(fdtd_get_alias(b, a->name, a->name_len));
		look_at_string(fdtd_get_symbol(b, a->name, a->name_len));
		break;
	}
}

static void write_in_place(const struct fdtd_blob *b, const struct args *a,
			   int which)
{
	int proplen;

	switch (which) {
	case 0:
		fdt_nop_node(b->p, a->offset);
		break;
	case 1:
		fdtd_nop_property(b, a->offset, a->name);
		break;
	case 2:
		fdt_setprop_inplace(b->p, a->offset, a->name, a->value,
				    a->len);
		break;
	default:
		if (fdt_getprop_namelen(b->p, a->offset, a->name, a->name_len,
					&proplen) &&
		    (uint32_t)a->n + (uint64_t)a->len <= (uint64_t)proplen)
			fdt_setprop_inplace_namelen_partial(
				b->p, a->offset, a->name, a->name_len,
				(uint32_t)a->n, a->value, a->len);
		break;
	}
}

static void write_1(const struct fdtd_blob *b, const struct args *a, int which)
{
	void *data;
	int len;

	switch (which) {
	case 0:
		fdtd_pack(b);
		break;
	case 1:
		fdtd_add_mem_rsv(b, a->address, a->size);
		break;
	case 2:
		fdtd_del_mem_rsv(b, a->n);
		break;
	case 3:
		fdt_del_node(b->p, a->offset);
		break;
	case 4:
		fdt_set_name(b->p, a->offset, a->name);
		break;
	case 5:
		fdt_delprop(b->p, a->offset, a->name);
		break;
	case 6:
		fdt_add_subnode(b->p, a->offset, a->name);
		break;
	case 7:
		fdt_add_subnode_namelen(b->p, a->offset, a->name, a->name_len);
		break;
	case 8:
		fdtd_setprop(b, a->offset, a->name, a->value, a->len);
		break;
	case 9:
		fdtd_appendprop(b, a->offset, a->name, a->value, a->len);
		break;
	case 10:
		len = a->n & INT_MAX;
		if ((uint32_t)len > fdt_totalsize(b->p))
			len = (int)fdt_totalsize(b->p);
		if (!fdt_setprop_placeholder(b->p, a->offset, a->name, len,
					     &data))
			look_at(data, len);
		break;
	default:
		fdt_appendprop_addrrange(b->p, a->n, a->offset, a->name,
					 a->address, a->size);
		break;
	}
}

static void write_in_sequence(const struct fdtd_blob *b, const struct args *a,
			      int which)
{
	void *data;

	switch (which) {
	case 0:
		fdt_add_reservemap_entry(b->p, a->address, a->size);
		break;
	case 1:
		fdt_finish_reservemap(b->p);
		break;
	case 2:
		fdt_end_node(b->p);
		break;
	case 3:
		fdt_finish(b->p);
		break;
	case 4:
		fdt_begin_node(b->p, a->name);
		break;
	case 5:
		fdtd_property(b, a->name, a->value, a->len);
		break;
	case 6:
		if (!fdtd_property_placeholder(b, a->name, a->n & INT_MAX,
					       &data))
			look_at(data, a->n & INT_MAX);
		break;
	default:
		fdtd_sw_shortage(b, a->name, a->size & 0xffff);
		break;
	}
}

/* Into another buffer, which takes the first one's place; or into the same */
static void to_another(struct fdtd_blob *b, const struct args *a, int which)
{
	size_t size = (8 * (size_t)(unsigned int)a->n + (size_t)a->len / 8) %
		      MAX_ROOM;
	struct fdtd_blob to = { fresh(size + 1), size, NULL };
	int bufsize = a->len < 8 ? (int)size : (int)size / a->len;

	to.p[size] = '\0';
	if (which == 0)
		fdtd_open_into(b, b, size > b->len ? (int)b->len : (int)size);
	else if (which == 1)
		fdtd_open_into(b, &to, bufsize);
	else
		fdt_move(b->p, to.p, bufsize);
	if (which) {
		free(b->p);
		*b = to;
	} else {
		free(to.p);
	}
}

static void create(struct fdtd_blob *b, const struct args *a)
{
	if (a->len & 1)
		fdt_create_empty_tree(b->p, (int)b->len);
	else
		fdt_create_with_flags(b->p, (int)b->len, (uint32_t)a->n & 3);
}

static void overlay(struct fdtd_blob *b, struct input *in,
		    const struct args *a)
{
	size_t size;
	void *blob = in_blob(in, &size);
	struct fdtd_blob o = bytearray(blob, size);

	free(blob);
	if (!fdtd_read(b) && !fdtd_read(&o)) {
		fdtd_overlay_target_offset(b, &o, a->offset);
		if (a->len & 1)
			fdtd_overlay_apply(b, &o);
	}
	free(o.p);
}

static void check_headers(const struct fdtd_blob *b, const struct args *a)
{
	fdtd_check_header(b);
	fdtd_check_full(b, b->len);
	fdtd_check_full(b, (size_t)a->size);
	fdtd_check_full(b, (size_t)(uint32_t)a->n);
	if (b->len >= 24)
		fdt_header_size(b->p);
}

static void call(struct fdtd_blob *b, struct input *in)
{
	uint8_t what = in_byte(in), which = what >> 3;
	struct args a;

	make_args(in, &a);
	switch (what % 8) {
	case 0:
	case 1:
		if (!fdtd_read(b))
			read_1(b, &a, which % 20);
		break;
	case 2:
		if (!fdtd_read(b))
			write_in_place(b, &a, which % 4);
		break;
	case 3:
	case 4:
		if (!fdtd_write(b))
			write_1(b, &a, which % 12);
		break;
	case 5:
		if (!fdtd_sw(b))
			write_in_sequence(b, &a, which % 8);
		break;
	case 6:
		if (which % 4 == 3 || fdtd_read(b))
			check_headers(b, &a);
		else
			to_another(b, &a, which % 3);
		break;
	default:
		if (which % 4 == 3)
			create(b, &a);
		else
			overlay(b, in, &a);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	void *blob = in_blob(&in, &size);
	struct fdtd_blob b = bytearray(blob, size);
	int i;

	free(blob);
	for (i = 0; i < MAX_CALLS && in.left; i++)
		call(&b, &in);
	free(b.p);
	return 0;
}
