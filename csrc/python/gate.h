/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CORE_GATE_H
#define FDTX_CORE_GATE_H
/*
 * What threads wait at: one that waits passes when another one opens it, and it is
 * closed again. CPython has it, as a lock that anybody may release; but python3.dll
 * of Windows has no locks before Python 3.10, so Windows' own are used there.
 */
#include "cpython.h"

#if defined(_WIN32) && defined(Py_LIMITED_API) && Py_LIMITED_API < 0x030a0000
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

typedef HANDLE core_gate;

/* A closed one; NULL if there is no memory */
static inline core_gate core_gate_new(void)
{
	return CreateSemaphoreA(NULL, 0, 1, NULL);
}

/* Without the GIL. 0, or 1 if a signal came first */
static inline int core_gate_pass(core_gate gate)
{
	WaitForSingleObject(gate, INFINITE);
	return 0;
}

static inline void core_gate_open(core_gate gate)
{
	ReleaseSemaphore(gate, 1, NULL);
}

static inline void core_gate_free(core_gate gate, int is_open)
{
	(void)is_open;
	CloseHandle(gate);
}

static inline unsigned long core_thread(void)
{
	return GetCurrentThreadId();
}
#else
typedef PyThread_type_lock core_gate;

static inline core_gate core_gate_new(void)
{
	core_gate gate = PyThread_allocate_lock();

	if (gate)
		PyThread_acquire_lock(gate, NOWAIT_LOCK);
	return gate;
}

static inline int core_gate_pass(core_gate gate)
{
	return PyThread_acquire_lock_timed(gate, -1, 1) == PY_LOCK_INTR;
}

static inline void core_gate_open(core_gate gate)
{
	PyThread_release_lock(gate);
}

static inline void core_gate_free(core_gate gate, int is_open)
{
	/* It may not be freed while it is locked */
	if (!is_open)
		PyThread_release_lock(gate);
	PyThread_free_lock(gate);
}

static inline unsigned long core_thread(void)
{
	return PyThread_get_thread_ident();
}
#endif

#endif /* FDTX_CORE_GATE_H */
