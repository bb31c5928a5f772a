// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - overlays whose fixups are checked before libfdt follows them
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/overlay.h"

/* A node with all below it, in bytes of the structure block */
struct fdtx_span {
	int start;		/* negative: there is no such node */
	int end;		/* exclusive */
};

struct fdtx_fixups {
	const char *fdto;
	struct fdtx_span fixups;	/* /__fixups__ */
	struct fdtx_span local;		/* /__local_fixups__ */
	struct fdtx_fault *fault;
	uint64_t work;			/* bytes one walk passes over */
};

static int fdtx_bad_overlay(const struct fdtx_fixups *x, int offset,
			    const char *cause)
{
	x->fault->cause = cause;
	x->fault->offset = fdt_off_dt_struct(x->fdto) + (uint32_t)offset;
	return -FDT_ERR_BADOVERLAY;
}

static struct fdtx_span fdtx_span(const void *fdt, const char *path)
{
	struct fdtx_span span = { fdt_path_offset(fdt, path), 0 };
	int depth = 0;

	for (span.end = span.start; span.end >= 0 && depth >= 0; )
		span.end = fdt_next_node(fdt, span.end, &depth);
	return span;
}

static int fdtx_within(const struct fdtx_span *span, int offset)
{
	return span->start >= 0 && offset >= span->start && offset < span->end;
}

/* Length of the property that the fixup at @from names, if it may be changed */
static int fdtx_target_len(struct fdtx_fixups *x, int from, int node,
			   const char *name, int namelen)
{
	const char *val;
	int len, offset;

	val = fdt_getprop_namelen(x->fdto, node, name, namelen, &len);
	if (!val)
		return fdtx_bad_overlay(x, from,
					"fixup for a property that does not exist");
	offset = (int)(val - (x->fdto + fdt_off_dt_struct(x->fdto)));
	if (fdtx_within(&x->fixups, offset) || fdtx_within(&x->local, offset))
		return fdtx_bad_overlay(x, from,
					"fixup that changes another fixup");
	x->work += (uint64_t)(offset - node);
	return len;
}

static int fdtx_check_idx(const struct fdtx_fixups *x, int from, int len,
			  uint32_t idx)
{
	if (len < 4 || idx > (uint32_t)len - 4)
		return fdtx_bad_overlay(x, from, "fixup outside its property");
	return 0;
}

static int fdtx_check_local_prop(struct fdtx_fixups *x, int prop,
				 int node)
{
	const char *val, *name;
	int len, target, i, err = 0;

	val = fdt_getprop_by_offset(x->fdto, prop, &name, &len);
	if (!val)
		return len;
	/* libfdt renumbers whatever has one of these names */
	if (!strcmp(name, "phandle") || !strcmp(name, "linux,phandle"))
		return fdtx_bad_overlay(x, prop,
					"local fixup of a phandle property");
	if (len % 4)
		return fdtx_bad_overlay(x, prop,
					"local fixup that is not whole cells");
	target = fdtx_target_len(x, prop, node, name, (int)strlen(name));
	if (target < 0)
		return target;
	for (i = 0; i < len && !err; i += 4)
		err = fdtx_check_idx(x, prop, target,
				     fdt32_ld((const fdt32_t *)(val + i)));
	return err;
}

static uint64_t fdtx_count_phandles(const void *fdt)
{
	uint64_t n = 0;
	int node;

	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		n += fdt_get_phandle(fdt, node) != 0;
	return n;
}

/*
 * /__local_fixups__ mirrors the overlay: walk both trees side by side. libfdt
 * does it once, and once more for each phandle that meets one of the base,
 * and passes every node once for each of its ancestors.
 */
static int fdtx_check_local_fixups(struct fdtx_fixups *x)
{
	uint64_t limit = FDTX_OVERLAY_WORK / (1 + fdtx_count_phandles(x->fdto));
	int mirrored[FDTX_MAX_DEPTH];
	int fixup = x->local.start, depth = 0;

	while (fixup >= 0 && depth >= 0) {
		int here = fixup, node = 0, last = fixup, parent, prop, err;

		if (depth) {
			const char *name = fdt_get_name(x->fdto, here, NULL);

			parent = mirrored[depth - 1];
			node = fdt_subnode_offset(x->fdto, parent, name);
			if (node < 0)
				return fdtx_bad_overlay(x, here,
							"local fixup for a node that does not exist");
			x->work += (uint64_t)(node - parent);
		}
		mirrored[depth] = node;
		fdt_for_each_property_offset(prop, x->fdto, here) {
			err = fdtx_check_local_prop(x, prop, node);
			if (err)
				return err;
			last = prop;
		}
		x->work += (uint64_t)(depth + 1) * (uint64_t)(last - here + 16);
		if (x->work > limit)
			return fdtx_bad_overlay(x, here,
						"local fixups take too long to resolve");
		fixup = fdt_next_node(x->fdto, here, &depth);
	}
	return 0;
}

/* One "/path:property:offset" of len bytes and a NUL, as libfdt reads it */
static int fdtx_check_fixup(struct fdtx_fixups *x, int prop,
			    const char *fixup, int len)
{
	const char *name, *number;
	char *end;
	int node, idx;

	if (*fixup != '/')
		return fdtx_bad_overlay(x, prop,
					"fixup that does not start with '/'");
	name = memchr(fixup, ':', (size_t)len);
	number = name ? memchr(name + 1, ':',
			       (size_t)(fixup + len - (name + 1))) : NULL;
	if (!number)
		return fdtx_bad_overlay(x, prop,
					"fixup is not path:property:offset");
	idx = (int)strtoul(number + 1, &end, 10);
	if (end != fixup + len || end == number + 1)
		return fdtx_bad_overlay(x, prop,
					"fixup does not end with a number");
	node = fdt_path_offset_namelen(x->fdto, fixup, (int)(name - fixup));
	if (node < 0)
		return fdtx_bad_overlay(x, prop,
					"fixup for a node that does not exist");
	len = fdtx_target_len(x, prop, node, name + 1,
			      (int)(number - (name + 1)));
	if (len < 0)
		return len;
	return fdtx_check_idx(x, prop, len, (uint32_t)idx);
}

/* Before 1.7.1 fdt_path_offset() follows aliases of aliases without end */
static int fdtx_alias_of_alias(const void *fdt, const char *path)
{
	const char *alias;
	int aliases;

	if (!path || *path == '/')
		return 0;
	aliases = fdt_path_offset(fdt, "/aliases");
	alias = fdt_getprop_namelen(fdt, aliases, path,
				    (int)strcspn(path, "/"), NULL);
	return alias && *alias != '/';
}

static int fdtx_check_targets(const struct fdtx_fixups *x, const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, x->fdto, 0) {
		const char *path = fdt_getprop(x->fdto, node, "target-path",
					       NULL);

		if (fdtx_alias_of_alias(fdt, path))
			return fdtx_bad_overlay(x, node,
						"target-path by an alias that is no path");
	}
	return 0;
}

static int fdtx_check_fixups(struct fdtx_fixups *x, const void *fdt)
{
	int symbols = fdt_path_offset(fdt, "/__symbols__");
	int prop, err;

	fdt_for_each_property_offset(prop, x->fdto, x->fixups.start) {
		const char *val, *label, *end, *nul;
		int len;

		val = fdt_getprop_by_offset(x->fdto, prop, &label, &len);
		if (!val)
			return len;
		if (symbols >= 0 &&
		    fdtx_alias_of_alias(fdt, fdt_getprop(fdt, symbols, label,
							 NULL)))
			return fdtx_bad_overlay(x, prop,
						"label for an alias that is no path");
		if (!len)
			return fdtx_bad_overlay(x, prop, "fixup without a value");
		for (end = val + len; val < end; val = nul + 1) {
			nul = memchr(val, '\0', (size_t)(end - val));
			if (!nul)
				return fdtx_bad_overlay(x, prop,
							"fixup is not terminated");
			err = fdtx_check_fixup(x, prop, val, (int)(nul - val));
			if (err)
				return err;
		}
	}
	return 0;
}

int fdtx_overlay_apply(void *fdt, void *fdto, struct fdtx_fault *fault)
{
	struct fdtx_fixups x = { fdto, { 0, 0 }, { 0, 0 }, fault, 0 };
	int err = 0;

	fault->cause = NULL;
	fault->offset = 0;
	x.fixups = fdtx_span(fdto, "/__fixups__");
	x.local = fdtx_span(fdto, "/__local_fixups__");
	if (x.local.start >= 0)
		err = fdtx_check_local_fixups(&x);
	if (!err && x.fixups.start >= 0)
		err = fdtx_check_fixups(&x, fdt);
	if (!err)
		err = fdtx_check_targets(&x, fdt);
	return err ? err : fdt_overlay_apply(fdt, fdto);
}
