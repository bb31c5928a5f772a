# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The benchmarks, in a venv of their own: the peers stay out of the tests'.
# Everything built lies below build/bench, which `make clean` removes.

BENCH_VENV   := build/bench/venv
BENCH_PYTHON := $(BENCH_VENV)/bin/python
BENCH_PIP    := $(BENCH_PYTHON) -m pip --disable-pip-version-check --quiet
# Folder with .dtb files of your own; the default is Debian's arm64 kernel
CORPUS       ?=
BENCH_CORPUS  = $(if $(CORPUS),--corpus $(CORPUS))
# Some of j1 j2 j3 j4 j6 j7 growth memory; the default is all
JOBS         ?=
BENCH_PAGES   = $(shell grep -ls '<!-- bench:' README.md docs/*.md)

.PHONY: bench bench-quick bench-count bench-check bench-pages bench-corpus

# setuptools: what cffi compiles the C side with, at run time
$(BENCH_VENV)/.installed: $(OWN)/.stamp
	@echo "bench: venv with the peers in $(BENCH_VENV) (pylibfdt is compiled)"
	@test -x $(BENCH_PYTHON) || $(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_PIP) install "pip>=23.1" "setuptools>=77"
	@$(BENCH_PIP) install "$$(echo $(OWN)/*.whl)[bench]"
	@$(BENCH_PIP) install --force-reinstall --no-deps $(OWN)/*.whl
	@touch $@

build/bench/c/.built: $(BENCH_VENV)/.installed benchmarks/cbuild.py \
		$(wildcard benchmarks/c/*)
	@$(BENCH_PYTHON) benchmarks/cbuild.py
	@touch $@

bench-corpus:
	@$(if $(CORPUS),:,$(BIN)/python tests/corpus/fetch.py)

bench: build/bench/c/.built $(VENV)/.installed bench-corpus	## every job against its peers: tables, charts, pages
	@$(BENCH_PYTHON) benchmarks/run.py $(BENCH_CORPUS) $(JOBS)
	@$(if $(CORPUS),:,$(MAKE) --no-print-directory bench-pages)

# Without network: what is there is measured, the rest named
bench-quick: $(VENV)/.installed	## the same at a glance, nothing stored; works without network
	@$(MAKE) --no-print-directory -s $(BENCH_VENV)/.installed 2>/dev/null || \
		echo "bench: no venv with the peers (no network?): without pylibfdt and fdt" >&2
	@$(MAKE) --no-print-directory -s bench-corpus >/dev/null 2>&1 || true
	@python=$(BENCH_PYTHON); test -e $(BENCH_VENV)/.installed || python=$(BIN)/python; \
	$$python benchmarks/cbuild.py >/dev/null 2>&1 || \
		echo "bench: the C side cannot be compiled (setuptools?): without it" >&2; \
	$$python benchmarks/run.py --quick $(BENCH_CORPUS) $(JOBS)

bench-count: build/bench/c/.built $(VENV)/.installed bench-corpus	## add instructions to the results, by callgrind (needs valgrind)
	@$(BENCH_PYTHON) benchmarks/count.py $(JOBS)
	@$(MAKE) --no-print-directory bench-pages

bench-pages:	## tables and charts again, from the stored results
	@$(PYTHON) benchmarks/report.py $(BENCH_PAGES)

bench-check: $(VENV)/.installed	## instructions against benchmarks/limits.json (needs valgrind); UPDATE=1 writes it
	@$(BIN)/python benchmarks/check.py $(if $(UPDATE),--update)
