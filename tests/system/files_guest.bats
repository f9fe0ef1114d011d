#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output: set by common and bats
# Bare guests and the host's files: the 9P client over virtio against the
# server in the monitor, and labs with shares.
load common

setup() {
	need_kvm
	data=$BATS_TEST_TMPDIR/data private=$BATS_TEST_TMPDIR/private
	mkdir -p "$data/deep/er"
	printf 'hello from the host\n' >"$data/hello"
	printf x >"$data/deep/er/file"
	# Each byte the low byte of its number / 256, as the guest expects.
	for ((i = 0; i < 256; i++)); do
		printf "\\x$(printf %x "$i")%.0s" {1..256}
	done >"$data/big.64k"
	for ((i = 0; i < 48; i++)); do cat "$data/big.64k"; done >"$data/big"
	rm "$data/big.64k"
	before=$(sums)
}

sums() {
	(cd "$data" && find . -type f -exec sha256sum {} + | sort)
}

run_files() { # arguments of ivlab vm...
	run timeout 120 "$ivlab" vm --image "$IVLAB_BUILD/guests/test_files.elf" \
		--memory 32M "$@"
	echo "$output"
}

@test "a guest reads and changes a copy-on-write share, and the host's files stay" {
	run_files --share "data=$data" --mode cow --private "$private"
	[ "$status" -eq 0 ]
	[[ "$output" != *"not ok"* ]]
	[[ "$output" == *"it is found again after a reset"* ]]
	[ "$(sums)" = "$before" ]
	# The bed's temporary files have no user xattrs, which is said.
	run bash -c '"$@" 2>/dev/null' - "$ivlab" files diff "$data" \
		--private "$private"
	echo "$output"
	[ "$output" = $'D deep/er/file\nM hello' ]
}

@test "what a guest changed is there in its next life, and --fresh forgets it" {
	run_files --share "data=$data" --mode cow --private "$private"
	[ "$status" -eq 0 ]
	run_files --share "data=$data" --mode cow --private "$private"
	[ "$status" -ne 0 ]
	[[ "$output" == *"not ok a file reads"* ]]
	run_files --share "data=$data" --mode cow --private "$private" --fresh
	[ "$status" -eq 0 ]
}

@test "a read-only share refuses every change" {
	run_files --share "data=$data" --args ro
	[ "$status" -eq 0 ]
	[[ "$output" != *"not ok"* ]]
	[[ "$output" == *"ok unlink is EROFS"* ]]
	[ "$(sums)" = "$before" ]
}

@test "a read-write share changes the host's files" {
	run_files --share "data=$data" --mode rw
	[ "$status" -eq 0 ]
	[ "$(cat "$data/hello")" = "HELLO from the host" ]
	[ ! -e "$data/deep/er/file" ]
}

@test "the second of two shares is found by its name" {
	mkdir "$BATS_TEST_TMPDIR/other"
	run_files --share "other=$BATS_TEST_TMPDIR/other" \
		--share "data=$data" --args ro
	[ "$status" -eq 0 ]
}

@test "a share that cannot be is refused with what is allowed" {
	local options
	for options in "--share data" "--share =$data" "--share a/b=$data" \
		"--mode cow" "--share data=$data --mode cow" \
		"--share data=$data --mode other" "--share data=$data --fresh" \
		"--share data=$data --quota 1M" \
		"--share data=$data --share data=$data"; do
		# shellcheck disable=SC2086 # words
		run_files $options
		[ "$status" -eq 2 ]
		[[ "$output" == *"ivlab vm"* ]]
	done
	run_files --share "data=$data/none"
	[ "$status" -eq 103 ]
	run_files --share "data=$data" --mode cow --private "$data/p"
	[ "$status" -eq 103 ]
	[[ "$output" == *"private directory $data/p: it and the shared"* ]]
	[ ! -e "$data/p" ]
}

@test "the demo shows three views, an untouched original and each one's changes" {
	run timeout 120 "$BATS_TEST_DIRNAME/../../guests/apps/files_demo.sh" \
		"$IVLAB_BUILD"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"editor   |   letter.txt     DEAR ALL,/"* ||
		"$output" == *"editor|   letter.txt     DEAR ALL,/"* ]]
	[[ "$output" == *"byte for byte as it was"* ]]
	[[ "$output" == *"M letter.txt"*"D list.txt"*"A old-plan.txt"* ]]
}

@test "a lab tells requests for files, and exits and interrupts for each" {
	mkdir "$BATS_TEST_TMPDIR/lab"
	cp -r "$BATS_TEST_DIRNAME/../../guests/apps/files.lab" \
		"$BATS_TEST_DIRNAME/../../guests/apps/files" "$BATS_TEST_TMPDIR/lab"
	run timeout 120 "$ivlab" run --quiet "$BATS_TEST_TMPDIR/lab/files.lab"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"exits/request"* ]]
	rm -r "$BATS_TEST_TMPDIR/lab/.ivlab"
	timeout 120 "$ivlab" run --quiet --json "$BATS_TEST_TMPDIR/lab/files.lab" \
		>"$BATS_TEST_TMPDIR/json"
	jq -c '.vms[].files' "$BATS_TEST_TMPDIR/json"
	# One at a time: each is rung for, and answered by an interrupt or found
	# answered by a guest that has not gone to sleep yet.
	jq -e '[.vms[].files] | length == 3 and all(.requests >= 10 and
		.bytes_read > 0 and .exits >= 1 and .exits_per_request <= 2 and
		.interrupts_per_request <= 1)' "$BATS_TEST_TMPDIR/json"
}

@test "a driver that breaks any rule gets a reset, and the device works on" {
	run timeout 300 "$ivlab" vm \
		--image "$IVLAB_BUILD/guests/test_virtio_liar.elf" \
		--share "data=$data"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *"not ok"* ]]
	[[ "$output" == *"share data: the driver broke the queue: "* ]]
	[[ "$output" == *"ok and serves files"* ]]
}

lab_with() { # lines behind [share papers]
	{
		printf '[lab]\nregion = 2M\n[share papers]\n'
		printf '%s\n' "$@"
		printf '[vm one]\nimage = files_demo\nshares = papers\n'
	} >"$BATS_TEST_TMPDIR/x.lab"
	run "$ivlab" run --quiet "$BATS_TEST_TMPDIR/x.lab"
	echo "$output"
}

@test "mistakes in a share of a lab file name line, key and what is allowed" {
	lab_with "mode = ro"
	[ "$status" -eq 2 ]
	[[ "$output" == *"x.lab:3: [share papers] path: missing; allowed: "* ]]
	lab_with "path = none"
	[[ "$output" == *":4: [share papers] path = none: No such file"* ]]
	lab_with "path = data" "mode = wr"
	[[ "$output" == *":5: [share papers] mode = wr: no such mode; allowed: ro, rw or cow"* ]]
	lab_with "path = data" "quota = 1M"
	[[ "$output" == *":5: [share papers] quota: only changes of VMs"* ]]
	lab_with "path = data" "[vm two]" "image = hello" "shares = letters"
	[[ "$output" == *":7: [vm two] shares: there is no [share letters]; allowed: "* ]]
	lab_with "path = data" "[share papers]" "path = data"
	[[ "$output" == *":5: [share papers]: there is one of that name on line 3"* ]]
}
