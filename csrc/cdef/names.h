/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

#define FDTX_MAX_NAMES ...

struct fdtx_key {
	uint64_t k[2];
};

struct fdtx_name {
	const char *s;
	uint32_t len;
	uint32_t off;
};

uint32_t fdtx_find_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, int n);
int fdtx_find_many_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, uint32_t n,
			 const struct fdtx_key *key, uint32_t *addedp);
