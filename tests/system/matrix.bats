#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab: set by common
# `ivlab boot matrix`: two guests take turns on one host thread.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# xor ax,ax; again: out 0x10,ax; inc ax; jmp again
	image neo 31 c0 e7 10 40 eb fb
	# xor ax,ax; again: out 0x11,ax; dec ax; jmp again
	image morpheus 31 c0 e7 11 48 eb fb
	# xor ax,ax; again: inc ax; jmp again
	image quiet 31 c0 40 eb fd
	image halt f4
}

image() { # name, bytes in hexadecimal...
	local name=$1
	shift
	printf '%b' "$(printf '\\x%s' "$@")" >"$name"
}

# Standard output and standard error apart, in $output and $errors.
matrix() {
	run timeout -k 5 120 bash -c '"$@" 2>errors' matrix "$ivlab" boot matrix "$@"
	errors=$(cat errors)
}

expect() { # status, part of the errors
	if [ "$status" -ne "$1" ] || [[ $errors != *"$2"* ]]; then
		echo "wanted status $1 and: $2"
		echo "got status $status, output $output, errors: $errors"
		return 1
	fi
}

# Whose turns, one digit each: 4445...
turns() {
	sed -n 's/^VMFD: \([45]\) started running$/\1/p' <<<"$output" | tr -d '\n'
}

# What VM $1 wrote, in order.
data() {
	sed -n "s/^VMFD: $1 out port: [0-9]*, data: //p" <<<"$output" | paste -sd ' '
}

@test "io: turns alternate with every exit, registers stay" {
	need_kvm
	matrix --schedule io --slices 8 neo morpheus
	expect 0 ""
	[ "$(turns)" = 45454545 ]
	[ "$(data 4)" = "0 1 2 3" ]
	[ "$(data 5)" = "0 65535 65534 65533" ]
	[ "$(head -n 10 <<<"$output")" = "VMFD: 4, Loaded Program with size: 7
VMFD: 5, Loaded Program with size: 7
VMFD: 4 started running
VMFD: 4 stopped running - exit reason: 2
VMFD: 4 KVM_EXIT_IO
VMFD: 4 out port: 16, data: 0
VMFD: 5 started running
VMFD: 5 stopped running - exit reason: 2
VMFD: 5 KVM_EXIT_IO
VMFD: 5 out port: 17, data: 0" ]
	[ -z "$errors" ]
}

# Does the CPU keep code inside its segment? QEMU's TCG does not, so neither
# does the KVM of an emulated machine. The image sets the vector of #GP and jumps
# to the segment's last two bytes, zeros: behind these is the exception, which
# leads to a HLT, or else there is an OUT.
need_code_limit() {
	# xor ax,ax; mov ds,ax; mov word [52],24; mov word [54],0x1000;
	# jmp 0xfffe; times 5 nop; hlt
	image limit 31 c0 8e d8 c7 06 34 00 18 00 c7 06 36 00 00 10 \
		e9 eb ff 90 90 90 90 90 f4
	truncate -s 65536 limit
	# out 0x10,al; hlt
	printf '\xe6\x10\xf4' >>limit
	run timeout 60 "$ivlab" boot matrix --schedule io --slices 1 \
		limit limit
	[[ $output == *"exit reason: 5"* ]] ||
		skip "this CPU does not know where a code segment ends"
}

@test "io: loaded at 0, as the ancestor did, the guests do the same" {
	need_kvm
	need_code_limit
	matrix --schedule io --slices 6 neo morpheus
	good=$output
	matrix --schedule io --slices 6 --load 0 neo morpheus
	expect 0 ""
	[ "$output" = "$good" ]
}

@test "timer: guests that never exit take turns" {
	need_kvm
	matrix --schedule timer --quantum 10ms --slices 6 quiet quiet
	expect 0 ""
	[ "$(turns)" = 454545 ]
	[ "$(grep -c '^VMFD: [45] stopped running - exit reason: 10$' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^VMFD: [45] KVM_EXIT_INTR$' <<<"$output")" -eq 6 ]
	[ "$(grep -cE '^Time: [0-9]+\.[0-9]+$' <<<"$output")" -eq 6 ]
}

@test "timer: each turn's time is told when it ends" {
	need_kvm
	matrix --schedule timer --quantum 200ms --slices 2 quiet quiet
	expect 0 ""
	awk '$1 == "Time:" { n++; if ($2 < n * 0.2) bad = 1 }
		END { exit bad || n != 2 }' <<<"$output"
}

@test "frac: 7 to 3, in blocks and spread" {
	need_kvm
	matrix --quantum 10ms --slices 20 quiet quiet
	expect 0 ""
	[ "$(turns)" = 44444445554444444555 ]
	matrix --quantum 10ms --slices 10 --order block --frac 2:3 quiet quiet
	expect 0 ""
	[ "$(turns)" = 4455544555 ]
	matrix --quantum 10ms --slices 20 --order spread quiet quiet
	expect 0 ""
	[ "$(turns)" = 44454454454445445445 ]
}

@test "frac: an exit ends a turn, too" {
	need_kvm
	matrix --quantum 1s --slices 20 neo morpheus
	expect 0 ""
	[ "$(turns)" = 44444445554444444555 ]
	[ "$(data 4)" = "0 1 2 3 4 5 6 7 8 9 10 11 12 13" ]
	[ "$(data 5)" = "0 65535 65534 65533 65532 65531" ]
}

@test "frac: over 10 quanta CPU times are within 2 points of A:B" {
	need_kvm
	command -v jq >/dev/null || skip "no jq"
	local order
	# The last turn may end late on a busy machine, in the bed by some 25 ms:
	# half a hundredth of ten of these.
	local quantum=500ms
	for order in block spread; do
		matrix --quantum $quantum --slices 10 --order $order \
			--stats=stats --json quiet quiet
		expect 0 ""
		cat stats
		jq -e '[.vms[].cpu_ns] | 100 * .[0] / add | 68 < . and . < 72' \
			stats
	done
	matrix --quantum $quantum --slices 10 --frac 1:4 --stats quiet quiet
	expect 0 "VMFD 4: "
	[[ $errors =~ VMFD\ 4:\ (19|20)\.[0-9]\ %\ of\ the\ CPU\ time,\ 2\ of\ 10\ slices ||
		$errors =~ VMFD\ 4:\ (18|21)\.[0-9]\ %\ of ]]
}

@test "guests that came with ivlab run without being named" {
	need_kvm
	[ -f "$IVLAB_BUILD/guests/classic/matrix_neo.bin" ] ||
		skip "matrix_neo.bin is not built"
	matrix --schedule io --slices 6
	expect 0 ""
	[ "$(data 4)" = "0 1 2" ]
	[ "$(data 5)" = "0 65535 65534" ]
	matrix --quantum 10ms --slices 10
	expect 0 ""
	[ "$(turns)" = 4444444555 ]
	[ -z "$(data 4)" ]
}

@test "under the ancestor's names its schedules are the default" {
	need_kvm
	ln -s "$ivlab" matrix-a
	ln -s "$ivlab" matrix-b
	ln -s "$ivlab" matrix
	run timeout 120 ./matrix-a --slices 4 neo morpheus
	[ "$status" -eq 0 ]
	[ "$(turns)" = 4545 ]
	run timeout 120 ./matrix-b --slices 4 --quantum 10ms quiet quiet
	[ "$status" -eq 0 ]
	[ "$(turns)" = 4545 ]
	run timeout 120 ./matrix --slices 10 --quantum 10ms quiet quiet
	[ "$status" -eq 0 ]
	[ "$(turns)" = 4444444555 ]
}

@test "without an end a signal ends it, with the statistics" {
	need_kvm
	local how
	for how in INT:130 TERM:143; do
		for words in "--schedule io quiet quiet" "--quantum 10ms quiet quiet" \
			"--schedule io --pause 3600s neo morpheus"; do
			# Not ignored, as bash would have it in the background.
			# shellcheck disable=SC2086 # words
			env --default-signal=INT "$ivlab" boot matrix --stats $words \
				>lines 2>errors 3>&- &
			lab_pid=$!
			eventually 60 grep -q started lines
			kill -"${how%:*}" "$lab_pid"
			status=0
			wait "$lab_pid" || status=$?
			lab_pid=
			errors=$(cat errors)
			expect "${how#*:}" "VMFD 4: "
		done
	done
}

teardown() {
	kill_lab
}

@test "any other end is named and status 1" {
	need_kvm
	matrix --schedule io --slices 4 neo halt
	expect 1 "halt.1: halted; guests of this ABI have no end"
	[[ $output == *"VMFD: 5 stopped running - exit reason: 5" ]]
	matrix --quantum 10ms halt quiet
	expect 1 "halt.0: halted"
}

@test "string instructions and IN are told" {
	need_kvm
	# xor ax,ax; mov ds,ax; mov si,0x500; mov dx,0x12; mov cx,3; rep outsb;
	# in al,0x60; jmp -4
	image strings 31 c0 8e d8 be 00 05 ba 12 00 b9 03 00 f3 6e e4 60 eb fc
	matrix --schedule io --slices 24 strings morpheus
	expect 0 ""
	[[ $output == *"VMFD: 4 out port: 18, data: 0"* ]]
	[[ $output == *"VMFD: 4 in port: 96"* ]] || {
		echo "$output"
		return 1
	}
}

@test "bad values of every option are named, and nothing runs" {
	local bad
	for bad in 0s 0ms 999us 10 x "" -1s 3601s 99999999999999999999s; do
		matrix --quantum "$bad"
		expect 1 "--quantum $bad; allowed: 1ms to 3600s"
	done
	for bad in 1 1m x "" 3601s; do
		matrix --pause "$bad"
		expect 1 "--pause $bad; allowed: 0s to 3600s"
	done
	for bad in 7 7:0 0:3 :3 7: 1001:1 7:3:1 a:b "" -1:3 7,3; do
		matrix --frac "$bad"
		expect 1 "--frac $bad; allowed: A:B, each 1 to 1000"
	done
	matrix --order random
	expect 1 "--order random; allowed: block or spread"
	matrix --schedule fair
	expect 1 "--schedule fair; allowed: io, timer or frac"
	for bad in 0 -1 x ""; do
		matrix --slices "$bad"
		expect 1 "--slices $bad; allowed: 1 or more"
	done
	for bad in 512000000 -1 x ""; do
		matrix --load "$bad"
		expect 1 "--load $bad; allowed: 0 to 0x1e847fff"
	done
	matrix --schedule io --quantum 1s
	expect 1 "--quantum needs --schedule timer or frac"
	matrix --schedule timer --frac 7:3
	expect 1 "--frac needs --schedule frac"
	matrix --schedule timer --order block
	expect 1 "--order needs --schedule frac"
	matrix neo
	expect 1 "two images"
	matrix neo neo neo
	expect 1 "two images"
	matrix --nonsense
	expect 1 "unknown option --nonsense"
	[ -z "$output" ]
}

@test "images that cannot run are named" {
	need_kvm
	: >empty
	matrix --schedule io --slices 2 neo absent
	expect 1 "image absent: No such file or directory"
	matrix --schedule io --slices 2 empty neo
	expect 1 "image empty: empty"
	matrix --schedule io --slices 2 --load 511999996 neo neo
	expect 1 "image neo: too large; 4 bytes fit at 0x1e847ffc"
}

@test "output that cannot be written is status 1" {
	need_kvm
	run timeout 60 bash -c '"$0" boot matrix --schedule io neo morpheus >/dev/full' "$ivlab"
	[ "$status" -eq 1 ]
	[[ $output == *"standard output: No space left on device"* ]]
	run timeout 60 bash -c '"$0" boot matrix --schedule io neo morpheus | head -n 3; exit ${PIPESTATUS[0]}' "$ivlab"
	[ "$status" -eq 1 ]
	[[ $output == *"standard output: Broken pipe"* ]]
}
