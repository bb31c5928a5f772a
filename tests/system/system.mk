# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Real kernels under QEMU. Packages for the guests are kept in .cache/.

SYSTEM_PACKAGES := debian-archive-keyring \
	qemu-system-arm qemu-efi-aarch64 qemu-system-misc opensbi \
	qemu-system-x86 qemu-user-static gcc libc6-dev \
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
	gcc-riscv64-linux-gnu libc6-dev-riscv64-cross \
	qemu-system-ppc gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross

# Which kernels to boot, of the tests' marks: make test-system KERNELS="arm64 armmp"
# KERNELS=reserved: kexec around reserved memory, which takes minutes, is left out else
KERNELS ?=
# Whose scripts to run, of the tests' marks: make test-system TOOLS=kdump-tools
TOOLS ?=

.PHONY: test-system
test-system: $(VENV)/.extra-test	## boot real kernels under QEMU; KERNELS=armmp: one
	@if [ "$$(id -u)" = 0 ] && ! dpkg-query -W $(SYSTEM_PACKAGES) >/dev/null 2>&1; then \
		echo "install: $(SYSTEM_PACKAGES)"; \
		apt-get -o Acquire::Retries=5 update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install \
			-y -qq --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null; \
	fi
	PYFDTX_REQUIRE_ALL=1 KERNELS="$(KERNELS)" TOOLS="$(TOOLS)" $(BIN)/pytest -q --durations=12 tests/system

.PHONY: test-kexec-tools
test-kexec-tools: $(VENV)/.extra-test	## kexec-tools' own kexec(8) on the command lines that ours is held against
	PYFDTX_REQUIRE_ALL=1 $(BIN)/pytest -q tests/kexec_tools
