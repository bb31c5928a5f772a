# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# What distributions add to the library: packaging/README.md

PAGES := build/pages

.PHONY: pages
pages: $(VENV)/.installed	## manual pages, completion for shells: build/pages
	@rm -rf $(PAGES)
	$(BIN)/python packaging/generate.py $(PAGES)

# dpkg-buildpackage names the packages that it needs, if they are missing
DEB := build/deb

.PHONY: deb
deb:	## Debian packages: build/deb/*.deb
	@command -v dpkg-buildpackage >/dev/null || { \
		echo "deb: no dpkg-buildpackage (Debian: apt-get install dpkg-dev)" >&2; exit 1; }
	@rm -rf $(DEB)
	@mkdir -p $(DEB)/pyfdtx
	@git ls-files -z --cached --others --exclude-standard | \
		xargs -0 cp --parents --no-dereference --preserve=mode -t $(DEB)/pyfdtx
	@mv $(DEB)/pyfdtx/packaging/debian $(DEB)/pyfdtx/debian
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
		python3 packaging/changelog.py >$(DEB)/pyfdtx/debian/changelog
	cd $(DEB)/pyfdtx && PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		dpkg-buildpackage --build=binary --no-sign --unsigned-changes
	@ls $(DEB)/*.deb

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' pyfdtx/__init__.py)

.PHONY: spec
spec:	## the rpm spec: build/rpm/pyfdtx.spec
	@mkdir -p build/rpm
	@sed 's/@VERSION@/$(VERSION)/' packaging/rpm/pyfdtx.spec.in >build/rpm/pyfdtx.spec

PACKAGE_TOOLS := dpkg-dev debhelper dh-python pybuild-plugin-pyproject python3-cffi \
	python3-dev python3-setuptools libfdt-dev lintian mmdebstrap rpm rpmlint

.PHONY: test-packages
test-packages: $(VENV)/.extra-test	## Debian packages, built and installed; the rpm spec
	@if [ "$$(id -u)" = 0 ] && ! dpkg-query -W $(PACKAGE_TOOLS) >/dev/null 2>&1; then \
		echo "install: $(PACKAGE_TOOLS)"; \
		apt-get -o Acquire::Retries=5 update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install \
			-y -qq --no-install-recommends $(PACKAGE_TOOLS) >/dev/null; \
	fi
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q -rP tests/packaging/distributions
