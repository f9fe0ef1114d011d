#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# One-line messages, calls answered in place and broadcasts between machines.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	apps=$BATS_TEST_DIRNAME/../../guests/apps
}

# The example with fewer rounds: a busy machine is many times slower.
shorter() { # lab, key, number
	sed "s/$2=[0-9]*/$2=$3/" "$apps/$1" >"$BATS_TEST_TMPDIR/$1"
}

@test "messages and calls come back right, and their times are printed" {
	shorter ping.lab rounds 2000
	run --separate-stderr timeout 60 "$ivlab" run "$BATS_TEST_TMPDIR/ping.lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	[[ "$output$stderr" =~ cells:\ 2000\ round\ trips,\ p50\ [0-9]+\ ns,\ p99\ [0-9]+\ ns ]]
	[[ "$output$stderr" =~ calls:\ 2000\ round\ trips,\ p50\ [0-9]+\ ns,\ p99\ [0-9]+\ ns ]]
}

@test "each reader of a broadcast accounts for every message" {
	shorter bcast.lab messages 30000
	run --separate-stderr timeout 60 "$ivlab" run "$BATS_TEST_TMPDIR/bcast.lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	[ "$(grep -c 'messages read, .* missed, 0 wrong' <<<"$output$stderr")" -eq 2 ]
}

@test "a word that is no number is refused" {
	sed 's/rounds=.*/rounds=many/' "$apps/ping.lab" >"$BATS_TEST_TMPDIR/ping.lab"
	run timeout 60 "$ivlab" run "$BATS_TEST_TMPDIR/ping.lab"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"use rounds=N"* ]]
}
