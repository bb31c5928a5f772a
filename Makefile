# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The one runner: people and CI call these targets and nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
OWN    := build/wheel
# In the clone's folder Python takes ./pyfdtx: it gets the extensions, too
SITE    = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

SOURCES := setup.py pyproject.toml libfdt/upstream.toml libfdt/vendor.py \
	   $(shell find csrc -name '*.[ch]' -o -name '*.py') \
	   $(wildcard tests/c/*.c tests/c/*.h pyfdtx/proposal/*/*) \
	   $(shell find pyfdtx -name '*.py' -o -name '*.pyi' -o -name py.typed)

.PHONY: help build demo test test-c peers test-packaging test-corpus lint types clean

help:	## this list
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "venv: creating $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { \
		echo "pyfdtx needs CPython 3.9 or later: make PYTHON=python3.11 ..." >&2; exit 1; }
	@command -v $(or $(CC),cc) >/dev/null || { \
		echo "no C compiler $(or $(CC),cc) (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; \
		sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' || { \
		echo "$(PYTHON) has no headers, Python.h (Debian: apt-get install python3-dev)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "this Python has no venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PIP) install --upgrade "pip>=23.1"

$(OWN)/.stamp: $(BIN)/python $(SOURCES)
	@echo "build: the wheel (libfdt is fetched when missing)"
	@rm -rf $(OWN) build/lib* build/temp* build/bdist*
	@$(PIP) wheel --no-deps --wheel-dir $(OWN) .
	@touch $@

$(VENV)/.installed: $(OWN)/.stamp
	@echo "install: $(notdir $(wildcard $(OWN)/*.whl)) into $(VENV)"
	@$(PIP) install --force-reinstall --no-deps $(OWN)/*.whl
	@$(PIP) install $(OWN)/*.whl
	@rm -f pyfdtx/*.so
	@cp $(SITE)/pyfdtx/*.so pyfdtx/
	@touch $@

# One extra of pyproject.toml, into the same venv
$(VENV)/.extra-%: $(VENV)/.installed pyproject.toml
	@echo "install: tools for $*"
	@$(PIP) install "$$(echo $(OWN)/*.whl)[$*]"
	@touch $@

build: $(VENV)/.installed	## wheel, installed into .venv

demo: $(VENV)/.installed	## a crash DTB from a captured machine, shown and compared
	@$(BIN)/python examples/demo.py

test: $(VENV)/.extra-test	## every test that needs no other machine
	$(BIN)/pytest -q

test-c: $(VENV)/.installed	## the C programs alone, plain and under sanitizers
	$(MAKE) -C tests/c check

peers: $(VENV)/.extra-bench	## pylibfdt and fdt into .venv, for the tests against them

test-packaging: $(VENV)/.extra-test	## clone, sdist and wheel into fresh venvs
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q tests/packaging \
		--ignore tests/packaging/distributions

test-corpus: $(VENV)/.extra-test	## all device trees of Debian's arm64 kernel
	$(BIN)/python tests/corpus/fetch.py
	$(BIN)/pytest -q tests/corpus --corpus .cache/dtbs

lint: $(VENV)/.extra-lint	## ruff on all Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.extra-lint	## mypy --strict on the package
	$(BIN)/mypy

# The package with every access watched. malloc's blocks have edges,
# Python's own have not.

SANITIZED := build/sanitized
SANITIZE  := -fsanitize=address,undefined
UNDER_SANITIZERS = PYTHONPATH=$(CURDIR)/$(SANITIZED) PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)"

# Objects of the other kind are not to be found by either build
$(SANITIZED)/.built: $(VENV)/.extra-test $(SOURCES)
	@rm -rf $(SANITIZED) build/lib* build/temp* build/bdist*
	@PYFDTX_CFLAGS="-O1 -g $(SANITIZE) -fno-sanitize-recover=undefined" \
		PYFDTX_LDFLAGS="$(SANITIZE)" \
		$(PIP) install --no-deps --no-compile --target $(SANITIZED) .
	@rm -rf build/lib* build/temp* build/bdist*
	@touch $@

include benchmarks/*.mk docs/site/*.mk packaging/*.mk tests/*/*.mk

clean:	## forget everything that was built
	rm -rf $(VENV) build dist libfdt/src tests/c/build *.egg-info pyfdtx/*.so
