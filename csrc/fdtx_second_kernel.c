// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the tree for the kernel that boots next
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "fdtx_edit.h"
#include "fdtx_second_kernel.h"

static const char address_cells_name[] = "#address-cells";
static const char size_cells_name[] = "#size-cells";

/* What a kernel's loader wrote into /chosen for one boot only */
enum {
	ELFCOREHDR,
	USABLE,
	INITRD_START,
	INITRD_END,
	DMCRYPTKEYS,
	KHO_FDT,
	KHO_SCRATCH,
	IMA_BUFFER,
	BOOTARGS,
	KASLR_SEED,
	RNG_SEED,
	BOOTED,
	N_STALE
};

static const char *const stale_name[N_STALE] = {
	[ELFCOREHDR] = "linux,elfcorehdr",
	[USABLE] = "linux,usable-memory-range",
	[INITRD_START] = "linux,initrd-start",
	[INITRD_END] = "linux,initrd-end",
	[DMCRYPTKEYS] = "linux,dmcryptkeys",
	[KHO_FDT] = "linux,kho-fdt",
	[KHO_SCRATCH] = "linux,kho-scratch",
	[IMA_BUFFER] = "linux,ima-kexec-buffer",
	[BOOTARGS] = "bootargs",
	[KASLR_SEED] = "kaslr-seed",
	[RNG_SEED] = "rng-seed",
	[BOOTED] = "linux,booted-from-kexec",
};

/* Old values that are one (address, size) array with a reservation each */
static const int stale_reg[] = { ELFCOREHDR, IMA_BUFFER, DMCRYPTKEYS };

/* Properties whose meaning hangs on the parent's cells */
static const char *const cells_user[] = {
	"reg", "ranges", "dma-ranges", "linux,usable-memory",
	"assigned-addresses",
};

/* Room for crash_words(): 16 hexadecimal, 20 decimal digits, a NUL */
#define FDTX_CRASH_WORDS 64

#define N_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct value {
	const char *p;		/* in the input; NULL: property is absent */
	int len;
};

/* One call's state */
struct work {
	const void *in;
	int root;		/* offset in in: FDT_NOP may stand in front */
	char *out;
	const struct fdtx_second_kernel *job;
	struct fdtx_second_kernel_fault *fault;
	int chosen;		/* offset in out */
	struct value old[N_STALE];
};

static int index_of(const char *const *names, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static int failed(struct work *w, enum fdtx_step step, const char *prop,
		  int err)
{
	if (err) {
		w->fault->step = step;
		w->fault->prop = prop;
	}
	return err;
}

/* Big-endian number of len bytes; 0 if it needs more than 64 bits */
static int load(const char *p, int len, uint64_t *value)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < len; i++) {
		if (v >> 56)
			return 0;
		v = (v << 8) | (uint8_t)p[i];
	}
	*value = v;
	return 1;
}

/* A root cells property: its value, -NOTFOUND, or -BADNCELLS if unsound */
static int root_cells(const struct work *w, const char *name, uint64_t min)
{
	uint64_t cells;
	const char *p;
	int len;

	p = fdt_getprop(w->in, w->root, name, &len);
	if (!p)
		return len;
	if (len != (int)sizeof(fdt32_t) || !load(p, len, &cells) ||
	    cells < min || cells > FDT_MAX_NCELLS)
		return -FDT_ERR_BADNCELLS;
	return (int)cells;
}

/* Take len bytes out of the structure block */
static void cut_struct(char *fdt, int offset, int len)
{
	uint32_t strings = fdt_off_dt_strings(fdt);
	char *p = fdt + fdt_off_dt_struct(fdt) + offset;
	char *end = fdt + strings + fdt_size_dt_strings(fdt);

	if (!len)
		return;
	memmove(p, p + len, (size_t)(end - (p + len)));
	fdt_set_size_dt_struct(fdt, fdt_size_dt_struct(fdt) - (uint32_t)len);
	fdt_set_off_dt_strings(fdt, strings - (uint32_t)len);
}

static int open_out(struct work *w, int bufsize)
{
	int next;

	/* Leaves out what stands in front of the root */
	while (fdt_next_tag(w->in, w->root, &next) == FDT_NOP)
		w->root = next;
	return failed(w, FDTX_STEP_EDIT, NULL,
		      fdtx_open_into(w->in, w->out, bufsize));
}

/*
 * Remove every stale property of /chosen in one pass, note the first value
 * of each. From root on, the structure blocks of in and out are still the
 * same.
 */
static int take_stale(struct work *w)
{
	char *base = w->out + fdt_off_dt_struct(w->out) - w->root;
	int from, to, next, len;
	uint32_t tag;

	fdt_next_tag(w->in, w->chosen, &from);
	to = from;
	for (;; from = next) {
		const char *p, *name;
		int i = -1;

		tag = fdt_next_tag(w->in, from, &next);
		if (tag == FDT_PROP) {
			p = fdt_getprop_by_offset(w->in, from, &name, &len);
			if (!p)
				return len;
			i = index_of(stale_name, N_STALE, name);
			if (i >= 0 && !w->old[i].p) {
				w->old[i].p = p;
				w->old[i].len = len;
			}
		} else if (tag != FDT_NOP) {
			break;
		}
		if (i < 0) {
			if (to != from)
				memmove(base + to, base + from,
					(size_t)(next - from));
			to += next - from;
		}
	}
	cut_struct(w->out, to - w->root, from - to);
	w->chosen -= w->root;
	return 0;
}

/*
 * fdt_subnode_offset(in, root, "chosen"), ten times as fast: it is half of
 * the whole job otherwise. fdtx_check() has looked at every length.
 */
static int chosen_offset(const struct work *w)
{
	const char *base = (const char *)w->in + fdt_off_dt_struct(w->in);
	static const char chosen[] = "chosen";
	const size_t len = sizeof(chosen) - 1;
	uint32_t pos = (uint32_t)w->root, depth = 0;

	for (;;) {
		const fdt32_t *cell = (const fdt32_t *)(base + pos);
		uint32_t start = pos;

		pos += FDT_TAGSIZE;
		switch (fdt32_to_cpu(*cell)) {
		case FDT_BEGIN_NODE:
			if (depth == 1 && !strncmp(base + pos, chosen, len) &&
			    (!base[pos + len] || base[pos + len] == '@'))
				return (int)start;
			pos += (uint32_t)strlen(base + pos) + 1;
			depth++;
			break;
		case FDT_PROP:
			pos += 2 * (uint32_t)sizeof(*cell) +
			       fdt32_to_cpu(cell[1]);
			break;
		case FDT_END_NODE:
			depth--;
			break;
		case FDT_END:
			return -FDT_ERR_NOTFOUND;
		}
		pos = (pos + FDT_TAGSIZE - 1) & ~(uint32_t)(FDT_TAGSIZE - 1);
	}
}

static int find_chosen(struct work *w)
{
	int err = 0;

	w->chosen = chosen_offset(w);
	if (w->chosen >= 0)
		err = take_stale(w);
	else if (w->chosen == -FDT_ERR_NOTFOUND)
		w->chosen = fdt_add_subnode(w->out, 0, "chosen");
	if (w->chosen < 0)
		err = w->chosen;
	return failed(w, FDTX_STEP_EDIT, NULL, err);
}

/*
 * Whether a property's meaning would change with root's cells: it is of a
 * kind that they govern, and no node between has both cells of its own.
 * fdtx_check() made sure that properties stand before subnodes, so what is
 * known of the current node is complete when a child begins.
 */
static int check_cells_unused(struct work *w)
{
	int offset = w->root, next, depth = 0, shield = 0, node = 0;
	int has_address_cells = 0, has_size_cells = 0;
	uint32_t tag, seen = 0;

	do {
		const char *name, *p;
		int len, i;

		tag = fdt_next_tag(w->in, offset, &next);
		switch (tag) {
		case FDT_BEGIN_NODE:
			if (!shield && depth > 1 &&
			    has_address_cells && has_size_cells)
				shield = depth;
			has_address_cells = has_size_cells = 0;
			seen = 0;
			node = offset;
			depth++;
			break;
		case FDT_END_NODE:
			/* A sibling that follows starts anew */
			has_address_cells = has_size_cells = 0;
			depth--;
			if (depth < shield)
				shield = 0;
			break;
		case FDT_PROP:
			p = fdt_getprop_by_offset(w->in, offset, &name, &len);
			if (!p)
				return failed(w, FDTX_STEP_EDIT, NULL, len);
			if (!strcmp(name, address_cells_name))
				has_address_cells = 1;
			if (!strcmp(name, size_cells_name))
				has_size_cells = 1;
			i = index_of(cells_user, N_OF(cells_user), name);
			/* Of equal names only the first is ever read */
			if (i < 0 || seen & (1u << i))
				break;
			seen |= 1u << i;
			if (depth > 1 && !shield && len) {
				w->fault->node = node;
				return failed(w, FDTX_STEP_CELLS_2_2, name,
					      -FDT_ERR_BADNCELLS);
			}
			break;
		}
		offset = next;
	} while (tag != FDT_END);
	return 0;
}

static int write_cells_2_2(struct work *w)
{
	uint32_t before = fdt_size_dt_struct(w->out);
	int err;

	err = check_cells_unused(w);
	if (err)
		return err;
	err = fdt_setprop_u32(w->out, 0, size_cells_name, 2);
	if (err)
		return failed(w, FDTX_STEP_EDIT, size_cells_name, err);
	err = fdt_setprop_u32(w->out, 0, address_cells_name, 2);
	if (err)
		return failed(w, FDTX_STEP_EDIT, address_cells_name, err);
	/* Root's properties stand before /chosen */
	w->chosen += (int)(fdt_size_dt_struct(w->out) - before);
	w->fault->address_cells = w->fault->size_cells = 2;
	return 0;
}

static int settle_cells(struct work *w)
{
	int address = w->fault->address_cells, size = w->fault->size_cells;

	if (address == -FDT_ERR_BADNCELLS)
		return failed(w, FDTX_STEP_CELLS, address_cells_name, address);
	if (size == -FDT_ERR_BADNCELLS)
		return failed(w, FDTX_STEP_CELLS, size_cells_name, size);
	if (w->job->root_cells_2_2 && (address != 2 || size != 2))
		return write_cells_2_2(w);
	if (address < 0 || size < 0)
		return failed(w, FDTX_STEP_CELLS, address < 0 ?
			      address_cells_name : size_cells_name,
			      -FDT_ERR_BADNCELLS);
	return 0;
}

/* Decode the old (address, size) array v; returns the number of ranges */
static int stale_ranges(const struct work *w, const struct value *v,
			struct fdt_reg *to)
{
	int address = w->fault->address_cells, size = w->fault->size_cells;
	int cell = (int)sizeof(fdt32_t), entry, i, n = 0;

	if (!v->p || address == -FDT_ERR_BADNCELLS ||
	    size == -FDT_ERR_BADNCELLS)
		return 0;
	if (address < 0 || size < 0) {
		/* Linux reads and old writers wrote 1/1, libfdt writes 2/1,
		 * and 2/2 is what everyone else has */
		if (v->len != 2 * cell && v->len != 3 * cell &&
		    v->len != 4 * cell)
			return 0;
		address = v->len == 2 * cell ? 1 : 2;
		size = v->len / cell - address;
	}
	entry = (address + size) * cell;
	if (v->len % entry)
		return 0;
	for (i = 0; i < v->len / entry && i < FDTX_MAX_STALE; i++) {
		const char *p = v->p + i * entry;

		if (load(p, address * cell, &to[n].address) &&
		    load(p + address * cell, size * cell, &to[n].size))
			n++;
	}
	return n;
}

static int get_mem_rsv(const struct fdt_reserve_entry *re, struct fdt_reg *reg)
{
	reg->address = fdt64_to_cpu(re->address);
	reg->size = fdt64_to_cpu(re->size);
	return reg->size != 0;
}

/*
 * The old initrd's reservation. Some loaders reserve exactly the initrd, some
 * whole pages of the kernel's size. Returns the number of ranges, 0 or 1.
 */
static int stale_initrd(const struct work *w,
			const struct fdt_reserve_entry *re, struct fdt_reg *to)
{
	static const uint64_t page[] = { 1, 4096, 16384, 65536 };
	const struct value *first = &w->old[INITRD_START];
	const struct value *last = &w->old[INITRD_END];
	uint64_t start, end, size[N_OF(page)];
	int i, best = N_OF(page);
	struct fdt_reg reg;

	if (!first->p || (first->len != 4 && first->len != 8) ||
	    !last->p || (last->len != 4 && last->len != 8))
		return 0;
	if (!load(first->p, first->len, &start) ||
	    !load(last->p, last->len, &end) || end < start)
		return 0;
	/* Sizes that round up past 2^64 become 0, which no entry has */
	for (i = 0; i < N_OF(page); i++)
		size[i] = (end - start + page[i] - 1) & ~(page[i] - 1);
	for (; get_mem_rsv(re, &reg); re++)
		for (i = 0; i < best && reg.address == start; i++)
			if (reg.size == size[i])
				best = i;
	if (best == N_OF(page))
		return 0;
	to->address = start;
	to->size = size[best];
	return 1;
}

/* Remove stale reservations in one pass, append the new ones */
static int renew_mem_rsv(struct work *w)
{
	struct fdt_reg stale[N_OF(stale_reg) * FDTX_MAX_STALE + 4], reg;
	struct fdt_reserve_entry *re, *to;
	int i, err, n = 0;

	re = (struct fdt_reserve_entry *)(w->out + fdt_off_mem_rsvmap(w->out));
	stale[n++] = w->job->old_dtb;
	stale[n++] = w->job->initrd;
	stale[n++] = w->job->elfcorehdr;
	n += stale_initrd(w, re, &stale[n]);
	for (i = 0; i < N_OF(stale_reg); i++)
		n += stale_ranges(w, &w->old[stale_reg[i]], &stale[n]);

	for (to = re; get_mem_rsv(re, &reg); re++) {
		for (i = 0; i < n; i++)
			if (stale[i].address == reg.address &&
			    stale[i].size == reg.size)
				break;
		if (i == n)
			*to++ = *re;
	}
	memset(to, 0, sizeof(*to));

	for (i = 1; i < 3; i++) {
		if (!stale[i].size)
			continue;
		err = fdt_add_mem_rsv(w->out, stale[i].address, stale[i].size);
		if (err)
			return failed(w, FDTX_STEP_EDIT, NULL, err);
	}
	return 0;
}

static int set(struct work *w, int name, const void *val, int len)
{
	return failed(w, FDTX_STEP_EDIT, stale_name[name],
		      fdtx_setprop(w->out, w->chosen, stale_name[name], val,
				   len));
}

static int set_u64(struct work *w, int name, uint64_t value)
{
	fdt64_t be = cpu_to_fdt64(value);

	return set(w, name, &be, (int)sizeof(be));
}

static int set_regs(struct work *w, int name, const struct fdt_reg *regs,
		    int n)
{
	int i, err;

	err = fdt_setprop_reg_array(w->out, 0, w->chosen, stale_name[name],
				    regs, n);
	if (err != -FDT_ERR_BADVALUE)
		return failed(w, FDTX_STEP_EDIT, stale_name[name], err);
	/* Nothing was written: ask which entry it is */
	for (i = 0; i < n - 1; i++)
		if (fdt_setprop_reg(w->out, 0, w->chosen, stale_name[name],
				    regs[i].address, regs[i].size) == err)
			break;
	w->fault->index = i;
	return failed(w, FDTX_STEP_FIT, stale_name[name], err);
}

/* "elfcorehdr=" comes from an older crash kernel's boot and would override
 * the property; 32-bit arm's "mem=" comes with it */
static int is_stale_word(const struct work *w, const char *word, size_t len)
{
	return (len >= 11 && !memcmp(word, "elfcorehdr=", 11)) ||
	       (w->job->arch == FDTX_ARM && len >= 4 &&
		!memcmp(word, "mem=", 4));
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int emit(char *to, int len, const char *from, int n)
{
	if (to && n)
		memcpy(to + len, from, (size_t)n);
	return len + n;
}

/*
 * The old command line without stale words; returns its length. Writes it if
 * to is not NULL. A cut takes the blanks behind the word with it; blanks left
 * at the end go only if something was cut.
 */
static int clean_cmdline(const struct work *w, char *to)
{
	const char *p = w->old[BOOTARGS].p, *nul, *end, *word, *blanks;
	int len = 0, cut = 0, nblanks;

	if (!p || !w->job->keep_cmdline)
		return 0;
	nul = memchr(p, '\0', (size_t)w->old[BOOTARGS].len);
	end = nul ? nul : p + w->old[BOOTARGS].len;

	for (;;) {
		/* Blanks that the next word kept has in front */
		for (blanks = p; p < end && is_blank(*p); p++)
			;
		nblanks = (int)(p - blanks);
		for (;;) {
			for (word = p; p < end && !is_blank(*p); p++)
				;
			if (!is_stale_word(w, word, (size_t)(p - word)))
				break;
			cut = 1;
			while (p < end && is_blank(*p))
				p++;
		}
		if (word == p)
			break;
		len = emit(to, len, blanks, nblanks);
		len = emit(to, len, word, (int)(p - word));
	}
	return cut ? len : emit(to, len, blanks, nblanks);
}

/* What the crash kernel must find on its command line */
static int crash_words(const struct work *w, char *to, size_t size)
{
	uint64_t start = w->job->elfcorehdr.address, memory;

	if (!w->job->elfcorehdr.size || w->job->arch == FDTX_ARM64)
		return 0;
	if (w->job->arch == FDTX_RISCV)
		return snprintf(to, size, "elfcorehdr=0x%" PRIx64, start);
	memory = (start - w->job->usable[0].address) / 1024;
	return snprintf(to, size, "elfcorehdr=0x%" PRIx64 " mem=%" PRIu64 "K",
			start, memory);
}

static int set_bootargs(struct work *w)
{
	char words[FDTX_CRASH_WORDS];
	int nwords = crash_words(w, words, sizeof(words));
	int front = w->job->arch == FDTX_RISCV ? nwords : 0;
	int nold = clean_cmdline(w, NULL), pos = 0, i, err;
	const struct value part[] = {
		{ words, front },
		{ NULL, nold },
		{ w->job->cmdline, w->job->cmdline_len },
		{ words, nwords - front },
	};
	uint64_t len = 0;
	void *data;
	char *to;

	/* Parts that are not empty, one space between, one NUL behind */
	for (i = 0; i < N_OF(part); i++)
		if (part[i].len)
			len += (uint64_t)part[i].len + 1;
	w->fault->bootargs_len = len ? (int)(len - 1) : 0;
	if (!len)
		return 0;
	/* As fdtx_setprop(): keeps libfdt's sums in range */
	if (len > fdt_totalsize(w->out) - fdt_off_dt_struct(w->out))
		return failed(w, FDTX_STEP_EDIT, stale_name[BOOTARGS],
			      -FDT_ERR_NOSPACE);

	err = fdt_setprop_placeholder(w->out, w->chosen, stale_name[BOOTARGS],
				      (int)len, &data);
	if (err)
		return failed(w, FDTX_STEP_EDIT, stale_name[BOOTARGS], err);
	to = data;
	for (i = 0; i < N_OF(part); i++) {
		if (!part[i].len)
			continue;
		if (part[i].p)
			memcpy(to + pos, part[i].p, (size_t)part[i].len);
		else
			clean_cmdline(w, to + pos);
		pos += part[i].len;
		to[pos++] = ' ';
	}
	to[pos - 1] = '\0';
	return 0;
}

/* Each lands in front of the one before */
static int fill_chosen(struct work *w)
{
	const struct fdtx_second_kernel *job = w->job;
	int err = 0;

	if (job->initrd.size) {
		err = set_u64(w, INITRD_START, job->initrd.address);
		if (!err)
			err = set_u64(w, INITRD_END, job->initrd.address +
				      job->initrd.size);
	}
	if (!err && job->elfcorehdr.size)
		err = set_regs(w, ELFCOREHDR, &job->elfcorehdr, 1);
	if (!err && job->elfcorehdr.size)
		err = set_regs(w, USABLE, job->usable, job->usable_len);
	if (!err)
		err = set_bootargs(w);
	if (!err && job->has_kaslr_seed)
		err = set_u64(w, KASLR_SEED, job->kaslr_seed);
	if (!err && job->rng_seed_len)
		err = set(w, RNG_SEED, job->rng_seed, job->rng_seed_len);
	if (!err)
		err = set(w, BOOTED, NULL, 0);
	return err;
}

static int check_job(struct work *w)
{
	const struct fdtx_second_kernel *job = w->job;
	const struct fdt_reg *hdr = &job->elfcorehdr;

	if (job->cmdline_len < 0)
		return failed(w, FDTX_STEP_JOB, stale_name[BOOTARGS],
			      -FDT_ERR_BADVALUE);
	if (job->rng_seed_len < 0)
		return failed(w, FDTX_STEP_JOB, stale_name[RNG_SEED],
			      -FDT_ERR_BADVALUE);
	if (job->initrd.size > UINT64_MAX - job->initrd.address)
		return failed(w, FDTX_STEP_JOB, stale_name[INITRD_END],
			      -FDT_ERR_BADVALUE);
	if (hdr->size && job->usable_len < 1)
		return failed(w, FDTX_STEP_JOB, stale_name[USABLE],
			      -FDT_ERR_BADVALUE);
	/* "mem=0K", or less, would leave the crash kernel without memory */
	if (hdr->size && job->arch == FDTX_ARM &&
	    (hdr->address < job->usable[0].address ||
	     hdr->address - job->usable[0].address < 1024))
		return failed(w, FDTX_STEP_JOB, stale_name[ELFCOREHDR],
			      -FDT_ERR_BADVALUE);
	return 0;
}

/* fdt_prop_len() for a sum that may already have failed */
static void add_prop_len(int64_t *sum, const char *name, int64_t len)
{
	int room = len > INT_MAX ? -FDT_ERR_BADVALUE :
		   fdt_prop_len(name, (int)len);

	if (*sum >= 0)
		*sum = room < 0 ? room : *sum + room;
}

int fdtx_second_kernel_size(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job)
{
	const int64_t rsv_len = (int)sizeof(struct fdt_reserve_entry);
	/* The widest cells, unless they are known: the input may be unsound */
	int64_t reg_len = (job->root_cells_2_2 ? 4 : 2 * FDT_MAX_NCELLS) *
			  (int64_t)sizeof(fdt32_t);
	int64_t sum, line_len = job->cmdline_len;

	if (size > FDT_V1_SIZE && fdt_totalsize(fdt) < size)
		size = fdt_totalsize(fdt);
	if (size > INT_MAX || job->cmdline_len < 0)
		return -FDT_ERR_BADVALUE;

	/* A header of version 16 is shorter; "chosen" with its NUL fills two
	 * words, between two tags */
	sum = (int64_t)(size + FDT_V17_SIZE - FDT_V16_SIZE + 4 * FDT_TAGSIZE);
	if (job->initrd.size) {
		sum += rsv_len;
		add_prop_len(&sum, stale_name[INITRD_START], sizeof(fdt64_t));
		add_prop_len(&sum, stale_name[INITRD_END], sizeof(fdt64_t));
	}
	if (job->elfcorehdr.size) {
		sum += rsv_len;
		if (job->root_cells_2_2) {
			add_prop_len(&sum, size_cells_name, sizeof(fdt32_t));
			add_prop_len(&sum, address_cells_name,
				     sizeof(fdt32_t));
		}
		add_prop_len(&sum, stale_name[ELFCOREHDR], reg_len);
		add_prop_len(&sum, stale_name[USABLE],
			     reg_len * job->usable_len);
		if (job->arch != FDTX_ARM64)
			line_len += FDTX_CRASH_WORDS;
	}
	/* The old value's room is free again; what may come on top is a NUL
	 * that it had not, and spaces before and behind @cmdline */
	add_prop_len(&sum, stale_name[BOOTARGS], line_len + 3);
	if (job->has_kaslr_seed)
		add_prop_len(&sum, stale_name[KASLR_SEED], sizeof(fdt64_t));
	if (job->rng_seed_len)
		add_prop_len(&sum, stale_name[RNG_SEED], job->rng_seed_len);
	add_prop_len(&sum, stale_name[BOOTED], 0);
	return sum > FDTX_MAX_TOTALSIZE ? -FDT_ERR_BADVALUE : (int)sum;
}

int fdtx_second_kernel(const void *fdt, size_t size,
		       const struct fdtx_second_kernel *job, void *buf,
		       int bufsize, struct fdtx_second_kernel_fault *fault)
{
	struct work w = { .in = fdt, .out = buf, .job = job, .fault = fault };
	int err;

	memset(fault, 0, sizeof(*fault));
	err = failed(&w, FDTX_STEP_CHECK, NULL,
		     fdtx_check(fdt, size, &fault->blob));
	if (err)
		return err;
	err = check_job(&w);
	if (err)
		return err;

	err = open_out(&w, bufsize);
	if (err)
		return err;
	fault->address_cells = root_cells(&w, address_cells_name, 1);
	fault->size_cells = root_cells(&w, size_cells_name, 0);
	err = find_chosen(&w);
	/* Reads the old cells, which the next step may change */
	if (!err)
		err = renew_mem_rsv(&w);
	if (!err && job->elfcorehdr.size)
		err = settle_cells(&w);
	if (!err)
		err = fill_chosen(&w);
	if (err)
		return err;
	err = fdtx_canonicalise(buf, 1);
	return err < 0 ? failed(&w, FDTX_STEP_EDIT, NULL, err) : err;
}
