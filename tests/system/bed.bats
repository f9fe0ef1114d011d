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

@test "a machine that fails at once is tried twice, and then said" {
	printf '#!/bin/sh\necho "no such thing" >&2\nexit 1\n' \
		>"$tree/bin/qemu-system-x86_64"
	PATH=$tree/bin:$PATH TMPDIR=$tree/tmp run timeout 120 \
		"$tree/tests/nested/bed" -- true
	[ "$status" -eq 125 ]
	[ "$(grep -c 'no such thing' <<<"$output")" -eq 2 ]
	[[ $output == *'the machine does not start'* ]]
	[ -z "$(ls "$tree/tmp")" ]
}

@test "values that cannot be are refused with what may be" {
	bad() { # what is said, arguments
		local said=$1
		shift
		run "$tree/tests/nested/bed" "$@" -- true
		[ "$status" -eq 125 ]
		[[ $output == *"$said"* ]]
	}
	bad '--timeout abc: how many seconds' --timeout abc
	bad '--timeout 0: how many seconds' --timeout 0
	bad '--memory 64: how many MiB, from 100 on?' --memory 64
	bad '--copy nope: there is no such file' --copy nope
	bad 'unknown option --nonsense' --nonsense x
	[ ! -e "$tree/qemu.pid" ]
}
