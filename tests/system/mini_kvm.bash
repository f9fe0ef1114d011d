# SPDX-License-Identifier: MIT
# mini_kvm.bash - what the tests of the ABI mini-kvm share: load mini_kvm
# shellcheck shell=bash
# shellcheck disable=SC2154 # ivlab, output, stderr, status: bats and common

setup() {
	need_kvm
	cd "$BATS_TEST_TMPDIR" || exit 1
	guests=$IVLAB_BUILD/guests/classic
}

# Standard input is what the test gives.
mini() {
	run --separate-stderr timeout 60 "$ivlab" boot mini-kvm "$@"
	echo "status $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
}

image() { # file, bytes as for printf
	# shellcheck disable=SC2059 # bytes are the format
	printf "$2" >"$1"
}

refused() { # words of the message, then the command line
	local words=$1
	shift
	mini "$@" </dev/null
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"$words"* ]]
}

# Paging by KVM itself, or the test is skipped.
need_paging32() {
	image exit.bin '\xba\x00\x05\x00\x00\xb0\x00\xee\xf4'
	mini --paging --paging-backend kvm exit.bin </dev/null
	[ "$status" -eq 0 ] || skip "this KVM has no 32-bit paging"
}

# 32 bit, anywhere: put X by hypercall 1, exit by 0.
# shellcheck disable=SC2034 # for the files that load this one
put_x='\xb3\x58\xba\x00\x05\x00\x00\xb0\x01\xee\xb0\x00\xee\xf4'
