#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr, lines: set by common and bats
# The ABI mini-hypervisor, a test per rule of docs/classic-guests.md. Guests
# come from guests/apps/classic/, or are a few bytes put together here.
load common
bats_require_minimum_version 1.5.0

# As the ancestor's users had it: images and shared files in Guest/, the
# monitor started in a directory beside it.
setup() {
	need_kvm
	guests=$IVLAB_BUILD/guests/classic
	mkdir "$BATS_TEST_TMPDIR/Guest" "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || exit 1
	printf 'line one\nline two\n' >../Guest/shared.txt
}

# Standard input is what the test gives, else nothing.
hv() {
	run --separate-stderr timeout 120 "$ivlab" boot mini-hypervisor "$@"
	echo "status $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
}

hv4() {
	hv -m 4 -p 2 "$@"
}

image() { # file, bytes as for printf
	# shellcheck disable=SC2059 # bytes are the format
	printf "$2" >"$1"
}

refused() { # words of the message, then the command line
	local words=$1
	shift
	hv "$@" </dev/null
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"$words"* ]]
}

verdicts() { # how many lines must say SUCCESS, and no other line be there
	[ "$status" -eq 0 ]
	[ "$(grep -c ': SUCCESS$' <<<"$output")" -eq "$1" ]
	[ "$(wc -l <<<"$output")" -eq "$1" ]
}

# --- machine ----------------------------------------------------------------

@test "every size of RAM with every size of pages, all of it mapped" {
	local m p
	for m in 2 4 8; do
		for p in 4 2; do
			hv -m "$m" -p "$p" -g "$guests/minihv_hello.bin" \
				"$guests/minihv_ram.bin" --tag </dev/null
			[ "$status" -eq 0 ]
			[ "$(sort <<<"$output")" = "minihv_hello.0| Hello from long mode, $m MB of RAM
minihv_ram.1| RAM: SUCCESS" ]
		done
	done
}

@test "the first state is the ancestor's" {
	image halt.bin '\xf4'
	hv -m 2 -p 4 -g halt.bin --dump-state </dev/null
	[ "$status" -eq 0 ]
	[[ $stderr == *'rip 0 rflags 2 rsp 200000 '* ]]
	[[ $stderr == *'cr0 80000001 cr2 0 cr3 11000 cr4 20 efer 500'* ]]
	[[ $stderr == *'cs 0008 base 0 '*'type b '*' l1 '* ]]
	[[ $stderr == *'ss 0010 base 0 '*'type 3 s1 dpl0 p1 db0 '* ]]
	[[ $stderr == *'linear 0..1fffff -> 0 rw user, pages of 4 KiB'* ]]
}

@test "an image over the classic page tables runs, with its last byte in place" {
	# jmp to 0x12000; there: mov al, [0x1fffe]; out 0xe9, al; hlt
	image long.bin '\xe9\xfb\x1f\x01\x00'
	truncate -s $((0x12000)) long.bin
	printf '\x8a\x04\x25\xfe\xff\x01\x00\xe6\xe9\xf4' >>long.bin
	truncate -s $((0x1fffe)) long.bin
	printf 'K' >>long.bin
	hv -m 2 -p 4 -g long.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = K ]
}

@test "an image that leaves no room for page tables and stack is refused" {
	image huge.bin '\xf4'
	truncate -s $((0x1c0001)) huge.bin
	refused 'huge.bin: too large' -m 2 -p 2 -g huge.bin
	hv4 -g huge.bin </dev/null
	[ "$status" -eq 0 ]
}

@test "HLT ends a VM, and so does a shut-down, which is told" {
	hv4 -g "$guests/minihv_halt.bin" </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *KVM_EXIT_HLT* ]]
	hv4 --tag -g "$guests/minihv_triple.bin" "$guests/minihv_hello.bin" </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *'| before the fault'* ]]
	[[ $output == *'| Hello from long mode, 4 MB of RAM'* ]]
	[[ $stderr == *'VM 0: Shutdown'* ]]
	[[ $stderr == *'VM 1: KVM_EXIT_HLT'* ]]
}

@test "an exit nobody has an answer for ends that VM, as failed" {
	# A page of its own making leads out of RAM: mov qword [0x13008],
	# 0x40000087, the directory's second entry; mov eax, [0x200000]; hlt
	image mmio.bin '\x48\xc7\x04\x25\x08\x30\x01\x00\x87\x00\x00\x40\x8b\x04\x25\x00\x00\x20\x00\xf4'
	hv -m 2 -p 2 -g mmio.bin "$guests/minihv_hello.bin" </dev/null
	[ "$status" -eq 1 ]
	[ "$output" = 'Hello from long mode, 2 MB of RAM' ]
	[[ $stderr == *'mmio.0: read of 4 bytes at 0x40000000'* ]]
}

@test "the monitor's words frame the run, on stderr" {
	hv4 -g "$guests/minihv_halt.bin" "$guests/minihv_halt.bin" -f ../Guest/shared.txt </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	local line
	for line in 'Starting VM with:' '  Memory size: 4 MB' '  Page size: 2 MB' \
		'  Shared file: ../Guest/shared.txt' \
		'All VMs running. Waiting for them to exit...' \
		'VM 0 has finished.' 'VM 1 has finished.' \
		'All VMs have finished. Exiting hypervisor.'; do
		grep -qF -- "$line" <<<"$stderr"
	done
	[[ $(tail -n 1 <<<"$stderr") == *'Exiting hypervisor.' ]]
}

@test "32 VMs run at once, each in a machine of its own" {
	local images=() i
	for ((i = 0; i < 32; i++)); do
		images+=("$guests/minihv_hello.bin")
	done
	hv -m 8 -p 4 --tag -g "${images[@]}" </dev/null
	[ "$status" -eq 0 ]
	[ "$(sort -u <<<"$output" | wc -l)" -eq 32 ]
	[ "$(grep -c '| Hello from long mode, 8 MB of RAM$' <<<"$output")" -eq 32 ]
}

@test "a guest prints the same beside others as alone" {
	hv4 -g "$guests/minihv_handles.bin" --fresh </dev/null
	local alone=$output
	hv4 --tag --fresh -g "$guests/minihv_hello.bin" \
		"$guests/minihv_handles.bin" "$guests/minihv_triple.bin" \
		"$guests/minihv_handles.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$(sed -n 's/^minihv_handles\.1| //p' <<<"$output")" = "$alone" ]
	[ "$(sed -n 's/^minihv_handles\.3| //p' <<<"$output")" = "$alone" ]
}

@test "figures are per VM" {
	hv4 --stats --json -g "$guests/minihv_hello.bin" "$guests/minihv_private.bin" </dev/null
	[ "$status" -eq 0 ]
	[[ $stderr == *'"port":233'* ]]
	[[ $stderr == *'"port":632'* ]]
	[ "$(grep -o '"ram_bytes":4194304' <<<"$stderr" | wc -l)" -eq 2 ]
}

# --- console ----------------------------------------------------------------

@test "IN from the console is the next byte of stdin, 0xff at its end" {
	hv4 -g "$guests/minihv_echo.bin" <<<'some words'
	[ "$status" -eq 0 ]
	[ "$output" = 'some words' ]
	hv4 -g "$guests/minihv_echo.bin" < <(printf 'no newline')
	[ "$status" -eq 0 ]
	[ "$output" = 'no newline' ]
	hv4 -g "$guests/minihv_echo.bin" </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "input that comes late is waited for" {
	hv4 -g "$guests/minihv_echo.bin" < <(
		sleep 1
		echo late
	)
	[ "$status" -eq 0 ]
	[ "$output" = late ]
}

@test "--serial-in number: decimal numbers, their low eight bits" {
	hv4 --serial-in number -g "$guests/minihv_echo.bin" <<<'72 361 -223
10 65'
	[ "$status" -eq 0 ]
	[ "$output" = 'Hi!' ]
	# What is no number is left out; the last needs nothing behind it.
	hv4 --serial-in number -g "$guests/minihv_echo.bin" < <(printf '79 x 7x - +3 75')
	[ "$status" -eq 0 ]
	[ "$output" = OK ]
	[[ $stderr == *'no number'* ]]
}

@test "two VMs share stdin: no byte is lost or read twice" {
	hv4 --tag -g "$guests/minihv_echo.bin" "$guests/minihv_echo.bin" <<<'abcdef'
	[ "$status" -eq 0 ]
	[ "$(printf '%s\n' "$output" | sed 's/^[^|>]*[|>] //' | fold -w 1 |
		sort | tr -d '\n')" = abcdef ]
}

@test "a guest that waits for input for ever can be stopped" {
	mkfifo silent
	hv4 --timeout 1 -g "$guests/minihv_echo.bin" <>silent
	[ "$status" -eq 1 ]
	[[ $stderr == *'time of 1 s is up'* ]]
}

# --- files ------------------------------------------------------------------

@test "a VM's own files: made, appended, kept for the next run, fresh again" {
	local file=../Guest/minihv_private_vm0_files/notes.txt
	hv4 -g "$guests/minihv_private.bin" </dev/null
	verdicts 4
	local once
	once=$(wc -c <"$file")
	hv4 -g "$guests/minihv_private.bin" </dev/null
	verdicts 4
	[ "$(wc -c <"$file")" -eq $((2 * once)) ]
	touch ../Guest/minihv_private_vm0_files/other
	hv4 --fresh -g "$guests/minihv_private.bin" </dev/null
	verdicts 4
	[ "$(wc -c <"$file")" -eq "$once" ]
	[ ! -e ../Guest/minihv_private_vm0_files/other ]
	[ -e ../Guest/shared.txt ]
}

@test "a VM that makes no file makes no directory" {
	hv4 -g "$guests/minihv_hello.bin" "$guests/minihv_shared.bin" -f ../Guest/shared.txt </dev/null
	[ "$status" -eq 0 ]
	[ "$(ls ../Guest)" = shared.txt ]
	[ -z "$(ls)" ]
}

@test "private directories: beside the images' files, here, or where told" {
	hv4 -g "$guests/minihv_private.bin" --private-dir away </dev/null
	verdicts 4
	[ -s away/minihv_private_vm0_files/notes.txt ]
	[ ! -e ../Guest/minihv_private_vm0_files ]
	rm -r ../Guest
	hv4 -g "$guests/minihv_private.bin" </dev/null
	verdicts 4
	[ -s minihv_private_vm0_files/notes.txt ]
}

@test "a shared file is read as it is, by the classic rule and by its name" {
	local expected='open: SUCCESS
line one
line two
read: SUCCESS
close: SUCCESS'
	hv4 -g "$guests/minihv_shared.bin" -f ../Guest/shared.txt </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = "$expected" ]
	hv4 -f "$BATS_TEST_TMPDIR/Guest/shared.txt" -g "$guests/minihv_shared.bin" </dev/null
	[ "$output" = "$expected" ]
	cd ../Guest
	hv4 -f shared.txt -g "$guests/minihv_shared.bin" </dev/null
	[ "$output" = "$expected" ]
}

@test "a file that is not named behind -f is not seen, wherever it is" {
	echo other >../Guest/other.txt
	hv4 -g "$guests/minihv_shared.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 'open: FAILED' ]
	hv4 -g "$guests/minihv_shared.bin" -f ../Guest/other.txt </dev/null
	[ "$output" = 'open: FAILED' ]
}

@test "two VMs write to a shared file: each has its copy, the host's stays" {
	local before
	before=$(stat -c '%i %Y %Z %h' ../Guest/shared.txt)
	hv4 --tag --fresh -f ../Guest/shared.txt -g "$guests/minihv_own_copy.bin" \
		"$guests/minihv_own_copy.bin" "$guests/minihv_shared.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$(grep -c '^minihv_own_copy\.0| .*: SUCCESS$' <<<"$output")" -eq 7 ]
	[ "$(grep -c '^minihv_own_copy\.1| .*: SUCCESS$' <<<"$output")" -eq 7 ]
	[ "$(grep -c '^minihv_shared\.2| line' <<<"$output")" -eq 2 ]
	[ "$(stat -c '%i %Y %Z %h' ../Guest/shared.txt)" = "$before" ]
	printf 'line one\nline two\n' | cmp - ../Guest/shared.txt
	local i
	for i in 0 1; do
		printf 'line one\nline two\nwritten by a guest\nand once more\n' |
			cmp - ../Guest/minihv_own_copy_vm${i}_files/shared.txt
	done
}

@test "a copy is kept for the next run and still the VM's own" {
	local file=../Guest/minihv_own_copy_vm0_files/shared.txt
	hv4 -f ../Guest/shared.txt -g "$guests/minihv_own_copy.bin" </dev/null
	verdicts 7
	hv4 -f ../Guest/shared.txt -g "$guests/minihv_own_copy.bin" </dev/null
	verdicts 7
	[ "$(grep -c 'written by a guest' "$file")" -eq 2 ]
	[ "$(grep -c 'line one' "$file")" -eq 1 ]
	hv4 --fresh -f ../Guest/shared.txt -g "$guests/minihv_own_copy.bin" </dev/null
	[ "$(grep -c 'written by a guest' "$file")" -eq 1 ]
}

@test "shared files from several directories" {
	mkdir ../a ../b
	echo 'from a' >../a/one.txt
	mv ../Guest/shared.txt ../b/shared.txt
	hv4 -f ../a/one.txt ../b/shared.txt -g "$guests/minihv_shared.bin" </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *'line one'* ]]
}

@test "32 handles, the smallest free one first" {
	hv4 -g "$guests/minihv_handles.bin" </dev/null
	verdicts 10
}

@test "32 VMs with all their handles open do not run out of descriptors" {
	local images=() i
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 4096 ] ||
		skip "at most $(ulimit -Hn) descriptors are allowed here"
	ulimit -Sn 1024
	for ((i = 0; i < 32; i++)); do
		images+=("$guests/minihv_handles.bin")
	done
	hv -m 2 -p 2 --tag -g "${images[@]}" </dev/null
	[ "$status" -eq 0 ]
	[ "$(grep -c ': SUCCESS$' <<<"$output")" -eq 320 ]
}

@test "paths out of the directory are refused" {
	echo canary >../outside.txt
	echo canary >../Guest/outside.txt
	hv4 -g "$guests/minihv_paths.bin" </dev/null
	verdicts 10
	[ "$(cat ../outside.txt ../Guest/outside.txt | sort -u)" = canary ]
	[ "$(ls ../Guest/minihv_paths_vm0_files)" = inside.txt ]
}

@test "symbolic links in a private directory lead nowhere" {
	mkdir ../Guest/minihv_private_vm0_files ../Guest/minihv_shared_vm0_files
	ln -s ../../canary ../Guest/minihv_private_vm0_files/notes.txt
	ln -s ../../canary ../Guest/minihv_shared_vm0_files/shared.txt
	echo canary >../canary
	hv4 -g "$guests/minihv_private.bin" </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *'write: FAILED'* ]]
	hv4 -f ../Guest/shared.txt -g "$guests/minihv_shared.bin" </dev/null
	[ "$output" = 'open: FAILED' ]
	[ "$(cat ../canary)" = canary ]
}

@test "requests that make no sense are answered with -1" {
	hv4 -g "$guests/minihv_protocol.bin" </dev/null
	verdicts 11
	# In a directory of the run before.
	hv4 -g "$guests/minihv_protocol.bin" </dev/null
	verdicts 11
}

# --- command line -----------------------------------------------------------

@test "called as mini_hypervisor it takes the ancestor's command line" {
	ln -s "$ivlab" mini_hypervisor
	run --separate-stderr timeout 60 ./mini_hypervisor --memory 4 --page 2 \
		--guest "$guests/minihv_hello.bin" "$guests/minihv_shared.bin" \
		--file ../Guest/shared.txt --tag </dev/null
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[[ $output == *'| Hello from long mode, 4 MB of RAM'* ]]
	[[ $output == *'| line two'* ]]
}

@test "a bad command line is named, status 1" {
	local g=$guests/minihv_halt.bin many=() i
	refused '-m is missing' -p 4 -g "$g"
	refused '-p is missing' -m 4 -g "$g"
	refused '-g is missing' -m 4 -p 4
	refused '-m is missing'
	refused '-m 3' -m 3 -p 4 -g "$g"
	refused '-m x' -m x -p 4 -g "$g"
	refused '-m 16' -m 16 -p 4 -g "$g"
	refused '-m -2' -m -2 -p 4 -g "$g"
	refused '-p 3' -m 4 -p 3 -g "$g"
	refused '-p 4k' -m 4 -p 4k -g "$g"
	refused '-g needs a file' -m 4 -p 4 -g -f x
	refused '-f needs a file' -m 4 -p 4 -f -g "$g"
	refused 'needs a value' -m 4 -p 4 -g
	refused 'unexpected word 8' -m 4 8 -p 4 -g "$g"
	refused 'unexpected word x' x -m 4 -p 4 -g "$g"
	refused 'unexpected word x' -m 4 -p 4 -g "$g" --tag x
	refused 'unknown option -z' -m 4 -p 4 -g "$g" -z
	refused 'unknown option --pages' -m 4 --pages 4 -g "$g"
	refused '--serial-in x; allowed: raw, number' -m 4 -p 4 -g "$g" --serial-in x
	for ((i = 0; i < 33; i++)); do
		many+=("$g")
	done
	refused 'too many images' -m 2 -p 2 -g "${many[@]}"
	refused 'too many files' -m 2 -p 2 -g "$g" -f "${many[@]:0:17}"
}

@test "an image that cannot be run is named, and no VM runs" {
	: >empty.bin
	mkfifo pipe.bin
	local hello=$guests/minihv_hello.bin
	refused 'image none.bin: No such file' -m 2 -p 2 -g "$hello" none.bin
	refused 'image empty.bin: empty' -m 2 -p 2 -g "$hello" empty.bin
	refused 'image .: Is a directory' -m 2 -p 2 -g "$hello" .
	refused 'image pipe.bin: not a regular file' -m 2 -p 2 -g pipe.bin
}

@test "a shared file that cannot be shared is named, and no VM runs" {
	local g=$guests/minihv_hello.bin
	mkdir ../a
	echo >../a/shared.txt
	mkfifo pipe
	refused 'shared file none.txt: No such file' -m 2 -p 2 -g "$g" -f none.txt
	refused 'shared file ../a: Is a directory' -m 2 -p 2 -g "$g" -f ../a
	refused 'shared file pipe: not a regular file' -m 2 -p 2 -g "$g" -f pipe
	refused 'another file by this name' -m 2 -p 2 -g "$g" -f ../Guest/shared.txt ../a/shared.txt
}

@test "a private directory that cannot be used is named" {
	echo >file
	ln -s ../Guest minihv_private_vm0_files
	refused '--private-dir file: Not a directory' -m 2 -p 2 -g "$guests/minihv_hello.bin" --private-dir file
	refused '--private-dir no/where: No such file' -m 2 -p 2 -g "$guests/minihv_hello.bin" --private-dir no/where
	refused 'minihv_private_vm0_files: Not a directory' -m 2 -p 2 \
		-g "$guests/minihv_private.bin" --private-dir . --fresh
	[ -e ../Guest/shared.txt ]
}
