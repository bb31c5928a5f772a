/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef WALKS_H
#define WALKS_H

#include "blob/walk.h"

/* fdtx_walk() without its fast path */
int slow_walk(const void *fdt, size_t size, struct fdtx_fault *fault,
	      struct fdtx_facts *facts, const char *child);

#endif /* WALKS_H */
