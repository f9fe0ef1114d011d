#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# A peer dies in the middle of a stream and another goes on in its place.
load common

setup() {
	need_kvm
	serve 0
}

teardown() {
	[ -z "${server_pid:-}" ] || kill "$server_pid" 2>/dev/null || true
	processes_with "$BATS_TEST_TMPDIR/sock" |
		xargs -r kill -9 2>/dev/null || true
}

serve() { # the number of the try: each has a new region
	[ -z "${server_pid:-}" ] || kill "$server_pid"
	sock=$BATS_TEST_TMPDIR/sock$1
	log=$BATS_TEST_TMPDIR/server$1
	timeout 200 "$ivlab" server --socket "$sock" --size 4M --vectors 2 \
		2>"$log" 3>&- &
	server_pid=$!
	eventually 60 test -S "$sock"
}

vm() { # image; args for the guest are the same for both ends
	timeout 120 "$ivlab" vm --name "$1" --image "$1" --socket "$sock" \
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

joined() { # how many
	[ "$(grep -c joined "$log")" -ge "$1" ]
}

# Kill one of two that stream, start it anew, and have both come to their end.
# How many messages are so many that the kill comes in between is up to the
# machine: after a kill that came too late the next try has more.
killed_and_continued() { # who dies, who stays
	local victim survivor status try=0
	for messages in 20000000 100000000 500000000; do
		[ "$try" -eq 0 ] || serve "$try"
		try=$((try + 1))
		vm "$2"
		survivor=$vm_job
		vm "$1"
		victim=$vm_job
		eventually 60 joined 2
		kill -9 "$(vm_of "$1")" 2>/dev/null || true
		status=0
		wait "$victim" || status=$?
		echo "$1 of $messages messages ended with $status"
		if [ "$status" -eq 0 ]; then
			wait "$survivor"
			continue
		fi
		vm "$1"
		wait "$vm_job"
		wait "$survivor"
		cat "$BATS_TEST_TMPDIR/$2"
		grep -q "left" "$log"
		return
	done
	return 1
}

@test "a killed producer's stream is continued by the next one" {
	killed_and_continued producer consumer
}

@test "a killed consumer's stream is continued by the next one" {
	killed_and_continued consumer producer
}

@test "an end whose peer lives is not taken over" {
	messages=1000000000000
	vm producer
	vm consumer
	eventually 60 joined 2
	# Whoever comes second is refused: mostly the host process.
	timeout 120 "$IVLAB_BUILD/host_peer" producer "$sock" \
		messages=$messages >"$BATS_TEST_TMPDIR/host" 2>&1 3>&- &
	eventually 100 grep -q "already taken" \
		"$BATS_TEST_TMPDIR/host" "$BATS_TEST_TMPDIR/producer"
}
