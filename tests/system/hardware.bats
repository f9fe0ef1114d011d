#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# What hardware KVM has and software KVM has not. Everywhere else these are
# skipped; in the bed of `make test-nested` they must run.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	[ ! -e /sys/module/kvm_pvm ] || skip "software KVM"
	guests=$IVLAB_BUILD/guests/classic
}

boot() {
	run --separate-stderr timeout 60 "$ivlab" boot "$@"
	echo "status $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
}

@test "the doctor tells a hardware KVM" {
	run timeout 60 "$ivlab" doctor
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ "KVM kind "\ +ok\ +kvm-(amd|intel) ]]
}

@test "int n, ports by IOPL, SYSCALL and SYSRET work in long mode" {
	boot simple-kvm -l "$guests/hardware.bin"
	[ "$status" -eq 0 ]
	[ "$output" = 'int from ring 0
out at ring 3
int from ring 3
syscall to ring 0
sysret to ring 3' ]
}

@test "KVM itself does 32-bit paging" {
	boot simple-kvm -p --paging-backend kvm "$guests/simple_guest32.bin"
	[ "$status" -eq 0 ]
	boot mini-kvm --paging --paging-backend kvm "$guests/mini_int80.bin"
	[ "$status" -eq 0 ]
	[ "$output" = 'called from ring 3: 0 1 2 3 4 5 6 7 8 9' ]
}
