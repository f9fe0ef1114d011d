#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# Whole labs: messages arrive and are counted, and however a lab ends, nothing
# of it stays.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	lab=$BATS_TEST_TMPDIR/test.lab
}

teardown() {
	kill_lab
}

# A lab of producer and consumer; arguments: messages, more words for both.
write_lab() {
	cat >"$lab" <<-EOF
		[lab]
		region = ${region:-4M}
		${lab_keys:-}
		[vm producer]
		image = producer
		args = messages=$1 ${2:-}
		[vm consumer]
		image = consumer
		args = messages=$1 ${2:-}
	EOF
}

# Nothing of a lab is left: socket directory, processes.
nothing_left() {
	[ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] &&
		[ -z "$(processes_with "$XDG_RUNTIME_DIR")" ]
}

start_lab() { # how, in place of --quiet
	how=${1:---quiet}
	timeout -s KILL 180 "$ivlab" run "$how" "$lab" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	timeout_pid=$!
	eventually 60 launcher_found
}

launcher_found() {
	lab_pid=$(processes_with "run $how $lab" | while read -r pid; do
		[ "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1)" = \
			"$ivlab" ] && echo "$pid"
	done | head -n 1)
	[ -n "$lab_pid" ]
}

vm_pid() { # name; empty when it is not there (yet)
	processes_with "vm --name $1 " | head -n 1
}

vm_there() {
	[ -n "$(vm_pid "$1")" ]
}

# Until both machines are well under way.
streaming() {
	vm_there producer && vm_there consumer
}

lab_status() {
	status=0
	wait "$timeout_pid" || status=$?
	lab_pid=
	cat "$BATS_TEST_TMPDIR/err" "$BATS_TEST_TMPDIR/out"
}

@test "every message arrives, and the report says so" {
	write_lab 300000
	run --separate-stderr timeout 60 "$ivlab" run --json "$lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	jq -e '.ok and .messages == 300000 and .mismatches == 0 and
		.bytes == 300000 * 64 and .seconds > 0 and
		.messages_per_second > 0 and (.kvm | length) > 0 and
		(.vms | length) == 2 and
		([.vms[] | .status] | add) == 0 and
		.vms[0].name == "producer" and .vms[1].name == "consumer" and
		([.vms[] | .exits >= 1 and .doorbells >= 0 and
			.interrupts >= 0] | all)' <<<"$output"
	nothing_left
}

@test "the table names what was counted" {
	write_lab 50000
	run --separate-stderr timeout 60 "$ivlab" run "$lab"
	[ "$status" -eq 0 ]
	local word
	for word in messages bytes seconds messages/s throughput mismatches \
		region write-back KVM exits doorbells interrupts producer; do
		[[ "$output" == *"$word"* ]]
	done
}

@test "small rings wrap, single messages work, and both sides sleep" {
	local words
	for words in "slots=2 batch=1" "slots=16 batch=3" "slots=64 batch=64"; do
		write_lab 20000 "$words"
		run timeout 60 "$ivlab" run --quiet "$lab"
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

@test "the smallest region that holds a ring works; a smaller one says so" {
	region=16K write_lab 20000 slots=64
	timeout 60 "$ivlab" run --quiet "$lab"
	region=4K write_lab 20000 slots=64
	run timeout 60 "$ivlab" run --quiet "$lab"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"too small"* || "$output" == *"no room"* ]]
	nothing_left
}

@test "a consumer takes as many messages as it wants, no more" {
	write_lab 1000
	sed -i '/consumer$/,$ s/messages=1000/messages=500/' "$lab"
	run --separate-stderr timeout 60 "$ivlab" run --json "$lab"
	[ "$status" -eq 0 ]
	jq -e '.messages == 500' <<<"$output"
}

@test "a peer that scribbles over the ring is named and stops nobody else" {
	write_lab 1000000000000
	cat >>"$lab" <<-EOF
		[vm liar]
		image = test_liar
		args = channel=messages
	EOF
	run timeout 60 "$ivlab" run --quiet "$lab"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"| channel messages: the peer wrote an impossible value"* ||
		"$output" == *"| message "* ]]
	[[ "$output" != *"fault"* ]]
	nothing_left
}

@test "a fault in one guest is named and fails the lab" {
	cat >"$lab" <<-EOF
		[lab]
		region = 4M
		[vm good]
		image = hello
		[vm bad]
		image = test_fault
		args = null
	EOF
	run timeout 60 "$ivlab" run --quiet "$lab"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"bad"*"page fault"* ]]
	nothing_left
}

@test "kill -9 of either VM, early and late: the lab ends, nothing stays" {
	write_lab 1000000000000
	local vm delay
	for vm in producer consumer; do
		for delay in 0 0.01 0.05 0.3; do
			start_lab
			eventually 60 vm_there "$vm"
			sleep "$delay"
			kill -9 "$(vm_pid "$vm")"
			lab_status
			[ "$status" -eq 1 ]
			grep -q "$vm" "$BATS_TEST_TMPDIR/err"
			nothing_left
		done
	done
}

@test "SIGINT, SIGTERM and SIGHUP end the lab in order" {
	write_lab 1000000000000
	local signal
	for signal in INT:130 TERM:143 HUP:129; do
		start_lab
		eventually 60 streaming
		kill -"${signal%:*}" "$lab_pid"
		lab_status
		[ "$status" -eq "${signal#*:}" ]
		nothing_left
	done
}

# The progress line tells of messages: some have arrived.
progress_there() {
	grep -qE '([1-9][0-9]*\.[0-9]|0\.[1-9]) million messages' \
		"$BATS_TEST_TMPDIR/err"
}

@test "a lab that is ended early reports what it knows, as incomplete" {
	local out=$BATS_TEST_TMPDIR/out
	write_lab 1000000000000
	start_lab --json
	eventually 60 progress_there
	kill -INT "$lab_pid"
	lab_status
	[ "$status" -eq 130 ]
	jq -e '(.ok | not) and .incomplete and .messages > 100000 and
		.bytes == .messages * 64 and .seconds > 0 and
		.messages_per_second > 0 and .mismatches == null' "$out"
	start_lab --timeout=0 # any option but --quiet
	eventually 60 progress_there
	kill -9 "$(vm_pid consumer)"
	lab_status
	[ "$status" -eq 1 ]
	grep -qE '^messages +[1-9][0-9]* \(incomplete: ' "$out"
	nothing_left
}

@test "guests that report no figures leave them out" {
	printf '[vm a]\nimage = hello\n' >"$lab"
	run --separate-stderr timeout 60 "$ivlab" run "$lab"
	[ "$status" -eq 0 ]
	[[ "$output" == "region "* ]]
	[[ "$output" != *messages* && "$output" != *mismatches* ]]
	run --separate-stderr timeout 60 "$ivlab" run --json "$lab"
	jq -e '.ok and .messages == null and .seconds == null and
		has("messages") and (has("incomplete") | not)' <<<"$output"
}

@test "kill -9 of the launcher takes the VMs with it" {
	write_lab 1000000000000
	start_lab
	eventually 60 streaming
	kill -9 "$lab_pid"
	lab_status
	eventually 60 no_vms
	# The socket cannot clean itself up; a new lab is not disturbed by it.
	rm -rf "${XDG_RUNTIME_DIR:?}"/*
}

no_vms() {
	[ -z "$(processes_with "$XDG_RUNTIME_DIR")" ]
}

@test "--timeout ends a lab that takes too long" {
	write_lab 1000000000000
	run timeout 60 "$ivlab" run --quiet --timeout 1 "$lab"
	echo "$output"
	[ "$status" -eq 1 ]
	nothing_left
}

@test "RAM too small for the image and missing images are named" {
	cat >"$lab" <<-EOF
		[vm a]
		image = $BATS_TEST_TMPDIR/none.elf
	EOF
	run timeout 60 "$ivlab" run "$lab"
	echo "$output"
	[ "$status" -eq 2 ]
	[[ "$output" == *"test.lab:2:"*"none.elf"* ]]
}

@test "hugepages = yes without any falls back and says so" {
	[ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" = 0 ] ||
		skip "this machine has free huge pages"
	lab_keys="hugepages = yes" write_lab 10000
	run timeout 60 "$ivlab" run --quiet "$lab"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"hugepages"* ]]
	[[ "$output" == *"4 KiB"* ]]
}

@test "hugepages = yes uses them when there are some" {
	local nr=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages old
	old=$(cat "$nr")
	{ echo $((old + 8)) >"$nr"; } 2>/dev/null || skip "needs root to reserve huge pages"
	[ "$(cat "$nr")" -ge $((old + 8)) ] || {
		echo "$old" >"$nr"
		skip "no memory for huge pages"
	}
	region=16M lab_keys="hugepages = yes" write_lab 100000
	run timeout 60 "$ivlab" run --quiet "$lab"
	echo "$old" >"$nr"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"2 MiB"* ]]
}

@test "host processes and guests stream to each other in any mix" {
	local sock=$BATS_TEST_TMPDIR/sock
	cat >"$lab" <<-EOF
		[lab]
		region = 4M
		[vm consumer]
		image = consumer
		args = messages=200000
	EOF
	timeout 60 "$ivlab" run --quiet --socket "$sock" "$lab" 3>&- &
	timeout_pid=$!
	eventually 60 test -S "$sock"
	timeout 60 "$IVLAB_BUILD/host_peer" producer "$sock" messages=200000
	wait "$timeout_pid"

	sed -i 's/consumer/producer/' "$lab"
	timeout 60 "$ivlab" run --quiet --socket "$sock" "$lab" 3>&- &
	timeout_pid=$!
	eventually 60 test -S "$sock"
	# The machine may end, and with it the server, before we have joined
	# only if it could send everything: the ring is smaller than that.
	timeout 60 "$IVLAB_BUILD/host_peer" consumer "$sock" messages=200000
	wait "$timeout_pid"
	nothing_left
}
