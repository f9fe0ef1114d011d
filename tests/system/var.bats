#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# Messages of different lengths between two machines.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	example=$BATS_TEST_DIRNAME/../../guests/apps/var.lab
}

@test "the example: every message of every length arrives whole" {
	run --separate-stderr timeout 60 "$ivlab" run --json "$example"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	jq -e '.ok and .messages == 20000 and .mismatches == 0 and
		.bytes > 20000 * 16' <<<"$output"
}

@test "a word that is no number is refused" {
	local lab=$BATS_TEST_TMPDIR/var.lab
	sed 's/messages=20000/messages=many/' "$example" >"$lab"
	run timeout 60 "$ivlab" run "$lab"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"use messages=N"* ]]
}
