#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output: set by common and bats
# share = PERCENT of a lab file: VMs on one CPU divide it as they were told,
# by their measured CPU time, whatever their guests do.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	command -v jq >/dev/null || skip "no jq"
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR"
	lab=$BATS_TEST_TMPDIR/test.lab
	cpu=$(taskset -pc $$ | sed 's/.*: \([0-9]*\).*/\1/')
	: >"$lab"
}

# name, share or -, words for test_spin
vm() {
	cat >>"$lab" <<-EOF
		[vm $1]
		image = test_spin
		pin = $cpu
		args = $3
	EOF
	[ "$2" = - ] || echo "share = $2" >>"$lab"
}

# Endless guests end by the time-out, which is no failure here.
run_lab() { # seconds
	run --separate-stderr timeout -k 5 180 "$ivlab" run --json --quiet \
		--timeout "$1" "$lab"
	echo "$output$stderr"
	[ "$status" -eq "${2:-1}" ]
}

# What the vCPUs' threads of each VM have run, in ran, by the kernel's account;
# the main thread has started the VM. No process is started to ask, so that it
# is of one moment.
look() {
	local name file ns pid
	for name in "${!pids[@]}"; do
		pid=${pids[$name]} ran[$name]=0
		for file in /proc/"$pid"/task/*/schedstat; do
			[[ $file == */task/$pid/* ]] ||
				! read -r ns _ <"$file" ||
				ran[$name]=$((ran[$name] + ns))
		done
	done
}

# Does every guest of the lab run?
all_run() {
	local name
	while read -r name; do
		pids[$name]=$(processes_with "vm --name $name " | head -n 1)
		[ -n "${pids[$name]}" ] || return 1
	done < <(sed -n 's/^\[vm \(.*\)\]$/\1/p' "$lab")
	look
	for name in "${!ran[@]}"; do
		[ "${ran[$name]}" -ge 50000000 ] || return 1
	done
}

# Have they run for so many quanta since the mark?
ran_quanta() {
	local name
	look
	all_ns=0
	for name in "${!ran[@]}"; do
		got[$name]=$((ran[$name] - mark[$name]))
		all_ns=$((all_ns + got[$name]))
	done
	[ "$all_ns" -ge $(($1 * 1000000000)) ]
}

# Run the lab with a quantum of 1 s until its VMs have had $1 quanta together,
# however long that takes here; then end it. got and all_ns are the kernel's
# account of these quanta, $output the lab's own report on all of its time. A
# second, so that a launcher that a busy machine makes late by a tenth of one is
# wrong by a hundredth.
run_quanta() {
	local name
	declare -gA pids ran mark got
	printf '[lab]\nquantum = 1s\n' >>"$lab"
	timeout 240 "$ivlab" run --json --quiet "$lab" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	lab_pid=$!
	eventually 60 all_run
	look
	for name in "${!ran[@]}"; do
		mark[$name]=${ran[$name]}
	done
	eventually 150 ran_quanta "$1"
	kill -TERM "$lab_pid"
	status=0
	wait "$lab_pid" || status=$?
	lab_pid=
	output=$(cat "$BATS_TEST_TMPDIR/out")
	echo "$output" "$(cat "$BATS_TEST_TMPDIR/err")"
	[ "$status" -eq 143 ]
}

# VM $1 had $2 percent, give or take 2 points, says the report. And 4 by the
# kernel's account, which does not begin when the VMs do.
within() {
	echo "$1: ${got[$1]} of $all_ns ns"
	[ $((100 * got[$1])) -gt $((($2 - 4) * all_ns)) ]
	[ $((100 * got[$1])) -lt $((($2 + 4) * all_ns)) ]
	jq -e --arg vm "$1" --argjson want "$2" '.vms[] | select(.name == $vm) |
		.cpu_percent > $want - 2 and .cpu_percent < $want + 2' \
		<<<"$output"
}

@test "two endless guests get 70 and 30 percent of one CPU" {
	vm most 70 ""
	vm less 30 ""
	run_quanta 10
	within most 70
	within less 30
	jq -e '.vms[0].share == 70 and .vms[1].share == 30' <<<"$output"
}

@test "what shares leave is for those without one" {
	vm most 80 ""
	vm other - ""
	vm third - ""
	run_quanta 10
	within most 80
	within other 10
	within third 10
	jq -e '.vms[1].share == null' <<<"$output"
}

@test "a guest that ends leaves its part, and the other goes on" {
	vm short 90 turns=20
	vm long 10 turns=400
	run_lab 0 0
	jq -e '.ok and ([.vms[].status] | add) == 0' <<<"$output"
	# Twenty times the work: held until the end it could not have done it.
	jq -e '.vms[1].cpu_seconds > 5 * .vms[0].cpu_seconds' <<<"$output"
}

@test "a guest that sleeps leaves its part to those that do not" {
	vm sleeper 90 nap_us=200000
	vm busy 10 ""
	run_lab 8
	jq -e '.vms[1].cpu_seconds > 3 * .vms[0].cpu_seconds' <<<"$output"
}

@test "two vCPUs of one VM on the CPU are one part" {
	cat >>"$lab" <<-EOF
		[vm two]
		image = test_cpus
		cpus = 2
		pin = $cpu,$cpu
		share = 50
	EOF
	vm one 50 turns=20
	run_lab 0 0
	jq -e '.ok' <<<"$output"
}

@test "a lab with held guests ends at a signal, and nothing stays" {
	vm most 99 ""
	vm held 1 ""
	timeout 120 "$ivlab" run --quiet --json "$lab" \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	lab_pid=$!
	eventually 60 both_there
	sleep 0.5
	kill -TERM "$lab_pid"
	status=0
	wait "$lab_pid" || status=$?
	lab_pid=
	[ "$status" -eq 143 ]
	[ -z "$(processes_with "$XDG_RUNTIME_DIR")" ]
}

both_there() {
	[ "$(processes_with "$XDG_RUNTIME_DIR" | wc -l)" -ge 2 ]
}

@test "a favourite that is killed takes no held guest with it, and nothing stays" {
	vm most 99 ""
	vm held 1 ""
	timeout 120 "$ivlab" run --quiet --json "$lab" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	lab_pid=$!
	eventually 60 both_there
	kill -9 "$(processes_with "vm --name most " | head -n 1)"
	status=0
	wait "$lab_pid" || status=$?
	lab_pid=
	[ "$status" -eq 1 ]
	jq -e '.vms[1].end == "stopped"' "$BATS_TEST_TMPDIR/out"
	[ -z "$(processes_with "$XDG_RUNTIME_DIR")" ]
}

@test "the table shows CPU time, percent and share" {
	vm most 70 turns=10
	vm less 30 turns=10
	run --separate-stderr timeout 120 "$ivlab" run --quiet "$lab"
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	[[ $output == *"CPU s  CPU %  share"* ]]
	[[ $output =~ most\ .*\ [0-9]+\.[0-9]{3}\ .*\ 70 ]]
}

@test "shares that cannot be kept are named before anything starts" {
	vm a 70 ""
	vm b 31 ""
	run timeout 60 "$ivlab" run "$lab"
	[ "$status" -eq 2 ]
	[[ $output == *"have 101 percent of it together; allowed: 100"* ]]
}

teardown() {
	kill_lab
}
