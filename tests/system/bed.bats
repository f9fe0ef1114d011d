#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/nested/bed with a QEMU that only waits.
load common

setup() {
	command -v cpio >/dev/null || skip "no cpio"
	command -v setpriv >/dev/null || skip "no setpriv"
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"/{tests/nested,bin,image,tmp}
	cp "$BATS_TEST_DIRNAME/../nested/bed" "$tree/tests/nested"
	: >"$tree/image/initrd"
	printf '#!/bin/sh\necho "%s"\n' "$tree/image" >"$tree/tests/nested/image"
	printf '#!/bin/sh\necho $$ >"%s"\nexec sleep 120\n' "$tree/qemu.pid" \
		>"$tree/bin/qemu-system-x86_64"
	chmod +x "$tree"/tests/nested/* "$tree"/bin/*
}

has_begun() {
	[ -s "$tree/qemu.pid" ]
}

has_ended() {
	! kill -0 "$(<"$tree/qemu.pid")" 2>/dev/null
}

teardown() {
	! has_begun || kill -KILL "$(<"$tree/qemu.pid")" 2>/dev/null || true
}

@test "machine and readers end with the bed, however that ends" {
	local signal
	for signal in TERM KILL; do
		rm -f "$tree/qemu.pid"
		PATH=$tree/bin:$PATH TMPDIR=$tree/tmp \
			"$tree/tests/nested/bed" -- true 3>&- &
		bed_pid=$!
		eventually 120 has_begun
		kill -"$signal" "$bed_pid"
		wait "$bed_pid" || true
		eventually 60 has_ended
	done
}
