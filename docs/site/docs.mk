# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The site: docs/site/conf.py. Warnings are errors; what is written to build/docs/html
# needs no server.

SITE_PAGES := $(wildcard *.md docs/*.svg docs/site/* docs/site/static/* \
	      */*.md tests/*/*.md benchmarks/results/*.svg)

.PHONY: docs test-docs
docs: build/docs/.built	## the documentation as a site, in build/docs/html

build/docs/.built: $(VENV)/.extra-docs $(SITE_PAGES)
	@rm -rf build/docs
	@$(BIN)/python docs/site/stage.py build/docs/src
	@$(BIN)/sphinx-build -q -W --keep-going -c docs/site build/docs/src build/docs/html
	@touch $@

# Needs Debian's chromium and chromium-driver
test-docs: docs $(VENV)/.extra-test	## the site in a browser: links, pictures, widths
	$(BIN)/pytest -q tests/docs
