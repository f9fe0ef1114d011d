#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# A peer dies in the middle of a stream and another goes on in its place.
load common

setup() {
	need_kvm
	sock=$BATS_TEST_TMPDIR/sock
	timeout 120 "$ivlab" server --socket "$sock" --size 4M --vectors 2 \
		2>"$BATS_TEST_TMPDIR/server" 3>&- &
	server_pid=$!
	eventually 10 test -S "$sock"
}

teardown() {
	kill "$server_pid" 2>/dev/null || true
	processes_with "--socket $sock" | xargs -r kill -9 2>/dev/null || true
}

vm() { # image; args for the guest are the same for both ends
	timeout 60 "$ivlab" vm --name "$1" --image "$1" --socket "$sock" \
		--vectors 2 --args "messages=$messages" \
		>"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
	vm_job=$!
}

vm_of() {
	processes_with "vm --name $1 --image $1 --socket $sock" |
		while read -r pid; do
			[ "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1)" = \
				"$ivlab" ] && echo "$pid"
		done | head -n 1
}

vm_there() {
	[ -n "$(vm_of "$1")" ]
}

joined() { # how many
	[ "$(grep -c joined "$BATS_TEST_TMPDIR/server")" -ge "$1" ]
}

@test "a killed producer's stream is continued by the next one" {
	messages=150000000 # so many that the kill comes in between
	vm consumer
	consumer=$vm_job
	vm producer
	eventually 20 joined 2
	kill -9 "$(vm_of producer)"
	vm producer
	wait "$vm_job"
	wait "$consumer"
	cat "$BATS_TEST_TMPDIR/consumer"
	grep -q "left" "$BATS_TEST_TMPDIR/server"
}

@test "a killed consumer's stream is continued by the next one" {
	messages=150000000 # so many that the kill comes in between
	vm producer
	producer=$vm_job
	vm consumer
	eventually 20 joined 2
	kill -9 "$(vm_of consumer)"
	vm consumer
	wait "$vm_job"
	wait "$producer"
}

@test "an end whose peer lives is not taken over" {
	messages=1000000000000
	vm producer
	vm consumer
	eventually 20 joined 2
	# Whoever comes second is refused: mostly the host process.
	run timeout 5 "$IVLAB_BUILD/host_peer" producer "$sock" \
		messages=$messages
	echo "$output"
	[[ "$output" == *"already taken"* ]] ||
		eventually 20 grep -q "already taken" "$BATS_TEST_TMPDIR/producer"
}
