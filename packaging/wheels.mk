# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Wheels for other machines than this one; docs/release.md

.PHONY: wheels

# WHEELS="manylinux_x86_64 manylinux_aarch64": these alone
wheels: $(VENV)/.extra-wheels	## wheels of every platform, into dist/
	$(BIN)/python packaging/wheels/wheels.py build/wheel/*.whl dist $(WHEELS)

.PHONY: test-wheels test-wheels-quick

# PLACES="s390x windows": these alone
test-wheels: $(VENV)/.installed	## run dist/'s wheels on every platform to be had
	$(BIN)/python packaging/wheels/run.py dist $(PLACES)

QUICK := build/wheels-quick
test-wheels-quick: $(VENV)/.extra-wheels $(VENV)/.extra-test	## build two wheels and run them
	@rm -rf $(QUICK)
	$(BIN)/python packaging/wheels/wheels.py build/wheel/*.whl $(QUICK) \
		manylinux_x86_64 manylinux_aarch64
	$(BIN)/pytest -q tests/packaging/test_wheels.py --wheels $(QUICK)
	$(BIN)/python packaging/wheels/run.py $(QUICK) --quick own quick-aarch64

.PHONY: dist
dist: $(VENV)/.extra-wheels $(VENV)/.extra-test	## all that a release uploads, into dist/: docs/release.md
	@rm -rf dist
	$(MAKE) wheels
	$(BIN)/python packaging/wheels/release.py dist
	$(BIN)/python -m twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/pytest -q tests/packaging/test_wheels.py --wheels dist
