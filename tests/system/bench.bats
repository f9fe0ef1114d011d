#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab: set by common
# The benchmark against peers: what it refuses, what its JSON promises, and
# that every queue delivered what was written. Its figures are not judged: a
# test machine has other things to do.

load common

# Standard output and standard error apart, in $output and $errors.
bench() {
	run timeout -k 5 120 bash -c '"$@" 2>"$0"' \
		"$BATS_TEST_TMPDIR/errors" "$ivlab" bench "$@"
	errors=$(cat "$BATS_TEST_TMPDIR/errors")
}

expect() { # status, part of the errors
	if [ "$status" -ne "$1" ] || [[ $errors != *"$2"* ]]; then
		echo "wanted status $1 and: $2"
		echo "got status $status and: $errors"
		return 1
	fi
}

need_two_cpus() {
	[ "$(nproc)" -ge 2 ] || skip "one CPU only"
}

# One run for all tests that look at it.
quick_json() {
	need_two_cpus
	json=$BATS_FILE_TMPDIR/quick.json
	[ -s "$json" ] && return
	timeout -k 5 240 "$ivlab" bench peers --quick --json \
		>"$json" 2>"$BATS_FILE_TMPDIR/progress" && return
	cat "$BATS_FILE_TMPDIR/progress"
	rm -f "$json"
	return 1
}

@test "bench lists peers with its options" {
	bench --help
	expect 0 ""
	[[ $output == *"  peers "* ]]
	for option in --quick --rounds --only --csv --build --json --cpus; do
		[[ $output == *"$option"* ]]
	done
}

@test "bench peers refuses bad options" {
	for bad in 0 32 -1 x ''; do
		bench peers --rounds "$bad"
		expect 2 "--rounds $bad; allowed: 1 to 31"
	done
	bench peers --build ../../bin/sh
	expect 2 "--build ../../bin/sh; allowed: aligned"
	bench peers --nonsense
	expect 2 "unknown option --nonsense"
	bench peers --csv
	expect 2 "option --csv needs a value"
	bench peers --cpus 0,0
	expect 2 "--cpus 0,0; allowed: two different CPUs"
}

@test "option of another benchmark is refused" {
	bench peers --pairs 3
	expect 2 "an option given is for: ivlab bench ring"
	bench ring --quick
	expect 2 "an option given is for: ivlab bench peers"
	[ -z "$output" ]
}

@test "bench peers on a CPU that is not there fails with its number" {
	bench peers --quick --cpus 1022,1023
	expect 1 "there is no CPU 1022"
}

@test "workload that is not there fails with its name" {
	need_two_cpus
	bench peers --quick --only 'no such workload'
	expect 1 'no workload has "no such workload" in its name'
}

@test "quick run is one JSON object" {
	quick_json
	jq -e 'type == "object" and .ok == true' "$json"
}

@test "quick run has every promised key" {
	quick_json
	jq -e '.rows | length > 100' "$json"
	jq -e '[.rows[] | (.workload | type == "string") and
		(.queue | type == "string") and (.ns | type == "number") and
		.ns > 0 and (.ours | type == "boolean") and
		(.limit | type == "boolean") and
		(.spread | type == "number") and
		(.way | IN("threads", "processes", "vms"))] | all' "$json"
	jq -e '[.rows[] | select(.workload | startswith("rtt")) |
		.p99 >= .ns and .p999 >= .p99] | length > 10 and all' "$json"
	jq -e '.missing | type == "array"' "$json"
	jq -e '.timed_out | type == "array"' "$json"
	jq -e '.dropped | has("context_switch") and has("fast_probe") and
		has("moved_cpus")' "$json"
	jq -e '.machine | has("cpu") and has("kernel") and has("kvm") and
		has("page_bytes") and has("memory_type") and has("flags")' \
		"$json"
}

@test "each row is one workload, queue and way, once" {
	quick_json
	jq -e '[.rows[] | [.workload, .queue, .way]] |
		length == (unique | length)' "$json"
}

@test "every workload of the table is there, with a limit and ours" {
	quick_json
	for workload in '8B x1 64KiB' '8B x1 512KiB' '8B x8 64KiB' \
		'8B x32 512KiB' '64B x1 64KiB' '64B x1 512KiB' \
		'256B x1 512KiB' '1KiB x1 512KiB' '4KiB x1 1MiB' \
		'64KiB x1 1MiB' 'rtt 56B' 'rtt 64B' 'rpc 56B'; do
		echo "$workload"
		jq -e --arg w "$workload" '[.rows[] | select(.workload == $w)] |
			any(.ours) and any(.limit)' "$json"
	done
	for workload in 'mpmc 8B 1P1C' 'mpmc 8B pairs x32' 'mpmc 8B 2P2C'; do
		echo "$workload"
		jq -e --arg w "$workload" '[.rows[] | select(.workload == $w)] |
			any(.ours)' "$json"
	done
}

@test "every queue that is built in delivered what was written" {
	quick_json
	for queue in spsc 'spsc, staged' 'spsc, trusting' spsc_var spsc_cell \
		spsc_call mpmc 'LMAX layout' 'virtio packed layout' \
		'B-Queue layout' 'FastForward layout' 'MCRingBuffer layout' \
		pipe 'unix socket' 'raw lines' 'memcpy, one core'; do
		echo "$queue"
		jq -e --arg q "$queue" '[.rows[] | select(.queue == $q) |
			.checked and .samples > 0] | length > 0 and all' "$json"
	done
	jq -e '[.rows[].checked] | all' "$json"
}

@test "peer from a package is measured or named as missing" {
	quick_json
	for queue in 'DPDK rte_ring SP/SC' 'DPDK rte_ring MP/MC' \
		'ck_ring spsc' 'ck_ring mpmc' 'boost spsc_queue' \
		'boost queue' 'moodycamel ReaderWriterQueue' \
		'moodycamel ConcurrentQueue'; do
		echo "$queue"
		jq -e --arg q "$queue" '([.rows[].queue] | index([$q]) != null)
			!= ([.missing[].queue] | index([$q]) != null)' "$json"
	done
	jq -e '[.missing[] | has("package") or has("why")] | all' "$json"
}

@test "guests are measured beside host threads, or named as missing" {
	quick_json
	if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		jq -e '[.rows[] | select(.way == "vms") | .queue] | unique |
			length == 2' "$json"
	else
		jq -e '[.missing[].queue] | index(["guest to guest"]) != null' \
			"$json"
	fi
}

@test "text marks ours and limits, and CSV has the same rows" {
	need_two_cpus
	bench peers --quick --rounds 1 --only '64B x1 512KiB' \
		--csv "$BATS_TEST_TMPDIR/f.csv"
	expect 0 "round 1 of 1"
	grep -q '^\* spsc ' <<<"$output"
	grep -q '^= raw lines' <<<"$output"
	head -1 "$BATS_TEST_TMPDIR/f.csv" | grep -q '^workload,way,queue,ours,limit,ns,'
	grep -q '^"64B x1 512KiB",threads,"spsc",1,0,' "$BATS_TEST_TMPDIR/f.csv"
}

@test "figures that cannot be written are an error" {
	need_two_cpus
	bench peers --quick --rounds 1 --only bounce --csv /dev/null/f
	expect 1 "/dev/null/f: Not a directory"
	[ -e /dev/full ] || skip "no /dev/full"
	run timeout 60 bash -c '"$0" bench peers --quick --rounds 1 \
		--only bounce --json >/dev/full' "$ivlab"
	[ "$status" -eq 1 ]
}

@test "bench files refuses bad options" {
	for bad in 0 100000 x; do
		bench files --files "$bad"
		expect 2 "--files $bad; allowed: 1 to 99999"
	done
	bench files --rounds 32
	expect 2 "--rounds 32; allowed: 1 to 31"
	bench files --quick
	expect 2 "an option given is for: ivlab bench peers"
	bench ring --dir /tmp
	expect 2 "an option given is for: ivlab bench files"
}

@test "bench files says what it misses" {
	local missing='only root may mount'
	if [ "$(id -u)" -eq 0 ]; then
		missing='diod is not installed'
		[ ! -x /usr/sbin/diod ] || missing='no 9p client'
		! grep -qw 9p /proc/filesystems || skip "this machine has all of it"
	fi
	bench files --json
	expect 1 "$missing"
	[[ $(jq -r '"\(.ok) \(.error)"' <<<"$output") == "false "*"$missing"* ]]
}
