# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# What distributions add to the library: packaging/README.md

PAGES := build/pages

.PHONY: pages
pages: $(VENV)/.installed	## manual pages, completion for shells: build/pages
	@rm -rf $(PAGES)
	$(BIN)/python packaging/generate.py $(PAGES)
