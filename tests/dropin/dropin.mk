# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Contract of pyfdtx.libfdt: the same tests against it and against upstream's
# own module, which lies in a venv of its own below build/dropin.

PYLIBFDT := build/dropin/pylibfdt

.PHONY: test-dropin

$(PYLIBFDT)/.installed: pyproject.toml $(BIN)/python
	@echo "dropin: upstream's module into $(PYLIBFDT) (it is compiled)"
	@$(BIN)/python -m venv $(PYLIBFDT)
	@$(PYLIBFDT)/bin/python -m pip --disable-pip-version-check --quiet install \
		"$$(sed -n 's/.*"\(pylibfdt==[^"]*\)".*/\1/p' pyproject.toml)"
	@touch $@

test-dropin: $(VENV)/.extra-test $(PYLIBFDT)/.installed	## the drop-in against upstream's Python module
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q tests/dropin
