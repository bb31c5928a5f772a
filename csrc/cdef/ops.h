/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

enum fdtx_op_kind {
	FDTX_OP_SET,
	FDTX_OP_APPEND,
	FDTX_OP_APPEND_REG,
	FDTX_OP_DELETE,
	FDTX_OP_ADD_NODE,
	FDTX_OP_ADD_NODES,
	FDTX_OP_DELETE_NODE,
	FDTX_OP_RESERVE,
	FDTX_OP_UNRESERVE,
	...
};

struct fdtx_ops_fault {
	struct fdtx_fault blob;
	int64_t op;
	uint32_t found;
};

struct fdtx_ops_plan;

int fdtx_ops_plan(const void *fdt, size_t size, const void *ops,
		  size_t ops_size, const struct fdtx_key *key,
		  struct fdtx_ops_plan **planp, struct fdtx_ops_fault *fault);
void fdtx_ops_emit(struct fdtx_ops_plan *plan, void *buf);
void fdtx_ops_free(struct fdtx_ops_plan *plan);
