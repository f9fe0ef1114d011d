#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# Rings of many: equals at one ring, and lanes to one collector.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	apps=$BATS_TEST_DIRNAME/../../guests/apps
}

@test "equals at one ring take each message once" {
	run --separate-stderr timeout 60 "$ivlab" run --json "$apps/mpmc.lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	# The sum of all numbers: none twice, none missing.
	jq -e '.ok and ([.vms[].reports.taken] | add) == 200000 and
		([.vms[].reports.sum] | add) == 200000 * 199999 / 2 and
		([.vms[].reports.wrong] | add) == 0' <<<"$output"
}

@test "a collector gets all results of two workers, each in order" {
	run --separate-stderr timeout 60 "$ivlab" run --json "$apps/mpsc.lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	jq -e '.ok and .messages == 200000 and .mismatches == 0' <<<"$output"
}

@test "a word that is no number is refused" {
	local name lab=$BATS_TEST_TMPDIR/bad.lab
	for name in mpmc mpsc; do
		sed 's/messages=100000/messages=many/' "$apps/$name.lab" >"$lab"
		run timeout 60 "$ivlab" run "$lab"
		echo "$output"
		[ "$status" -ne 0 ]
		[[ "$output" == *"use messages=N"* ]]
	done
}
