#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab: set by common
# `ivlab boot`: what all ABIs have, and the ABIs simple-kvm and
# simple-kvm-hypervisor. The images are a few bytes, written here.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# mov ax,42; mov [0x400],ax; hlt
	image good16 b8 2a 00 a3 00 04 f4
	# mov eax,42; mov [0x400],eax; hlt
	image good32 b8 2a 00 00 00 a3 00 04 00 00 f4
	# mov al,'H'; out 0xe9,al; mov al,'\n'; out 0xe9,al;
	# mov rax,42; mov [0x400],rax; hlt
	image good64 b0 48 e6 e9 b0 0a e6 e9 48 c7 c0 2a 00 00 00 \
		48 89 04 25 00 04 00 00 f4
	image halt f4
	image endless eb fe
	# mov al,'x'; again: out 0xe9,al; jmp again
	image chatter b0 78 e6 e9 eb fc
}

image() { # name, bytes in hexadecimal...
	local name=$1
	shift
	printf '%b' "$(printf '\\x%s' "$@")" >"$name"
}

# Standard output and standard error apart, in $output and $errors.
boot() {
	run timeout -k 5 60 bash -c '"$@" 2>errors' boot "$ivlab" boot "$@"
	errors=$(cat errors)
}

expect() { # status, part of the errors
	if [ "$status" -ne "$1" ] || [[ $errors != *"$2"* ]]; then
		echo "wanted status $1 and: $2"
		echo "got status $status, output $output, errors: $errors"
		return 1
	fi
}

# --- the command -------------------------------------------------------------

@test "boot help lists the ABIs, and each has help" {
	boot --help
	expect 0 ""
	[[ $output == "usage: ivlab boot ABI"* ]]
	# Lines for a terminal.
	[ "$(grep -cE '.{80}' <<<"$output")" -eq 0 ]
	for abi in mini-kvm simple-kvm matrix mini-hypervisor simple-kvm-hypervisor; do
		[[ $output == *"  $abi "* ]]
		boot "$abi" --help
		expect 0 ""
		[[ $output == "usage: ivlab boot $abi "* ]]
		[[ $output == *--trace* ]]
		[ -z "$errors" ]
		boot --help
	done
}

@test "each ABI's help has its guests that came with ivlab, and no other's" {
	local abi prefix file name others
	while read -r abi prefix; do
		boot "$abi" --help
		others=${output#*Guests that came with ivlab}
		[ "$others" != "$output" ]
		for file in "$IVLAB_BUILD"/guests/classic/"$prefix"_*.bin; do
			name=$(basename "$file" .bin)
			[[ $others =~ [[:space:]]$name(,|$) ]] || {
				echo "$abi --help has no $name"
				return 1
			}
			others=${others/$name/}
		done
		[[ $others != *_* ]] || {
			echo "$abi --help has also: $others"
			return 1
		}
		# Lines for a terminal.
		! grep -E '.{80}' <<<"$output"
	done <<-EOF
		mini-kvm mini
		simple-kvm simple
		matrix matrix
		mini-hypervisor minihv
		simple-kvm-hypervisor simplehv
	EOF
}

@test "boot refuses what is no ABI, and names the nearest" {
	boot
	expect 2 "usage: ivlab boot ABI"
	boot simple-kmv
	expect 2 "no ABI simple-kmv; did you mean: ivlab boot simple-kvm"
	boot --nonsense
	expect 2 "unknown option --nonsense"
	[ -z "$output" ]
}

@test "every ABI names a bad option or value and exits with 1" {
	for abi in simple-kvm simple-kvm-hypervisor; do
		boot "$abi" --nonsense
		expect 1 "ivlab boot $abi: unknown option --nonsense"
		expect 1 "try: ivlab boot $abi --help"
		boot "$abi" -Z
		expect 1 "unknown option -Z"
		boot "$abi" --trace
		expect 1 "option --trace needs a value"
		boot "$abi" --tag=yes halt
		expect 1 "option --tag=yes takes no value"
		for bad in 0 -1 x '' 1s 99999999999; do
			boot "$abi" --timeout "$bad" halt
			expect 1 "--timeout $bad; allowed: 1 to"
		done
		boot "$abi" halt halt
		expect 1 "one image at a time"
		[ -z "$output" ]
	done
}

@test "a link named as an ABI behaves as that ABI" {
	need_kvm
	ln -s "$ivlab" simple-kvm
	ln -s "$ivlab" simple-kvm-hypervisor
	run timeout 60 ./simple-kvm -l good64
	[ "$status" -eq 0 ]
	[[ $output == *H* ]]
	run timeout 60 ./simple-kvm -Z
	[ "$status" -eq 1 ]
	run timeout 60 ./simple-kvm-hypervisor
	[ "$status" -eq 0 ]
}

# --- images ------------------------------------------------------------------

@test "image that cannot run is named and nothing runs" {
	need_kvm
	: >empty
	mkdir dir
	head -c 2100000 /dev/zero >large
	boot simple-kvm -l absent
	expect 1 "image absent: No such file or directory"
	boot simple-kvm -l dir
	expect 1 "image dir: Is a directory"
	boot simple-kvm -l empty
	expect 1 "image empty: empty"
	mkfifo fifo
	boot simple-kvm fifo
	expect 1 "image fifo: not a regular file"
	for mode in -r -s; do
		boot simple-kvm $mode large
		expect 1 "image large: too large; 2031616 bytes fit at 0x0"
	done
	boot simple-kvm-hypervisor --load 0xfffffe large
	expect 1 "image large: too large; 2 bytes fit at 0xfffffe"
	[ -z "$output" ]
}

@test "every ABI finds its guests by name, and names the nearest" {
	need_kvm
	boot simple-kvm-hypervisor simplehv_halt
	expect 0 "left by HLT"
	boot simple-kvm-hypervisor simplehv_hlat
	expect 1 "image simplehv_hlat: No such file or directory"
	expect 1 "did you mean simplehv_halt; ivlab boot simple-kvm-hypervisor --help lists them"
	boot mini-kvm mini_helo
	expect 1 "did you mean mini_hello;"
	boot mini-kvm hello
	expect 1 "did you mean mini_hello;"
	boot simple-kvm guest61
	expect 1 "did you mean simple_guest16;"
	boot matrix matrix_nemo matrix_neo
	expect 1 "did you mean matrix_neo;"
	boot mini-hypervisor -m 2 -p 2 -g minihv_hallo
	expect 1 "did you mean minihv_h"
	boot mini-kvm nothing_like_it
	expect 1 "and no guest of that name came with ivlab; ivlab boot mini-kvm --help lists them"
	# With a slash it is a file and nothing else.
	boot mini-kvm ./mini_helo
	expect 1 "image ./mini_helo: No such file or directory"
	[[ $errors != *"did you mean"* ]]
	[ -z "$output" ]
}

@test "unreadable image is named" {
	need_kvm
	[ "$(id -u)" -ne 0 ] || skip "root reads everything"
	chmod 0 halt
	boot simple-kvm halt
	expect 1 "image halt: Permission denied"
}

@test "image over the page tables is refused, one up to them is not" {
	need_kvm
	head -c 8193 /dev/zero >over
	boot simple-kvm -l over
	expect 1 "image over: too large; 8192 bytes fit at 0x0"
	{ cat good64; head -c $((8192 - 24)) /dev/zero; } >upto
	boot simple-kvm -l upto
	expect 0 ""
}

# --- simple-kvm --------------------------------------------------------------

@test "simple-kvm: each mode runs its image and checks the result" {
	need_kvm
	boot simple-kvm good16
	expect 0 "Testing real mode"
	boot simple-kvm -r good16
	expect 0 "Testing real mode"
	boot simple-kvm -s good32
	expect 0 "Testing protected mode"
	boot simple-kvm -l good64
	expect 0 "Testing 64-bit mode"
	[ "$output" = H ]
}

@test "simple-kvm: -p runs by KVM's paging or by memory slots" {
	need_kvm
	# Linear 0xffffffff has no page; 0x300000 has one that is not RAM.
	# mov eax,...; out 0xee,eax, twice; 42...
	image nowhere b8 ff ff ff ff e7 ee b8 00 00 30 00 e7 ee \
		b8 2a 00 00 00 a3 00 04 00 00 f4
	for backend in auto memslot; do
		boot simple-kvm -p --paging-backend $backend --stats good32
		expect 0 "Testing 32-bit paging"
		expect 0 "paging backend: "
		boot simple-kvm -p --paging-backend $backend nowhere
		expect 0 ""
		[ "$output" = "Invalid GVA
Invalid GVA" ]
	done
	expect 0 ""
	boot simple-kvm -p --paging-backend kvm good32
	if [ "$status" -ne 0 ]; then
		expect 1 "has no 32-bit paging"
	fi
	boot simple-kvm --paging-backend tlb good32
	expect 1 "--paging-backend tlb; allowed: auto, kvm or memslot"
}

@test "simple-kvm: the guests that came with ivlab print what they must" {
	need_kvm
	[ -f "$IVLAB_BUILD/guests/classic/simple_guest16.bin" ] ||
		skip "simple_guest16.bin is not built"
	for mode in -r -s -p -l; do
		boot simple-kvm $mode
		expect 0 "Testing"
	done
	boot simple-kvm -r simple_guest16
	expect 0 "Testing real mode"
}

@test "simple-kvm: another result is status 1" {
	need_kvm
	boot simple-kvm halt
	expect 1 "Wrong result: RAX is 0, memory at 0x400 is 0"
	# mov ax,42; hlt
	image half b8 2a 00 f4
	boot simple-kvm half
	expect 1 "RAX is 42, memory at 0x400 is 0"
}

@test "simple-kvm: counts, numbers and strings are what the guest is told" {
	need_kvm
	# in eax,0xeb; out 0xea,eax	exits so far: 1
	# in eax,0xed; mov ebx,eax	the first string: in 2, out 1
	# in eax,0xed			another place: in 3, out 1
	# out 0xec,eax; mov eax,ebx; out 0xec,eax
	# in eax,0xeb; out 0xea,eax	exits so far: 7
	image calls e5 eb e7 ea e5 ed 89 c3 e5 ed e7 ec 89 d8 e7 ec \
		e5 eb e7 ea \
		b8 2a 00 00 00 a3 00 04 00 00 f4
	boot simple-kvm -s calls
	expect 0 ""
	[ "$output" = "1
IO in: 3
IO out: 1
IO in: 2
IO out: 1
7" ]
}

@test "simple-kvm: addresses are translated, or invalid" {
	need_kvm
	# mov eax,0x400; out 0xee,eax; in eax,0xef; test eax,eax; jz bad
	# mov eax,0xffffffff; out 0xee,eax; in eax,0xef; test eax,eax; jnz bad
	# mov eax,42; mov [0x400],eax; bad: hlt
	image gva b8 00 04 00 00 e7 ee e5 ef 85 c0 74 17 \
		b8 ff ff ff ff e7 ee e5 ef 85 c0 75 0a \
		b8 2a 00 00 00 a3 00 04 00 00 f4
	boot simple-kvm -s gva
	expect 0 ""
	[ "$output" = "Invalid GVA" ]
}

@test "simple-kvm: strings that leave RAM or never end stop there" {
	need_kvm
	# mov eax,0x1ffffe; mov word [eax],'ab'; out 0xec,eax;
	# mov eax,0xffffffff; out 0xec,eax; 42...
	image edge b8 fe ff 1f 00 66 c7 00 61 62 e7 ec \
		b8 ff ff ff ff e7 ec b8 2a 00 00 00 a3 00 04 00 00 f4
	boot simple-kvm -s edge
	expect 0 "the string at 0x1ffffe leaves RAM"
	expect 0 "the string at 0xffffffff leaves RAM"
	[ "$output" = ab ]
	# cld; mov edi,0x1000; mov ecx,0x2000; mov al,'x'; rep stosb;
	# mov eax,0x1000; out 0xec,eax; 42...
	image long fc bf 00 10 00 00 b9 00 20 00 00 b0 78 f3 aa \
		b8 00 10 00 00 e7 ec b8 2a 00 00 00 a3 00 04 00 00 f4
	boot simple-kvm -s long
	expect 0 "the string at 0x1000 is cut after 4096 bytes"
	[ ${#output} -eq 4096 ]
}

@test "simple-kvm: other ports and widths do nothing" {
	need_kvm
	# out 0xea,al (8 bit); in al,0xe9; out 0x10,ax; in ax,0x10; 42...
	image others e6 ea e4 e9 e7 10 e5 10 b8 2a 00 a3 00 04 f4
	boot simple-kvm others
	expect 0 ""
	[ -z "$output" ]
}

@test "guest that shuts down or touches nothing is a fault, status 1" {
	need_kvm
	# ud2, without an interrupt table
	image ud2 0f 0b
	boot simple-kvm -s ud2
	expect 1 "simple-kvm: error: ud2: "
	# mov eax,[0x10000000]
	image mmio a1 00 00 00 10 f4
	boot simple-kvm -s --stats mmio
	expect 1 "read of 4 bytes at 0x10000000, where no memory is"
	expect 1 "fault"
}

# --- what all have -----------------------------------------------------------

@test "stats tell exits, ports, bytes and CPU time" {
	need_kvm
	boot simple-kvm -l --stats good64
	expect 0 "guest good64 (vCPU 0): halted, 3 exits"
	expect 0 "exits by reason: IO 2 HLT 1"
	expect 0 "port 0x00e9  out 2 (2 bytes), in 0 (0 bytes)"
	expect 0 "bytes: out 2, in 0"
	[ "$output" = H ]
	boot simple-kvm -l --stats=stats good64
	expect 0 ""
	[[ $(<stats) == *"halted, 3 exits"* ]]
	[[ $errors != *exits* ]]
}

@test "stats as JSON are one object on one line" {
	need_kvm
	command -v python3 >/dev/null || skip "no python3"
	boot simple-kvm -l --stats=stats --json good64
	expect 0 ""
	[ "$(wc -l <stats)" -eq 1 ]
	run python3 - <<-'END'
		import json
		s = json.load(open('stats'))
		g = s['vms'][0]['guests'][0]
		print(s['abi'], s['status'], g['name'], g['end'], g['exits'],
		      g['exits_by_reason'], g['bytes_out'],
		      g['ports'][0]['port'], g['cpu_ns'] > 0,
		      s['vms'][0]['cpu_ns'] == g['cpu_ns'])
	END
	[ "$output" = "simple-kvm 0 good64 halted 3 {'IO': 2, 'HLT': 1} 2 233 True True" ]
}

@test "stats that cannot be written are status 1" {
	need_kvm
	boot simple-kvm --stats=/absent/stats good16
	expect 1 "stats /absent/stats: No such file or directory"
	boot simple-kvm --stats=/dev/full good16
	expect 1 "stats /dev/full: No space left on device"
}

@test "dump-state shows first registers and page tables" {
	need_kvm
	boot simple-kvm -l --dump-state good64
	expect 0 "good64: vCPU 0, 64-bit mode"
	expect 0 "rip 0 rflags 2 rsp 200000"
	expect 0 "cs 0008 base 0"
	expect 0 "cr3 2000"
	expect 0 "linear 0..1fffff -> 0 rw user, pages of 2048 KiB"
	boot simple-kvm --dump-state good16
	expect 0 "real mode"
	expect 0 "no paging: linear is physical"
}

@test "trace has a line per exit" {
	need_kvm
	boot simple-kvm -l --trace trace good64
	expect 0 ""
	[ "$(wc -l <trace)" -eq 3 ]
	[[ $(sed -n 1p trace) =~ ^good64\ IO\ out\ 0x00e9\ 1\ x1\ 0x48\ rip=0x[0-9a-f]+$ ]]
	[[ $(sed -n 3p trace) =~ ^good64\ HLT\ rip=0x18$ ]]
	# An IN shows its answer.
	image in e5 eb b8 2a 00 00 00 a3 00 04 00 00 f4
	boot simple-kvm -s --trace trace in
	[[ $(sed -n 1p trace) =~ ^in\ IO\ in\ 0x00eb\ 4\ x1\ 0x1\ rip=0x[0-9a-f]+$ ]]
}

@test "trace that cannot be written is named" {
	need_kvm
	boot simple-kvm --trace /absent/trace good16
	expect 1 "trace /absent/trace: No such file or directory"
	boot simple-kvm --trace /dev/full good16
	expect 1 "trace /dev/full: No space left on device"
}

@test "tag names the guest before each line" {
	need_kvm
	boot simple-kvm -l --tag good64
	expect 0 ""
	[ "$output" = "good64| H" ]
	# mov al,'x'; out 0xe9,al; hlt
	image part b0 78 e6 e9 f4
	boot simple-kvm --tag part
	expect 1 ""
	[ "$output" = "part> x" ]
}

@test "timeout ends an endless guest as failed" {
	need_kvm
	boot simple-kvm --timeout 1 --stats endless
	expect 1 "the time of 1 s is up"
	expect 1 "stopped"
	# This one fails by its own merit.
	[[ $errors != *"Wrong result"* ]]
}

@test "signals end the guests, with a report and the shell's status" {
	need_kvm
	local pair
	for pair in INT:130 TERM:143 HUP:129; do
		rm -f errors
		# Job control, or SIGINT would be ignored in the background.
		set -m
		"$ivlab" boot simple-kvm --stats endless 2>errors &
		pid=$!
		set +m
		eventually 20 grep -q Testing errors
		kill "-${pair%:*}" "$pid"
		status=0
		wait "$pid" || status=$?
		errors=$(cat errors)
		expect "${pair#*:}" "stopped"
	done
}

@test "reader that has gone ends the guest that writes" {
	need_kvm
	run timeout 60 bash -c \
		'"$1" boot simple-kvm chatter 2>errors | head -c 3; exit "${PIPESTATUS[0]}"' \
		sh "$ivlab"
	errors=$(cat errors)
	expect 1 "cannot write what the guests print: Broken pipe"
	[ "$output" = xxx ]
}

@test "full disk and closed stdout hang nothing" {
	need_kvm
	run timeout 60 bash -c '"$1" boot simple-kvm -l good64 2>errors >/dev/full' \
		sh "$ivlab"
	errors=$(cat errors)
	expect 1 "cannot write what the guests print: No space left on device"
	run timeout 60 bash -c '"$1" boot simple-kvm -l good64 2>errors >&-' \
		sh "$ivlab"
	[ "$status" -le 1 ]
}

# --- simple-kvm-hypervisor ---------------------------------------------------

@test "simple-kvm-hypervisor: its own byte halts" {
	need_kvm
	boot simple-kvm-hypervisor --stats
	expect 0 "memory: 16 MiB at 0x0"
	expect 0 "image: 1 byte at 0x1000"
	expect 0 "cs 0x0 base 0x0 limit 0xffff, ip 0x1000, sp 0x0, flags 0x2"
	expect 0 "left by HLT"
	expect 0 "halted, 1 exits"
	[ -z "$output" ]
}

@test "simple-kvm-hypervisor: ports and missing memory are success, too" {
	need_kvm
	image port e6 80 f4
	boot simple-kvm-hypervisor port
	expect 0 "left by port 0x80: OUT of 1 bytes"
	image port e5 70 f4
	boot simple-kvm-hypervisor port
	expect 0 "left by port 0x70: IN of 2 bytes"
	# mov ax,0xf000; mov ds,ax; mov al,[0], 1 MiB of RAM less 64 KiB
	image mmio b8 ff ff 8e d8 a0 10 00 f4
	boot simple-kvm-hypervisor --memory 1 mmio
	expect 0 "left by a read of 1 bytes at 0x100000, where no memory is"
}

@test "simple-kvm-hypervisor: memory and load address are checked" {
	need_kvm
	for bad in 0 3073 x -1; do
		boot simple-kvm-hypervisor --memory "$bad"
		expect 1 "--memory $bad; allowed: 1 to 3072 MiB"
	done
	boot simple-kvm-hypervisor --load 0x100000000
	expect 1 "--load 0x100000000; allowed: an address"
	boot simple-kvm-hypervisor --load 0x1000000 halt
	expect 1 "load: 0x1000000 is outside of the 16 MiB of memory"
	boot simple-kvm-hypervisor --load 0xff0 halt
	expect 0 "warning: load: below 0x1000"
	: >empty
	boot simple-kvm-hypervisor empty
	expect 1 "image empty: empty"
}

@test "the C API's example prints what the command prints" {
	need_kvm
	boot simple-kvm-hypervisor
	expect 0 "success"
	run timeout 60 bash -c '"$1" 2>example' sh \
		"$IVLAB_BUILD/system/simple_hypervisor_example"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	diff errors example
}
