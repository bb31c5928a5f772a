// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the second kernel's tree, planned and written once
 */
#include <string.h>

#include <libfdt.h>

#include "kexec/second_kernel_plan.h"

static const char chosen[] = "chosen";

#define CHOSEN_LEN ((uint32_t)sizeof(chosen) - 1)

/* What is left of the edits beside a node and its properties */
#define FDTX_MAX_CUTS (FDTX_MAX_EDITS - 2 - FDTX_N_STALE)

/* One property of a sound blob, and the way to the next */
struct cursor {
	const char *fdt;
	const char *strings;
	uint32_t pos;		/* the tag looked at */
	uint32_t end;		/* behind it */
	const char *name;
	struct fdtx_value value;
};

static void first_tag(struct cursor *c, const struct fdtx_plan *edits,
		      uint32_t node)
{
	c->fdt = edits->in;
	c->strings = c->fdt + edits->facts.strings.start;
	c->end = (uint32_t)fdtx_tag_at(edits->in, (int)node).next;
}

/* 0 behind the last property; pos is then the tag that stands there */
static int next_prop(struct cursor *c)
{
	int pos = (int)c->end, found = fdtx_is_prop(c->fdt, &pos);

	c->pos = c->end = (uint32_t)pos;
	if (!found)
		return 0;
	c->value.len = (int)fdtx_prop_len(c->fdt, pos);
	c->name = c->strings + fdtx_prop_nameoff(c->fdt, pos);
	c->value.p = fdtx_prop_value(c->fdt, pos);
	c->end = (uint32_t)fdtx_tag_at(c->fdt, pos).next;
	return 1;
}

/* Root's cells; returns the place behind its properties */
static uint32_t read_root(struct fdtx_second_kernel_plan *plan)
{
	struct fdtx_value address = { NULL, 0 }, size = { NULL, 0 };
	struct cursor c;

	first_tag(&c, &plan->edits, plan->edits.facts.tree.start);
	while (next_prop(&c)) {
		if (c.name[0] != '#')
			continue;
		if (!address.p && !strcmp(c.name, fdtx_address_cells_name))
			address = c.value;
		else if (!size.p && !strcmp(c.name, fdtx_size_cells_name))
			size = c.value;
	}
	plan->old.address_cells = fdtx_cells_value(&address, 1);
	plan->old.size_cells = fdtx_cells_value(&size, 0);
	return c.pos;
}

static struct fdtx_edit *add_edit(struct fdtx_plan *edits,
				  enum fdtx_edit_kind kind, uint32_t at,
				  uint32_t len)
{
	struct fdtx_edit *edit = &edits->edit[edits->n_edits++];

	edit->kind = kind;
	edit->at = at;
	edit->len = len;
	edit->name = -1;
	edit->data = NULL;
	return edit;
}

/*
 * List the cuts that take all stale properties out, note the first value of
 * each; returns how many cuts, -1 for too many.
 */
static int take_stale(struct fdtx_second_kernel_plan *plan,
		      struct fdtx_edit *cuts)
{
	struct cursor c;
	int n = 0;

	first_tag(&c, &plan->edits, plan->edits.facts.child);
	while (next_prop(&c)) {
		int i = fdtx_stale_index(c.name);

		if (i < 0)
			continue;
		if (!plan->old.value[i].p)
			plan->old.value[i] = c.value;
		if (n && cuts[n - 1].at + cuts[n - 1].len == c.pos) {
			cuts[n - 1].len += c.end - c.pos;
			continue;
		}
		if (n == FDTX_MAX_CUTS)
			return -1;
		cuts[n].kind = FDTX_CUT;
		cuts[n].at = c.pos;
		cuts[n++].len = c.end - c.pos;
	}
	return n;
}

/* The largest number of so many cells */
static uint64_t cells_max(int cells)
{
	return cells == 0 ? 0 : cells == 1 ? UINT32_MAX : UINT64_MAX;
}

static int regs_fit(const struct fdtx_old *old, const struct fdt_reg *regs,
		    int n)
{
	uint64_t max_address = cells_max(old->address_cells);
	uint64_t max_size = cells_max(old->size_cells);
	int i;

	for (i = 0; i < n; i++)
		if (regs[i].address > max_address || regs[i].size > max_size ||
		    (regs[i].size &&
		     regs[i].size - 1 > max_address - regs[i].address))
			return 0;
	return 1;
}

static char *put_cells(char *to, uint64_t value, int cells)
{
	int i;

	for (i = cells * (int)sizeof(fdt32_t) - 1; i >= 0; i--) {
		to[i] = (char)(value & 0xff);
		value >>= 8;
	}
	return to + cells * (int)sizeof(fdt32_t);
}

static void put_regs(const struct fdtx_old *old, char *to,
		     const struct fdt_reg *regs, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		to = put_cells(to, regs[i].address, old->address_cells);
		to = put_cells(to, regs[i].size, old->size_cells);
	}
}

/* Whether root's cells, as they are, serve the job */
static int cells_serve(const struct fdtx_second_kernel_plan *plan)
{
	const struct fdtx_second_kernel *job = plan->job;
	const struct fdtx_old *old = &plan->old;

	if (!job->elfcorehdr.size)
		return 1;
	if (old->address_cells < 0 || old->size_cells < 0)
		return 0;
	if (job->root_cells_2_2 &&
	    (old->address_cells != 2 || old->size_cells != 2))
		return 0;
	return regs_fit(old, &job->elfcorehdr, 1) &&
	       regs_fit(old, job->usable, job->usable_len);
}

/* One more new property, behind the ones before it in the strings block */
static void add_new(struct fdtx_second_kernel_plan *plan, enum fdtx_stale what,
		    uint64_t len)
{
	struct fdtx_plan *edits = &plan->edits;
	int i = edits->n_names++;

	edits->name[i].s = fdtx_stale_name[what].s;
	edits->name[i].len = fdtx_stale_name[what].len;
	plan->stale[i] = what;
	plan->len[i] = len;
}

static void list_new(struct fdtx_second_kernel_plan *plan)
{
	const struct fdtx_second_kernel *job = plan->job;
	uint64_t len = fdtx_bootargs(job, &plan->old, NULL);

	plan->bootargs_len = len ? (int)(len - 1) : 0;
	if (job->initrd.size) {
		add_new(plan, FDTX_INITRD_START, sizeof(fdt64_t));
		add_new(plan, FDTX_INITRD_END, sizeof(fdt64_t));
	}
	if (job->elfcorehdr.size) {
		uint64_t entry = sizeof(fdt32_t) *
				 (uint64_t)(plan->old.address_cells +
					    plan->old.size_cells);

		add_new(plan, FDTX_ELFCOREHDR, entry);
		add_new(plan, FDTX_USABLE, entry * (uint64_t)job->usable_len);
	}
	if (len)
		add_new(plan, FDTX_BOOTARGS, len);
	if (job->has_kaslr_seed)
		add_new(plan, FDTX_KASLR_SEED, sizeof(fdt64_t));
	if (job->rng_seed_len)
		add_new(plan, FDTX_RNG_SEED, (uint64_t)job->rng_seed_len);
	add_new(plan, FDTX_BOOTED, 0);
}

/* Each stands in front of the ones before it; 0: one is too long */
static int add_props(struct fdtx_second_kernel_plan *plan, uint32_t at)
{
	struct fdtx_plan *edits = &plan->edits;
	int i;

	for (i = edits->n_names - 1; i >= 0; i--) {
		struct fdtx_edit *edit;

		if (plan->len[i] > FDTX_MAX_PLAN)
			return 0;
		edit = add_edit(edits, FDTX_ADD_PROP, at,
				(uint32_t)plan->len[i]);
		edit->name = i;
		if (plan->stale[i] == FDTX_RNG_SEED)
			edit->data = plan->job->rng_seed;
	}
	return 1;
}

/* 0: the engine cannot */
static int edit_chosen(struct fdtx_second_kernel_plan *plan, uint32_t behind)
{
	struct fdtx_plan *edits = &plan->edits;
	struct fdtx_edit cuts[FDTX_MAX_CUTS];
	int i, n = 0;

	if (edits->facts.child) {
		n = take_stale(plan, cuts);
		if (n < 0)
			return 0;
		behind = (uint32_t)fdtx_tag_at(edits->in,
					       (int)edits->facts.child).next;
	}
	if (!cells_serve(plan))
		return 0;
	list_new(plan);
	if (!edits->facts.child)
		add_edit(edits, FDTX_ADD_NODE, behind, CHOSEN_LEN)->data =
			chosen;
	if (!add_props(plan, behind))
		return 0;
	if (!edits->facts.child)
		add_edit(edits, FDTX_END_ADDED, behind, 0);
	for (i = 0; i < n; i++)
		edits->edit[edits->n_edits++] = cuts[i];
	return 1;
}

static void list_mem_rsv(struct fdtx_second_kernel_plan *plan)
{
	struct fdtx_plan *edits = &plan->edits;
	const struct fdt_reserve_entry *re;
	int i;

	re = (const struct fdt_reserve_entry *)(edits->in +
						edits->facts.rsv.start);
	edits->drop = plan->drop;
	edits->n_drop = fdtx_stale_mem_rsv(plan->job, &plan->old, re,
					   plan->drop);
	edits->add = plan->add;
	edits->n_add = 0;
	for (i = 1; i < 3; i++)
		if (plan->drop[i].size)
			plan->add[edits->n_add++] = plan->drop[i];
}

int fdtx_second_kernel_plan(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job,
			    struct fdtx_second_kernel_plan *plan)
{
	struct fdtx_fault fault;
	enum fdtx_stale wrong;
	uint32_t behind_root;

	if (fdtx_walk(fdt, size, &fault, &plan->edits.facts, chosen,
		      CHOSEN_LEN) || fdt_totalsize(fdt) > FDTX_MAX_PLAN ||
	    fdtx_check_job(job, &wrong))
		return 0;
	plan->job = job;
	plan->edits.in = fdt;
	plan->edits.edit = plan->edit;
	plan->edits.n_edits = 0;
	plan->edits.name = plan->name;
	plan->edits.n_names = 0;
	plan->edits.drop_all = plan->edits.keep_nops = 0;
	memset(&plan->old, 0, sizeof(plan->old));

	behind_root = read_root(plan);
	if (!edit_chosen(plan, behind_root))
		return 0;
	list_mem_rsv(plan);
	if (!fdtx_plan(&plan->edits) || plan->edits.size > FDTX_MAX_PLAN)
		return 0;
	plan->size = (int)plan->edits.size;
	return plan->size;
}

static void fill(const struct fdtx_second_kernel_plan *plan,
		 enum fdtx_stale what, char *to)
{
	const struct fdtx_second_kernel *job = plan->job;
	const struct fdt_reg *initrd = &job->initrd;

	switch (what) {
	case FDTX_INITRD_START:
		put_cells(to, initrd->address, 2);
		break;
	case FDTX_INITRD_END:
		put_cells(to, initrd->address + initrd->size, 2);
		break;
	case FDTX_ELFCOREHDR:
		put_regs(&plan->old, to, &job->elfcorehdr, 1);
		break;
	case FDTX_USABLE:
		put_regs(&plan->old, to, job->usable, job->usable_len);
		break;
	case FDTX_BOOTARGS:
		fdtx_bootargs(job, &plan->old, to);
		break;
	case FDTX_KASLR_SEED:
		put_cells(to, job->kaslr_seed, 2);
		break;
	default:
		break;
	}
}

void fdtx_second_kernel_emit(struct fdtx_second_kernel_plan *plan, void *buf)
{
	struct fdtx_plan *edits = &plan->edits;
	size_t i;

	fdtx_emit(edits, buf);
	for (i = 0; i < edits->n_edits; i++) {
		const struct fdtx_edit *edit = &edits->edit[i];

		if (edit->kind == FDTX_ADD_PROP)
			fill(plan, plan->stale[edit->name], edit->value);
	}
}
