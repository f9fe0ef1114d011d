# SPDX-License-Identifier: MIT
# common.bash - what the system tests share. Each file says: load common
# shellcheck shell=bash

# tests/run names the build; by hand the plain one is taken.
IVLAB_BUILD=${IVLAB_BUILD:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/plain}
# shellcheck disable=SC2034 # for the files that load this one
ivlab=$IVLAB_BUILD/ivlab

# A VM test on a machine without a usable KVM says so and is skipped.
need_kvm() {
	[ -e /dev/kvm ] || skip "no /dev/kvm"
	{ : >/dev/kvm; } 2>/dev/null || skip "/dev/kvm cannot be opened"
}

# Stop a background lab however the test ends.
kill_lab() {
	[ -z "${lab_pid:-}" ] || kill -9 "$lab_pid" 2>/dev/null || true
	lab_pid=
}

# Living processes whose command line holds $1 (zombies have none).
processes_with() {
	# One process, not two for each there is: a busy machine is slow at it.
	pgrep -f -- "$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$1")" || true
}

# Wait up to $1 seconds for the command behind it to succeed. What takes a
# moment here can take a hundred times as long on a busy machine, and whoever
# succeeds waits no longer: be generous.
eventually() {
	local tenths=$(($1 * 10))
	shift
	while [ "$tenths" -gt 0 ]; do
		"$@" && return 0
		sleep 0.1
		tenths=$((tenths - 1))
	done
	return 1
}
