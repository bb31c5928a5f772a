#!/bin/bash
# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#
# kexec and vmcore-dmesg of pyfdtx in an initramfs, with Python and all that they
# need: with any module for kdump, or with --add pyfdtx-kexec. Without this, dracut
# would copy the commands and the interpreter, and not the library.

check() {
	local module
	grep -qs pyfdtx /usr/sbin/kexec || return 1
	require_binaries python3 || return 1
	# shellcheck disable=SC2154 # dracut sets them
	for module in $dracutmodules $add_dracutmodules $force_add_dracutmodules
	do
		[[ $module == *kdump* ]] && return 0
	done
	return 255
}

depends() {
	return 0
}

install() {
	local needed libraries
	if ! needed=$(python3 -I -m pyfdtx.tools.needed)
	then
		dfatal "pyfdtx.tools.needed does not say what kexec needs"
		exit 1
	fi
	# dracut looks for the libraries of files that are executable; Debian's extensions
	# are not
	libraries=$(grep '\.so' <<<"$needed" | xargs ldd |
		sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u)
	# shellcheck disable=SC2086 # a path for each word
	if ! inst_multiple $needed $libraries /usr/sbin/kexec /usr/sbin/vmcore-dmesg
	then
		# Better no initramfs than one that fails when it is needed
		dfatal "kexec would not work in the initramfs"
		exit 1
	fi
}
