// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: pyfdtx._libfdt, the functions of pyfdtx.libfdt
 *
 * Not cffi, for two reasons. cffi lets go of the GIL in each call, and then
 * another thread could change the bytearray between a guard and libfdt. And a
 * call costs a quarter of what it does through cffi.
 */
#include "args.h"

#define NUMBER(name) { #name, name }

/* What a C int makes of the two big ones is what upstream's module has */
static const struct {
	const char *name;
	long value;
} fdtd_numbers[] = {
	{ "FDT_MAGIC", (int32_t)FDT_MAGIC },
	{ "FDT_MAX_PHANDLE", -2 },
	NUMBER(FDT_BEGIN_NODE), NUMBER(FDT_END_NODE), NUMBER(FDT_PROP),
	NUMBER(FDT_NOP), NUMBER(FDT_END), NUMBER(FDT_FIRST_SUPPORTED_VERSION),
	{ "FDT_LAST_COMPATIBLE_VERSION", 0x10 },
	NUMBER(FDT_LAST_SUPPORTED_VERSION), NUMBER(FDT_MAX_NCELLS),
	NUMBER(FDT_CREATE_FLAG_NO_NAME_DEDUP), NUMBER(FDT_CREATE_FLAGS_ALL),
	NUMBER(FDT_ERR_NOTFOUND), NUMBER(FDT_ERR_EXISTS),
	NUMBER(FDT_ERR_NOSPACE), NUMBER(FDT_ERR_BADOFFSET),
	NUMBER(FDT_ERR_BADPATH), NUMBER(FDT_ERR_BADPHANDLE),
	NUMBER(FDT_ERR_BADSTATE), NUMBER(FDT_ERR_TRUNCATED),
	NUMBER(FDT_ERR_BADMAGIC), NUMBER(FDT_ERR_BADVERSION),
	NUMBER(FDT_ERR_BADSTRUCTURE), NUMBER(FDT_ERR_BADLAYOUT),
	NUMBER(FDT_ERR_INTERNAL), NUMBER(FDT_ERR_BADNCELLS),
	NUMBER(FDT_ERR_BADVALUE), NUMBER(FDT_ERR_BADOVERLAY),
	NUMBER(FDT_ERR_NOPHANDLES), NUMBER(FDT_ERR_BADFLAGS),
	NUMBER(FDT_ERR_ALIGNMENT), NUMBER(FDT_ERR_MAX),
};

static int fdtd_exec(PyObject *module)
{
	PyMethodDef *tables[] = {
		fdtd_header_functions, fdtd_read_functions,
		fdtd_value_functions, fdtd_write_functions, fdtd_sw_functions,
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (PyModule_AddFunctions(module, tables[i]))
			return -1;
	for (i = 0; i < sizeof(fdtd_numbers) / sizeof(fdtd_numbers[0]); i++)
		if (PyModule_AddIntConstant(module, fdtd_numbers[i].name,
					    fdtd_numbers[i].value))
			return -1;
	return 0;
}

static PyModuleDef_Slot fdtd_slots[] = {
	{ Py_mod_exec, (void *)fdtd_exec },
	{ 0, NULL },
};

static struct PyModuleDef fdtd_module = {
	PyModuleDef_HEAD_INIT, "pyfdtx._libfdt", NULL, 0, NULL, fdtd_slots,
	NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__libfdt(void);
PyMODINIT_FUNC PyInit__libfdt(void)
{
	return PyModuleDef_Init(&fdtd_module);
}
