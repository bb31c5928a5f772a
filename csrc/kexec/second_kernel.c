// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the tree for the kernel that boots next
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "kexec/chosen.h"
#include "edit/edit.h"
#include "kexec/second_kernel.h"

/* Properties whose meaning hangs on the parent's cells */
static const char *const cells_user[] = {
	"reg", "ranges", "dma-ranges", "linux,usable-memory",
	"assigned-addresses",
};

#define N_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* One call's state */
struct work {
	const void *in;
	int root;		/* offset in in: FDT_NOP may stand in front */
	char *out;
	const struct fdtx_second_kernel *job;
	struct fdtx_second_kernel_fault *fault;
	int chosen;		/* offset in out */
	struct fdtx_old old;
};

static const char *stale_name(enum fdtx_stale stale)
{
	return fdtx_stale_name[stale].s;
}

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

/* A root cells property: its value, -NOTFOUND, or -BADNCELLS if unsound */
static int root_cells(const struct work *w, const char *name, int min)
{
	struct fdtx_value value;

	value.p = fdt_getprop(w->in, w->root, name, &value.len);
	return fdtx_cells_value(&value, min);
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
			i = fdtx_stale_index(name);
			if (i >= 0 && !w->old.value[i].p) {
				w->old.value[i].p = p;
				w->old.value[i].len = len;
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

/* Linux ignores /reserved-memory if its cells are not the root's */
static int is_reserved_memory(const char *name)
{
	static const char reserved[] = "reserved-memory";
	const size_t len = sizeof(reserved) - 1;

	return !strncmp(name, reserved, len) &&
	       (!name[len] || name[len] == '@');
}

static int is_2(const char *p, int len)
{
	const struct fdtx_value value = { p, len };

	return fdtx_cells_value(&value, 0) == 2;
}

/*
 * Whether a property's meaning would change with root's cells: it is of a
 * kind that they govern, and no node between has both cells of its own; or it
 * is /reserved-memory's own cells, which must equal the root's.
 * fdtx_check() made sure that properties stand before subnodes, so what is
 * known of the current node is complete when a child begins.
 */
static int check_cells_unused(struct work *w)
{
	int offset = w->root, next, depth = 0, shield = 0, node = 0;
	int has_address_cells = 0, has_size_cells = 0, reserved = 0;
	uint32_t tag, seen = 0;

	do {
		const char *name, *p;
		int len, i, *has;

		tag = fdt_next_tag(w->in, offset, &next);
		switch (tag) {
		case FDT_BEGIN_NODE:
			if (!shield && depth > 1 &&
			    has_address_cells && has_size_cells)
				shield = depth;
			has_address_cells = has_size_cells = 0;
			seen = 0;
			node = offset;
			p = fdt_get_name(w->in, node, NULL);
			reserved = depth == 1 && p && is_reserved_memory(p);
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
			has = !strcmp(name, fdtx_address_cells_name) ?
			      &has_address_cells :
			      !strcmp(name, fdtx_size_cells_name) ?
			      &has_size_cells : NULL;
			if (has && !*has && reserved && !is_2(p, len)) {
				w->fault->node = node;
				return failed(w, FDTX_STEP_CELLS_2_2, name,
					      -FDT_ERR_BADNCELLS);
			}
			if (has)
				*has = 1;
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
	err = fdt_setprop_u32(w->out, 0, fdtx_size_cells_name, 2);
	if (err)
		return failed(w, FDTX_STEP_EDIT, fdtx_size_cells_name, err);
	err = fdt_setprop_u32(w->out, 0, fdtx_address_cells_name, 2);
	if (err)
		return failed(w, FDTX_STEP_EDIT, fdtx_address_cells_name, err);
	/* Root's properties stand before /chosen */
	w->chosen += (int)(fdt_size_dt_struct(w->out) - before);
	w->fault->address_cells = w->fault->size_cells = 2;
	return 0;
}

static int settle_cells(struct work *w)
{
	int address = w->fault->address_cells, size = w->fault->size_cells;

	if (address == -FDT_ERR_BADNCELLS)
		return failed(w, FDTX_STEP_CELLS, fdtx_address_cells_name,
			      address);
	if (size == -FDT_ERR_BADNCELLS)
		return failed(w, FDTX_STEP_CELLS, fdtx_size_cells_name, size);
	if (w->job->root_cells_2_2 && (address != 2 || size != 2))
		return write_cells_2_2(w);
	if (address < 0 || size < 0)
		return failed(w, FDTX_STEP_CELLS, address < 0 ?
			      fdtx_address_cells_name : fdtx_size_cells_name,
			      -FDT_ERR_BADNCELLS);
	return 0;
}

/* Remove stale reservations in one pass, append the new ones */
static int renew_mem_rsv(struct work *w)
{
	struct fdt_reg stale[FDTX_MAX_DROP];
	struct fdt_reserve_entry *re, *to;
	int i, err, n;

	re = (struct fdt_reserve_entry *)(w->out + fdt_off_mem_rsvmap(w->out));
	n = fdtx_stale_mem_rsv(w->job, &w->old, re, stale);
	for (to = re; re->size; re++) {
		for (i = 0; i < n; i++)
			if (stale[i].address == fdt64_to_cpu(re->address) &&
			    stale[i].size == fdt64_to_cpu(re->size))
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

static int set(struct work *w, enum fdtx_stale name, const void *val, int len)
{
	return failed(w, FDTX_STEP_EDIT, stale_name(name),
		      fdtx_setprop(w->out, w->chosen, stale_name(name), val,
				   len));
}

static int set_u64(struct work *w, enum fdtx_stale name, uint64_t value)
{
	fdt64_t be = cpu_to_fdt64(value);

	return set(w, name, &be, (int)sizeof(be));
}

static int set_regs(struct work *w, enum fdtx_stale name,
		    const struct fdt_reg *regs, int n)
{
	int i, err;

	err = fdt_setprop_reg_array(w->out, 0, w->chosen, stale_name(name),
				    regs, n);
	if (err != -FDT_ERR_BADVALUE)
		return failed(w, FDTX_STEP_EDIT, stale_name(name), err);
	/* Nothing was written: ask which entry it is */
	for (i = 0; i < n - 1; i++)
		if (fdt_setprop_reg(w->out, 0, w->chosen, stale_name(name),
				    regs[i].address, regs[i].size) == err)
			break;
	w->fault->index = i;
	return failed(w, FDTX_STEP_FIT, stale_name(name), err);
}

static int set_bootargs(struct work *w)
{
	uint64_t len = fdtx_bootargs(w->job, &w->old, NULL);
	void *data;
	int err;

	w->fault->bootargs_len = len ? (int)(len - 1) : 0;
	if (!len)
		return 0;
	/* As fdtx_setprop(): keeps libfdt's sums in range */
	if (len > fdt_totalsize(w->out) - fdt_off_dt_struct(w->out))
		return failed(w, FDTX_STEP_EDIT, stale_name(FDTX_BOOTARGS),
			      -FDT_ERR_NOSPACE);

	err = fdt_setprop_placeholder(w->out, w->chosen,
				      stale_name(FDTX_BOOTARGS), (int)len,
				      &data);
	if (err)
		return failed(w, FDTX_STEP_EDIT, stale_name(FDTX_BOOTARGS),
			      err);
	fdtx_bootargs(w->job, &w->old, data);
	return 0;
}

/* Each lands in front of the one before */
static int fill_chosen(struct work *w)
{
	const struct fdtx_second_kernel *job = w->job;
	int err = 0;

	if (job->initrd.size) {
		err = set_u64(w, FDTX_INITRD_START, job->initrd.address);
		if (!err)
			err = set_u64(w, FDTX_INITRD_END, job->initrd.address +
				      job->initrd.size);
	}
	if (!err && job->elfcorehdr.size)
		err = set_regs(w, FDTX_ELFCOREHDR, &job->elfcorehdr, 1);
	if (!err && job->elfcorehdr.size)
		err = set_regs(w, FDTX_USABLE, job->usable, job->usable_len);
	if (!err)
		err = set_bootargs(w);
	if (!err && job->has_kaslr_seed)
		err = set_u64(w, FDTX_KASLR_SEED, job->kaslr_seed);
	if (!err && job->rng_seed_len)
		err = set(w, FDTX_RNG_SEED, job->rng_seed, job->rng_seed_len);
	if (!err)
		err = set(w, FDTX_BOOTED, NULL, 0);
	return err;
}

/* fdt_prop_len() for a sum that may already have failed */
static void add_prop_len(int64_t *sum, const char *name, int64_t len)
{
	/* A negative length is no error of fdt_reg_len() here */
	int room = len < 0 || len > INT_MAX ? -FDT_ERR_BADVALUE :
		   fdt_prop_len(0, name, (int)len);

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
		add_prop_len(&sum, stale_name(FDTX_INITRD_START),
			     sizeof(fdt64_t));
		add_prop_len(&sum, stale_name(FDTX_INITRD_END),
			     sizeof(fdt64_t));
	}
	if (job->elfcorehdr.size) {
		sum += rsv_len;
		if (job->root_cells_2_2) {
			add_prop_len(&sum, fdtx_size_cells_name,
				     sizeof(fdt32_t));
			add_prop_len(&sum, fdtx_address_cells_name,
				     sizeof(fdt32_t));
		}
		add_prop_len(&sum, stale_name(FDTX_ELFCOREHDR), reg_len);
		add_prop_len(&sum, stale_name(FDTX_USABLE),
			     reg_len * job->usable_len);
		if (job->words)
			line_len += FDTX_CRASH_WORDS;
	}
	/* The old value's room is free again; what may come on top is a NUL
	 * that it had not, and spaces before and behind @cmdline */
	add_prop_len(&sum, stale_name(FDTX_BOOTARGS), line_len + 3);
	if (job->has_kaslr_seed)
		add_prop_len(&sum, stale_name(FDTX_KASLR_SEED),
			     sizeof(fdt64_t));
	if (job->rng_seed_len)
		add_prop_len(&sum, stale_name(FDTX_RNG_SEED),
			     job->rng_seed_len);
	add_prop_len(&sum, stale_name(FDTX_BOOTED), 0);
	return sum > FDTX_MAX_TOTALSIZE ? -FDT_ERR_BADVALUE : (int)sum;
}

int fdtx_second_kernel(const void *fdt, size_t size,
		       const struct fdtx_second_kernel *job, void *buf,
		       int bufsize, struct fdtx_second_kernel_fault *fault)
{
	struct work w = { .in = fdt, .out = buf, .job = job, .fault = fault };
	enum fdtx_stale wrong;
	int err;

	memset(fault, 0, sizeof(*fault));
	err = failed(&w, FDTX_STEP_CHECK, NULL,
		     fdtx_check(fdt, size, &fault->blob));
	if (err)
		return err;
	err = fdtx_check_job(job, &wrong);
	if (err)
		return failed(&w, FDTX_STEP_JOB, stale_name(wrong), err);

	err = open_out(&w, bufsize);
	if (err)
		return err;
	w.old.address_cells = root_cells(&w, fdtx_address_cells_name, 1);
	w.old.size_cells = root_cells(&w, fdtx_size_cells_name, 0);
	fault->address_cells = w.old.address_cells;
	fault->size_cells = w.old.size_cells;
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
