#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A stock QEMU as a peer of our server and of a host process of ours. One run
# of qtest_peer checks all claims, in order; each is a test of its own here.

setup_file() {
	# Its files go where bats clears up, even if it is killed.
	TMPDIR=$(mktemp -d)
	export TMPDIR
	peer_status=0
	timeout -k 5 180 "$IVLAB_BUILD/system/qtest_peer" \
		>"$TMPDIR/out" 2>&1 || peer_status=$?
	export peer_status
}

teardown_file() {
	rm -rf "$TMPDIR"
}

claim() {
	[ "$peer_status" -ne 77 ] || skip "$(tail -n 1 "$TMPDIR/out")"
	grep -qx "ok $1" "$TMPDIR/out" || {
		echo "qtest_peer ended with status $peer_status (124, 137: timeout)"
		cat "$TMPDIR/out"
		return 1
	}
}

@test "QEMU shows the configuration space our device copies" {
	claim config_space_is_the_stock_table
}

@test "QEMU reads the id our server gave it in IVPosition" {
	claim iv_position_is_the_id_we_gave
}

@test "QEMU's BAR2 and the host peer's region are one memory" {
	claim memory_is_one_object
}

@test "a doorbell from QEMU raises the host peer's vector" {
	claim doorbell_of_qemu_raises_our_vector
}

@test "a doorbell from QEMU to nobody raises nothing" {
	claim doorbell_to_nobody_raises_nothing
}

@test "a ring from the host peer sets the pending bit in QEMU" {
	claim notify_sets_the_pending_bit
}

@test "the server notices that QEMU was killed" {
	claim killed_qemu_is_gone_for_the_server
}

@test "qtest_peer itself ended well" {
	[ "$peer_status" -ne 77 ] || skip "$(tail -n 1 "$TMPDIR/out")"
	[ "$peer_status" -eq 0 ] || {
		cat "$TMPDIR/out"
		return 1
	}
}
