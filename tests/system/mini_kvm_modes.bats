#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, guests, ...: bats, common, mini_kvm
# The ABI mini-kvm: protected mode, both kinds of paging, long mode, what the
# monitor tells, and what it refuses.
load common
load mini_kvm
bats_require_minimum_version 1.5.0

# --- 32 and 64 bit ----------------------------------------------------------

@test "protected mode without paging speaks the legacy dialect" {
	mini -p "$guests/mini_protected.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = $'Hello from protected mode!\n32' ]
	mini --protected "$guests/mini_protected.bin" </dev/null
	[ "$status" -eq 0 ]
}

@test "with paging RAM is seen twice, by large and by small pages" {
	for size in 4m 4k; do
		mini --paging --page-size "$size" "$guests/mini_paging.bin" </dev/null
		[ "$status" -eq 0 ]
		[ "$output" = 'Hello from 0x80000000 and from 0!' ]
	done
}

@test "0x80400000 is RAM by large pages and a page fault by small ones" {
	# mov al,[0x80400000]; then as put_x
	image high.bin "\\xa0\\x00\\x00\\x40\\x80$put_x"
	mini --paging high.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = X ]
	mini --paging --page-size 4k high.bin </dev/null
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "--load and --entry say where an image is and begins" {
	image x.bin "$put_x"
	for words in '--load 0x2000 --entry 0x80002000' '--load=8192 --entry=8192' \
		'--load 020000 --entry 0x80402000'; do
		# shellcheck disable=SC2086 # several words
		mini --paging $words x.bin </dev/null
		[ "$status" -eq 0 ]
		[ "$output" = X ]
	done
}

@test "several guests with paging have a machine each" {
	image x.bin "$put_x"
	mini --paging --tag x.bin "$guests/mini_paging.bin" x.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = 'mini_paging.1| Hello from 0x80000000 and from 0!
x.0> X
x.2> X' ]
}

@test "the summary names who does the paging" {
	image x.bin "$put_x"
	mini --paging --paging-backend memslot --stats x.bin </dev/null
	[ "$status" -eq 0 ]
	[[ $stderr == *"paging backend: memslot"* ]]
	mini --paging --stats x.bin </dev/null
	[[ $stderr =~ 'paging backend: '(kvm|memslot) ]]
}

@test "an access to an absent page is named with address and EIP" {
	mini --paging --paging-backend memslot "$guests/mini_page_fault.bin" </dev/null
	[ "$status" -eq 1 ]
	[ "$output" = 'touching 0x40000000' ]
	[[ $stderr == *"page fault: read at linear address 0x40000000, eip 0x8000"* ]]
}

@test "a jump to an absent page is named, too" {
	image jump.bin '\xb8\x00\x00\x00\x60\xff\xe0'
	mini --paging --paging-backend memslot jump.bin </dev/null
	[ "$status" -eq 1 ]
	[[ $stderr == *"page fault: fetch at linear address 0x60000000"* ]]
}

@test "page tables of the guest's own are followed, by memory slots, too" {
	[ -e "$guests/mini_shell_os.bin" ] || skip "no mini_shell_os.bin in this build"
	mini --paging --paging-backend memslot "$guests/mini_shell_os.bin" < <(printf '1\n0\n')
	[ "$status" -eq 0 ]
	[ -n "$output" ]
}

@test "both paging backends give the same bytes" {
	need_paging32
	for guest in paging ticks_32 shell_os; do
		[ -e "$guests/mini_$guest.bin" ] || continue
		for size in 4m 4k; do
			for backend in kvm memslot; do
				mini --paging --page-size "$size" --paging-backend "$backend" \
					"$guests/mini_$guest.bin" < <(printf '1\n5\n0\n')
				[ "$status" -eq 0 ]
				printf '%s' "$output" >"$backend.out"
			done
			cmp kvm.out memslot.out
		done
	done
}

@test "what needs real paging runs where there is some" {
	need_paging32
	mini --paging "$guests/mini_supervisor_32.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 'the page is untouched' ]
	mini --paging "$guests/mini_int80.bin" </dev/null
	[ "$output" = 'called from ring 3: 0 1 2 3 4 5 6 7 8 9' ]
	mini --paging "$guests/mini_spaces.bin" </dev/null
	[ "$output" = "1 2 1 2" ]
}

@test "long mode begins where the image is loaded" {
	mini --long-mode "$guests/mini_hello_64.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 'Hello from long mode!' ]
	# mov bl,'L'; mov edx,0x500; mov al,1; out; mov al,0; out
	image l.bin '\xb3L\xba\x00\x05\x00\x00\xb0\x01\xee\xb0\x00\xee'
	mini --long-mode --load 0x20000 l.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = L ]
}

@test "ring 3 in long mode cannot touch a supervisor page" {
	mini --long-mode "$guests/mini_supervisor_64.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 'the page is untouched' ]
}

# --- what it tells ----------------------------------------------------------

@test "--dump-state shows first registers and tables of each mode" {
	image x.bin "$put_x"
	mini --paging --paging-backend memslot --dump-state x.bin </dev/null
	[[ $stderr == *"rip 80001000"* ]]
	[[ $stderr == *"gdt 500 limit 27 idt 528 limit 7ff"* ]]
	[[ $stderr == *"cr3 100000"* ]]
	[[ $stderr == *"linear 80400000..807fffff -> 0 rw"* ]]
	mini --long-mode --dump-state "$guests/mini_hello_64.bin" </dev/null
	[[ $stderr == *"rip 1000 rflags 2 rsp 8000"* ]]
	[[ $stderr == *"gdt 5000 limit 17 idt 6000 limit 0"* ]]
	[[ $stderr == *"cr3 2000"* ]]
	mini --dump-state "$guests/mini_halt.bin" "$guests/mini_halt.bin" </dev/null
	[[ $stderr == *"cs 4000 base 40000 limit ffff"* ]]
	[[ $stderr == *"ss 4000 base 40000 limit ffff"* ]]
}

@test "--dump-regs shows the last registers, -v the end" {
	image regs.bin '\xb8\x34\x12\xf4'
	mini --dump-regs -v regs.bin </dev/null
	[ "$status" -eq 0 ]
	[[ $stderr == *"rax 1234"* ]]
	[[ $stderr == *"regs: halted after 1 exits"* ]]
	mini --debug 1 regs.bin </dev/null
	[[ $stderr == *"regs: halted after 1 exits"* ]]
	mini --debug 3 regs.bin </dev/null
	[[ $stderr == *"rax 1234"* ]]
	[[ $stderr == *"mode: real mode"* ]]
}

@test "--dump-mem writes the RAM of each machine" {
	image regs.bin '\xb8\x34\x12\xf4'
	mini --dump-mem ram regs.bin regs.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$(stat -c %s ram)" -eq 524288 ]
	cmp -n 4 ram regs.bin
	cmp -n 4 -i 262144:0 ram regs.bin
	image x.bin "$put_x"
	mini --paging --dump-mem ram x.bin x.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$(stat -c %s ram.0)" -eq 4194304 ]
	cmp -n 14 -i 4096:0 ram.1 x.bin
	mini --dump-mem /dev/full regs.bin </dev/null
	[ "$status" -eq 1 ]
	[[ $stderr == *"--dump-mem /dev/full: No space left"* ]]
}

# --- bad input --------------------------------------------------------------

@test "an image that cannot be run is named" {
	: >empty.bin
	refused 'empty.bin: empty' empty.bin
	refused 'none.bin: No such file' none.bin
	refused 'Is a directory' .
	image halt.bin '\xf4'
	truncate -s 262144 halt.bin
	mini halt.bin halt.bin </dev/null
	[ "$status" -eq 0 ]
	truncate -s 262145 halt.bin
	refused 'halt.bin: too large; 262144 bytes fit' halt.bin
}

@test "an image over the monitor's tables is refused" {
	head -c 5000 /dev/zero >big.bin
	refused 'too large; 4096 bytes fit at 0x1000' --long-mode big.bin
	refused 'too large; 4096 bytes fit at 0x0' -p big.bin
	head -c 1044481 /dev/zero >big.bin
	refused 'too large; 1044480 bytes fit at 0x1000' --paging big.bin
	for load in 0x500 0xd27 0x100000 0x102fff; do
		refused "the monitor's tables are there" --paging --load "$load" big.bin
	done
	refused 'behind the end of RAM' --paging --load 0x400000 big.bin
	refused 'bytes fit at 0x3ff000' --long-mode --load 0x3ff000 big.bin
}

@test "a command line that makes no sense is refused with what is allowed" {
	image x.bin '\xf4'
	refused 'an image is missing' --tag
	refused '5 images; at most 4 fit' x.bin x.bin x.bin x.bin x.bin
	refused 'unknown option --bogus' --bogus x.bin
	refused 'unknown option -z' -z x.bin
	refused '--linux and the image x.bin: one of them' --linux k x.bin
	refused 'one of them' --paging --linux k
	refused 'are for --linux' --initrd i x.bin
	refused 'are for --linux' --memory 64 x.bin
	refused 'not for --linux' --linux k --entry 0
	refused 'allowed: code32, boot64' --linux k --linux-entry bios
	refused 'asks a BIOS' --linux k --linux-entry setup
	refused 'allowed: base, hdr' --linux k --linux-rsi 0
	refused 'allowed: 64 to 1024 (MiB)' --linux k --memory 63
	refused 'allowed: auto, legacy, 1k' --hc 2k x.bin
	refused 'allowed: auto, kvm or memslot' --paging --paging-backend tlb x.bin
	refused 'allowed: 4m, 4k' --paging --page-size 2m x.bin
	refused 'allowed: 0 to 0xffffffff' --paging --entry 0x100000000 x.bin
	refused 'allowed: 0 to 0xffffffff' --paging --load -1 x.bin
	refused 'allowed: 0 to 0xffffffff' --paging --load '' x.bin
	refused 'allowed: 0 to 3' --debug 4 x.bin
	refused 'one of them' --paging --long-mode x.bin
	refused '--load and --entry are for' --load 0x1000 x.bin
	refused 'needs a value' x.bin --entry
}

@test "--paging-backend kvm on a KVM that has no paging is refused" {
	image x.bin "$put_x"
	mini --paging --paging-backend kvm x.bin </dev/null
	[ "$status" -ne 0 ] || skip "this KVM has 32-bit paging"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"no 32-bit paging; memslot"* ]]
}
