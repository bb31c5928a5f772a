// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - an edited tree written once
 */
#include <string.h>

#include <libfdt.h>

#include "edit/engine.h"

static char *fdtx_put(char *to, uint32_t value)
{
	fdt32_t be = cpu_to_fdt32(value);

	memcpy(to, &be, sizeof(be));
	return to + sizeof(be);
}

static char *fdtx_copy(char *to, const void *from, uint32_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static char *fdtx_put_rsv(char *to, const struct fdt_reg *reg)
{
	fdt64_t address = cpu_to_fdt64(reg->address);
	fdt64_t size = cpu_to_fdt64(reg->size);

	to = fdtx_copy(to, &address, (uint32_t)sizeof(address));
	return fdtx_copy(to, &size, (uint32_t)sizeof(size));
}

static char *fdtx_emit_rsv(const struct fdtx_plan *plan, char *to)
{
	static const struct fdt_reg terminator = { 0, 0 };
	const struct fdt_reserve_entry *re;
	size_t i;

	re = (const struct fdt_reserve_entry *)(plan->in +
						plan->facts.rsv.start);
	for (; re->size; re++)
		if (!fdtx_dropped(plan, re))
			to = fdtx_copy(to, re, (uint32_t)sizeof(*re));
	for (i = 0; i < plan->n_add; i++)
		to = fdtx_put_rsv(to, &plan->add[i]);
	return fdtx_put_rsv(to, &terminator);
}

/* Tag by tag: padding zeroed, FDT_NOP left out unless it is kept */
static char *fdtx_clean(const struct fdtx_plan *plan, char *to, uint32_t pos,
			uint32_t end)
{
	const char *in = plan->in;

	while (pos < end) {
		struct fdtx_tag t = fdtx_tag_at(in, (int)pos);

		if (t.tag != FDT_NOP || plan->keep_nops) {
			to = fdtx_copy(to, in + pos, (uint32_t)t.end - pos);
			memset(to, 0, (size_t)(t.next - t.end));
			to += t.next - t.end;
		}
		pos = (uint32_t)t.next;
	}
	return to;
}

static uint32_t fdtx_clamp(uint32_t pos, uint32_t low, uint32_t high)
{
	return pos < low ? low : pos > high ? high : pos;
}

/* Whole tags of the input */
static char *fdtx_emit_stretch(const struct fdtx_plan *plan, char *to,
			       uint32_t pos, uint32_t end)
{
	uint32_t first = fdtx_clamp(plan->facts.dirty.start, pos, end);
	uint32_t last = fdtx_clamp(plan->facts.dirty.end, pos, end);

	to = fdtx_copy(to, plan->in + pos, first - pos);
	to = fdtx_clean(plan, to, first, last);
	return fdtx_copy(to, plan->in + last, end - last);
}

static char *fdtx_emit_prop(const struct fdtx_plan *plan,
			    struct fdtx_edit *edit, char *to)
{
	uint32_t padding = fdtx_tag_align(edit->len) - edit->len;

	to = fdtx_put(to, FDT_PROP);
	to = fdtx_put(to, edit->len);
	to = fdtx_put(to, edit->name < 0 ? edit->nameoff :
		      plan->name[edit->name].off);
	edit->value = to;
	if (edit->data)
		memcpy(to, edit->data, edit->len);
	to += edit->len;
	memset(to, 0, padding);
	return to + padding;
}

static char *fdtx_emit_node(const struct fdtx_edit *edit, char *to)
{
	uint32_t padding = fdtx_tag_align(edit->len + 1) - edit->len;

	to = fdtx_put(to, FDT_BEGIN_NODE);
	to = fdtx_copy(to, edit->data, edit->len);
	memset(to, 0, padding);
	return to + padding;
}

static char *fdtx_emit_tree(struct fdtx_plan *plan, char *to)
{
	uint32_t pos = plan->facts.tree.start;
	size_t i;

	for (i = 0; i < plan->n_edits; i++) {
		struct fdtx_edit *edit = &plan->edit[i];

		to = fdtx_emit_stretch(plan, to, pos, edit->at);
		pos = edit->at;
		switch (edit->kind) {
		case FDTX_CUT:
			pos += edit->len;
			break;
		case FDTX_ADD_NODE:
			to = fdtx_emit_node(edit, to);
			break;
		case FDTX_ADD_PROP:
			to = fdtx_emit_prop(plan, edit, to);
			break;
		case FDTX_END_ADDED:
			to = fdtx_put(to, FDT_END_NODE);
			break;
		}
	}
	return fdtx_emit_stretch(plan, to, pos, plan->facts.tree.end);
}

static void fdtx_emit_strings(const struct fdtx_plan *plan, char *to)
{
	const struct fdtx_block *old = &plan->facts.strings;
	uint32_t size = old->end - old->start;
	int i;

	to = fdtx_copy(to, plan->in + old->start, size);
	for (i = 0; i < plan->n_names; i++) {
		const struct fdtx_name *name = &plan->name[i];

		if (name->off != size)
			continue;
		to = fdtx_copy(to, name->s, name->len + 1);
		size += name->len + 1;
	}
}

void fdtx_emit(struct fdtx_plan *plan, char *buf)
{
	uint32_t tree = (uint32_t)FDT_V17_SIZE + plan->rsv_size;
	uint32_t strings = tree + plan->tree_size;
	char *to = buf;

	to = fdtx_put(to, FDT_MAGIC);
	to = fdtx_put(to, plan->size);
	to = fdtx_put(to, tree);
	to = fdtx_put(to, strings);
	to = fdtx_put(to, (uint32_t)FDT_V17_SIZE);
	to = fdtx_put(to, 17);
	to = fdtx_put(to, 16);
	to = fdtx_put(to, fdt_boot_cpuid_phys(plan->in));
	to = fdtx_put(to, plan->strings_size);
	to = fdtx_put(to, plan->tree_size);
	to = fdtx_emit_rsv(plan, to);
	to = fdtx_emit_tree(plan, to);
	fdtx_emit_strings(plan, to);
}
