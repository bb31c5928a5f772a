# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Contract of pyfdtx.libfdt: the same tests against it and against upstream's
# own module, which lies in a venv of its own below build/dropin.

PYLIBFDT := build/dropin/pylibfdt

.PHONY: test-dropin test-dropin-sanitized

$(PYLIBFDT)/.installed: pyproject.toml $(BIN)/python
	@echo "dropin: upstream's module into $(PYLIBFDT) (it is compiled)"
	@$(BIN)/python -m venv $(PYLIBFDT)
	@$(PYLIBFDT)/bin/python -m pip --disable-pip-version-check --quiet install \
		"$$(sed -n 's/.*"\(pylibfdt==[^"]*\)".*/\1/p' pyproject.toml)"
	@touch $@

test-dropin: $(VENV)/.extra-test $(VENV)/.extra-lint $(PYLIBFDT)/.installed	## the drop-in against upstream's Python module
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q tests/dropin

# The whole sweeps over lying blobs, every access watched
SWEEPS := argument_sweep.py "hostile_sweep.py 0 1" "header_sweep.py 0 1"

test-dropin-sanitized: $(SANITIZED)/.built	## every lying blob and argument under ASan and UBSan
	@for sweep in $(SWEEPS); do \
		$(UNDER_SANITIZERS) $(BIN)/python tests/dropin/$$sweep > $(SANITIZED)/log || { \
			tail -n 1 $(SANITIZED)/log; exit 1; }; \
		echo "$$sweep: $$(tail -n 1 $(SANITIZED)/log)"; \
	done

# Each consumer's own tests, twice. What the package index lacks needs a
# checkout: make test-consumers CONSUMERS="--uboot DIR --dtc DIR"
.PHONY: test-consumers
test-consumers: $(VENV)/.installed	## consumers' own test-suites, with both modules
	$(BIN)/python tests/dropin/consumers.py $(CONSUMERS)

.PHONY: types-dropin
types-dropin: $(VENV)/.extra-test $(VENV)/.extra-lint	## the drop-in's types against its modules (stubtest)
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q tests/dropin/test_types.py

.PHONY: test-dropin-elsewhere
test-dropin-elsewhere: $(VENV)/.installed $(PYLIBFDT)/.installed	## the drop-in on other Pythons, big-endian and 32-bit
	$(BIN)/python tests/dropin/elsewhere.py $(PLACES)
