#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# What bare guests see and what the monitor does with those that misbehave.
load common

setup() {
	need_kvm
}

run_guest() { # name, arguments of ivlab vm...
	local image=$IVLAB_BUILD/guests/$1.elf
	shift
	run timeout 60 "$ivlab" vm --image "$image" "$@"
	echo "$output"
}

@test "hello prints its arguments and ends with 0" {
	run_guest hello --args " one  two"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "hello from vm, 1 vCPU, 16 MiB" ]
	[ "${lines[1]}" = "argument 1: one" ]
	[ "${lines[2]}" = "argument 2: two" ]
}

@test "every bad hypercall is refused and nothing else happens" {
	run_guest test_hypercall
	[ "$status" -eq 0 ]
	[[ "$output" != *"not ok"* ]]
	[[ "$output" == *"a range that wraps is refused"* ]]
}

@test "eight vCPUs run in parallel" {
	run_guest test_cpus --cpus 8
	[ "$status" -eq 0 ]
}

@test "a wait with a timeout ends, never early" {
	run_guest test_sleep
	[ "$status" -eq 0 ]
}

@test "each kind of fault is named and ends the guest" {
	local what
	for what in "null:page fault (vector 14)" \
		"divide:divide error (vector 0)" \
		"opcode:invalid opcode (vector 6)" \
		"port:general protection (vector 13)" \
		"apic:page fault (vector 14)" \
		"privileged:general protection (vector 13)"; do
		run_guest test_fault --args "${what%%:*}"
		[ "$status" -eq 101 ]
		[[ "$output" == *"${what#*:} at rip 0x"* ]]
		[[ "$output" != *"still alive"* ]]
	done
}

# A server of our own for the tests of the device.
with_server() { # size, vectors
	timeout 120 "$ivlab" server --socket "$BATS_TEST_TMPDIR/sock" \
		--size "$1" --vectors "$2" 3>&- &
	server_pid=$!
	eventually 60 test -S "$BATS_TEST_TMPDIR/sock"
}

teardown() {
	[ -z "${server_pid:-}" ] || kill "$server_pid" 2>/dev/null || true
}

@test "configuration space of ivshmem-doorbell, every size and alignment" {
	with_server 64M 2
	run_guest test_pci_config --socket "$BATS_TEST_TMPDIR/sock" \
		--vectors 2 --args "doorbell 64"
	[ "$status" -eq 0 ]
}

@test "configuration space of ivshmem-plain" {
	with_server 1M 2
	run_guest test_pci_config --socket "$BATS_TEST_TMPDIR/sock" \
		--plain --args "plain 1"
	[ "$status" -eq 0 ]
}

@test "registers, doorbells to nobody, interrupts and masking" {
	with_server 4K 2
	run_guest test_doorbell --socket "$BATS_TEST_TMPDIR/sock" --vectors 2
	[ "$status" -eq 0 ]
	[[ "$output" == *"ok an event from before MSI-X was enabled"* ]]
}

@test "a region of 8 GiB is seen whole" {
	awk '/^(MemTotal|SwapTotal):/ { sum += $2 }
		END { exit sum < 8 * 1024 * 1024 }' /proc/meminfo ||
		skip "this machine has less than 8 GiB of RAM and swap"
	with_server 8G 1
	run_guest test_pci_config --socket "$BATS_TEST_TMPDIR/sock" \
		--vectors 1 --args "doorbell 8192"
	[ "$status" -eq 0 ]
}

@test "a guest that wants shared memory and has none is told of --socket" {
	run_guest producer
	[ "$status" -eq 1 ]
	[[ "$output" == *"ivshmem device: not found"* ]]
	[[ "$output" == *"had no shared memory: --socket PATH"*"ivlab server"* ]]
	# Who did not look for it, or ended well, is not told.
	run_guest test_fault --args nonsense
	[ "$status" -ne 0 ]
	[[ "$output" != *"--socket"* ]]
	run_guest hello
	[ "$status" -eq 0 ]
	[[ "$output" != *"--socket"* ]]
}

@test "a stream that has ended is refused at both ends, another channel works" {
	local peer=$IVLAB_BUILD/host_peer sock=$BATS_TEST_TMPDIR/sock
	with_server 4M 2
	timeout 60 "$peer" producer "$sock" messages=100
	timeout 60 "$peer" consumer "$sock" messages=100
	run timeout 60 "$peer" consumer "$sock" messages=100
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"channel messages: its stream has ended, and all of it was taken"* ]]
	run timeout 60 "$peer" producer "$sock" messages=100
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"channel messages: so many messages were sent through it before"* ]]
	# A guest says the same.
	run_guest consumer --socket "$sock" --vectors 2 --args messages=100
	[ "$status" -eq 1 ]
	[[ "$output" == *"its stream has ended"* ]]
	timeout 60 "$peer" producer "$sock" messages=100 channel=other
	timeout 60 "$peer" consumer "$sock" messages=100 channel=other
	# So does a longer stream: it goes on where the last one ended.
	timeout 60 "$peer" producer "$sock" messages=150
	run timeout 60 "$peer" consumer "$sock" messages=150
	[[ "$output" == *"received 50 messages"* ]]
}

@test "images that are no guests are named and refused" {
	local bad=$BATS_TEST_TMPDIR/bad.elf good=$IVLAB_BUILD/guests/hello.elf

	: >"$bad"
	run timeout 60 "$ivlab" vm --image "$bad"
	[ "$status" -eq 103 ]
	[[ "$output" == *"$bad: the file is empty"* ]]

	head -c 100 "$good" >"$bad"
	run timeout 60 "$ivlab" vm --image "$bad"
	[ "$status" -eq 103 ]
	[[ "$output" == *"truncated"* ]]

	head -c 8192 /dev/urandom >"$bad"
	run timeout 60 "$ivlab" vm --image "$bad"
	[ "$status" -eq 103 ]
	[[ "$output" == *"not an ELF file"* ]]

	echo '#!/bin/sh' >"$bad"
	run timeout 60 "$ivlab" vm --image "$bad"
	[ "$status" -eq 103 ]
	[[ "$output" == *"not an ELF file"* ]]

	cp "$good" "$bad"
	printf '\001' | dd of="$bad" bs=1 seek=4 conv=notrunc status=none
	run timeout 60 "$ivlab" vm --image "$bad"
	[ "$status" -eq 103 ]
	[[ "$output" == *"not a 64-bit ELF file"* ]]

	run timeout 60 "$ivlab" vm --image ./nosuchfile
	[ "$status" -eq 103 ]
	[[ "$output" == *"nosuchfile"* ]]
}
