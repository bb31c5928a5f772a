// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Trees from the bytes of an input. Random bytes die in the header; a program
 * of small instructions gives sound trees whatever it is, each byte that
 * changes changes the tree a little, and lies are instructions of their own.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/edit.h"
#include "fuzz.h"

/* Bytes of one block, of all blocks and their gaps */
#define MAX_BLOCK 8192
#define MAX_BLOB (4 * MAX_BLOCK)
#define MAX_STEPS 512
#define N(array) (sizeof(array) / sizeof(*(array)))

static const char * const node_names[] = {
	"chosen", "memory", "memory@0", "soc", "soc@1", "aliases",
	"__symbols__", "__fixups__", "__local_fixups__", "fragment@0",
	"fragment@1", "__overlay__", "reserved-memory", "u", "u@1", "a", "b",
	"a@0", "cpus", "elfcorehdr", "linux,x", "chosen@0", "memor", "soc@10",
};

static const char * const prop_names[] = {
	"reg", "compatible", "#address-cells", "#size-cells", "phandle",
	"linux,phandle", "bootargs", "linux,initrd-start", "linux,initrd-end",
	"linux,elfcorehdr", "linux,usable-memory-range", "kaslr-seed",
	"rng-seed", "linux,booted-from-kexec", "linux,dmcryptkeys",
	"linux,kho-fdt", "linux,kho-scratch", "linux,ima-kexec-buffer",
	"target", "target-path", "ranges", "dma-ranges", "status", "soc", "a",
	"b", "u", "eg", "l", "new", "device_type", "handle",
};

static const char * const strings[] = {
	"/", "/soc", "/soc@1", "/chosen", "/a", "/a/b", "/u", "/memory@0",
	"/fragment@0/__overlay__:reg:0", "/fragment@0:target:0",
	"/fragment@0/__overlay__/a:reg:4", "/:reg:0", "/soc:reg:8", "soc", "a",
	"soc/u", "/fragment@0", "/fragment@1/__overlay__", "elfcorehdr=1@2",
	"mem=3K maxcpus=1 nokaslr", "crashkernel=4M root=/dev/x -- init", "",
	"okay", "/aliases", "/fragment@0:target:4294967295", "//", "/a/",
};

const char *node_name(uint8_t i)
{
	return node_names[i % N(node_names)];
}

const char *prop_name(uint8_t i)
{
	return prop_names[i % N(prop_names)];
}

const char *string(uint8_t i)
{
	return strings[i % N(strings)];
}

uint8_t in_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

uint32_t in_word(struct input *in)
{
	uint32_t word = 0;
	int i;

	for (i = 0; i < 4; i++)
		word = word << 8 | in_byte(in);
	return word;
}

uint64_t in_number(struct input *in)
{
	uint8_t how = in_byte(in);
	uint64_t n = in_byte(in);

	switch (how % 8) {
	case 0:
		return n;
	case 1:
		return n << 12;
	case 2:
		return UINT64_MAX - n;
	case 3:
		return (UINT64_C(1) << 32) - n;
	case 4:
		return (UINT64_C(1) << 32) + n;
	case 5:
		return UINT64_C(1) << n % 64;
	case 6:
		return in_word(in);
	default:
		n = (uint64_t)in_word(in) << 32;
		return n | in_word(in);
	}
}

const uint8_t *in_bytes(struct input *in, size_t max, size_t *lenp)
{
	const uint8_t *p = in->p;

	*lenp = max < in->left ? max : in->left;
	in->p += *lenp;
	in->left -= *lenp;
	return p;
}

void *fresh(size_t size)
{
	void *p = malloc(size + !size);

	if (!p)
		broken("out of memory");
	memset(p, 0xa5, size + !size);
	return p;
}

void *copy_of(const void *data, size_t size)
{
	void *p = fresh(size);

	if (size)
		memcpy(p, data, size);
	return p;
}

void *opened(const void *fdt, size_t slack)
{
	/* The header of version 16 is smaller */
	size_t size = fdt_totalsize(fdt) + slack +
		      (fdt_version(fdt) < 17 ?
		       sizeof(struct fdt_header) - FDT_V16_SIZE : 0);
	void *buf = fresh(size);

	must(fdtx_open_into(fdt, buf, (int)size), "fdtx_open_into");
	return buf;
}

struct block {
	char data[MAX_BLOCK];
	size_t n;
};

/* What the program writes to, and what it says of the header at the end */
struct maker {
	struct block rsv, tree, names;
	unsigned int depth;
	char dirt;			/* next padding is made of this */
	uint8_t layout;
	uint8_t no_end;
	uint32_t version, last_comp_version;
	struct {
		uint8_t field;
		uint8_t is_more;	/* added to the truth; 0: instead of it */
		int8_t value;
	} lies[8];
	unsigned int n_lies;
};

static void put(struct block *b, const void *data, size_t len)
{
	if (len > MAX_BLOCK - b->n)
		return;
	if (len)
		memcpy(b->data + b->n, data, len);
	b->n += len;
}

static void put_word(struct block *b, uint32_t word)
{
	fdt32_t be = cpu_to_fdt32(word);

	put(b, &be, sizeof(be));
}

static void put_padding(struct maker *m)
{
	while (m->tree.n % FDT_TAGSIZE)
		put(&m->tree, &m->dirt, 1);
	m->dirt = 0;
}

static void begin_node(struct maker *m, const char *name, size_t len)
{
	put_word(&m->tree, FDT_BEGIN_NODE);
	put(&m->tree, name, len);
	put(&m->tree, "", 1);
	put_padding(m);
	m->depth++;
}

static void end_node(struct maker *m)
{
	put_word(&m->tree, FDT_END_NODE);
	m->depth -= !!m->depth;
}

/* Place of a name in the strings block, where it may be a tail */
static uint32_t name_place(struct maker *m, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i + len < m->names.n; i++)
		if (!memcmp(m->names.data + i, name, len) &&
		    !m->names.data[i + len])
			return (uint32_t)i;
	i = m->names.n;
	put(&m->names, name, len);
	put(&m->names, "", 1);
	return (uint32_t)i;
}

static void put_prop(struct maker *m, const char *name, size_t name_len,
		     const void *value, size_t len)
{
	put_word(&m->tree, FDT_PROP);
	put_word(&m->tree, (uint32_t)len);
	put_word(&m->tree, name_place(m, name, name_len));
	put(&m->tree, value, len);
	put_padding(m);
}

static void put_cells(struct maker *m, struct input *in)
{
	const char *name = prop_name(in_byte(in));
	size_t n = in_byte(in) % 9, i;
	fdt32_t cells[8];

	for (i = 0; i < n && i < N(cells); i++)
		cells[i] = cpu_to_fdt32(in_byte(in));
	put_prop(m, name, strlen(name), cells, 4 * i);
}

static void put_numbers(struct maker *m, struct input *in)
{
	const char *name = prop_name(in_byte(in));
	size_t n = in_byte(in) % 5, i;
	fdt64_t cells[4];

	for (i = 0; i < n; i++)
		cells[i] = cpu_to_fdt64(in_number(in));
	put_prop(m, name, strlen(name), cells, 8 * n);
}

static void put_strings(struct maker *m, struct input *in)
{
	const char *name = prop_name(in_byte(in)), *s;
	unsigned int n = 1 + in_byte(in) % 3;
	struct block *value = fresh(sizeof(*value));

	value->n = 0;
	while (n--) {
		s = string(in_byte(in));
		put(value, s, strlen(s) + 1);
	}
	put_prop(m, name, strlen(name), value->data, value->n);
	free(value);
}

/* One instruction; 0: the program ends */
static int step(struct maker *m, struct input *in)
{
	uint8_t code = in_byte(in), n;
	const char *name;
	const uint8_t *p;
	size_t len;

	switch (code % 18) {
	case 0:
		return 0;
	case 1:
	case 2:
		name = node_name(in_byte(in));
		begin_node(m, name, strlen(name));
		break;
	case 3:
		p = in_bytes(in, in_byte(in) % 40, &len);
		begin_node(m, (const char *)p, len);
		break;
	case 4:
	case 5:
		end_node(m);
		break;
	case 6:
		name = prop_name(in_byte(in));
		p = in_bytes(in, in_byte(in), &len);
		put_prop(m, name, strlen(name), p, len);
		break;
	case 7:
		put_cells(m, in);
		break;
	case 8:
		put_strings(m, in);
		break;
	case 9:
		for (n = in_byte(in) % 4; ; n--) {
			put_word(&m->tree, FDT_NOP);
			if (!n)
				break;
		}
		break;
	case 10:
		put_word(&m->tree, in_word(in));
		break;
	case 11:
		put_word(&m->rsv, 0);
		put_word(&m->rsv, in_byte(in));
		put_word(&m->rsv, in_byte(in));
		put_word(&m->rsv, in_byte(in));
		break;
	case 12:
		m->dirt = (char)in_byte(in);
		break;
	case 13:
		p = in_bytes(in, in_byte(in) % 40, &len);
		name = string(in_byte(in));
		put_prop(m, (const char *)p, len, name, strlen(name));
		break;
	case 14:
		for (n = in_byte(in); n; n--)
			if (code & 0x80)
				begin_node(m, "n", 1);
			else
				end_node(m);
		break;
	case 15:
		n = (uint8_t)(m->n_lies++ % N(m->lies));
		m->lies[n].is_more = !(code & 0x80);
		m->lies[n].field = in_byte(in);
		m->lies[n].value = (int8_t)in_byte(in);
		break;
	case 16:
		m->layout = in_byte(in);
		m->no_end = in_byte(in);
		m->version = in_byte(in) % 4 ? 17 : 16 + in_byte(in) % 4;
		break;
	default:
		put_numbers(m, in);
		break;
	}
	return 1;
}

/* Blocks in one of six orders, gaps of 0 to 3 words between them */
static char *lay_out(struct maker *m, size_t *sizep)
{
	static const unsigned char orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 },
	};
	struct block *blocks[3] = { &m->rsv, &m->tree, &m->names };
	char *buf = fresh(MAX_BLOB);
	struct fdt_header *h = (struct fdt_header *)buf;
	size_t pos = m->version == 16 ? FDT_V16_SIZE : FDT_V17_SIZE;
	uint32_t place[3];
	unsigned int i, k;
	fdt32_t *field;

	memset(buf, 0, FDT_V17_SIZE);
	for (i = 0; i < 3; i++) {
		k = orders[m->layout % 6][i];
		pos += 4u * (m->layout >> 6);
		if (!k)
			pos = (pos + 7) & ~(size_t)7;
		else
			pos = (pos + 3) & ~(size_t)3;
		place[k] = (uint32_t)pos;
		memcpy(buf + pos, blocks[k]->data, blocks[k]->n);
		pos += blocks[k]->n;
	}
	h->magic = cpu_to_fdt32(FDT_MAGIC);
	h->totalsize = cpu_to_fdt32((uint32_t)pos);
	h->off_dt_struct = cpu_to_fdt32(place[1]);
	h->off_dt_strings = cpu_to_fdt32(place[2]);
	h->off_mem_rsvmap = cpu_to_fdt32(place[0]);
	h->version = cpu_to_fdt32(m->version);
	h->last_comp_version = cpu_to_fdt32(m->last_comp_version);
	h->size_dt_strings = cpu_to_fdt32((uint32_t)m->names.n);
	if (m->version > 16)
		h->size_dt_struct = cpu_to_fdt32((uint32_t)m->tree.n);
	for (i = 0; i < m->n_lies && i < N(m->lies); i++) {
		/* The buffer may be longer or shorter than the blob says */
		k = m->lies[i].field % 11;
		if (k == 10) {
			pos += (size_t)(m->lies[i].value + 128) % 64;
			continue;
		}
		field = (fdt32_t *)buf + k;
		*field = cpu_to_fdt32((m->lies[i].is_more ?
				       fdt32_to_cpu(*field) : 0) +
				      (uint32_t)m->lies[i].value);
	}
	*sizep = pos;
	return buf;
}

static void *run_program(struct input *in, int root, size_t *sizep)
{
	struct maker *m = malloc(sizeof(*m));
	void *result;
	char *buf;
	int i;

	if (!m)
		broken("out of memory");
	m->rsv.n = m->tree.n = m->names.n = 0;
	m->depth = 0;
	m->dirt = 0;
	m->layout = m->no_end = 0;
	m->version = 17;
	m->last_comp_version = 16;
	m->n_lies = 0;
	if (root)
		begin_node(m, "", 0);
	for (i = 0; i < MAX_STEPS && step(m, in); i++)
		;
	while (m->depth && !(m->no_end & 1))
		end_node(m);
	if (!(m->no_end & 2))
		put_word(&m->tree, FDT_END);
	if (!(m->no_end & 4)) {
		put_word(&m->rsv, 0);
		put_word(&m->rsv, 0);
		put_word(&m->rsv, 0);
		put_word(&m->rsv, 0);
	}
	buf = lay_out(m, sizep);
	result = copy_of(buf, *sizep);
	free(buf);
	free(m);
	return result;
}

/* Magic, version, totalsize and the size of the structure block */
static void repair(char *p, size_t size)
{
	struct fdt_header *h = (struct fdt_header *)p;
	uint32_t start;

	if (size < FDT_V17_SIZE)
		return;
	h->magic = cpu_to_fdt32(FDT_MAGIC);
	h->totalsize = cpu_to_fdt32((uint32_t)size);
	if (fdt_version(p) != 16)
		h->version = cpu_to_fdt32(17);
	h->last_comp_version = cpu_to_fdt32(16);
	h->off_dt_struct &= cpu_to_fdt32(0xfffc);
	h->off_mem_rsvmap &= cpu_to_fdt32(0xfff8);
	start = fdt_off_dt_struct(p);
	if (start < size && fdt_size_dt_struct(p) > size - start)
		h->size_dt_struct = cpu_to_fdt32((uint32_t)size - start);
	start = fdt_off_dt_strings(p);
	if (start < size && fdt_size_dt_strings(p) > size - start)
		h->size_dt_strings = cpu_to_fdt32((uint32_t)size - start);
}

void *in_blob(struct input *in, size_t *sizep)
{
	uint8_t how = in_byte(in);
	const uint8_t *p;
	size_t max;
	void *blob;

	if (how & 1)
		return run_program(in, !(how & 2), sizep);
	max = in_byte(in);
	max = max << 8 | in_byte(in);
	p = in_bytes(in, max, sizep);
	blob = copy_of(p, *sizep);
	if (how & 2)
		repair(blob, *sizep);
	return blob;
}
