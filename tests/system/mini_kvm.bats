#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, guests, ...: bats, common, mini_kvm
# The ABI mini-kvm, a test per rule of docs/classic-guests.md: ports,
# hypercalls, input and interrupts, mostly in real mode. Guests come from
# guests/apps/classic/, or are a few bytes put together here.
load common
load mini_kvm
bats_require_minimum_version 1.5.0

# 16 bit: wait for one interrupt in HLT, then print A. The handler is IRET.
sleeper='\xc7\x06\x80\x00\x14\x00\x8c\x0e\x82\x00\xfb\xf4\xb0\x41\xba\xf8\x03\xee\xfa\xf4\xcf'

# --- real mode --------------------------------------------------------------

@test "HLT with interrupts off ends a guest" {
	mini "$guests/mini_halt.bin" </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$stderr" ]
}

@test "the serial port sends without and with a look at its status" {
	mini "$guests/mini_counter.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 0123456789 ]
	mini "$guests/mini_hello.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 'Hello from real mode!' ]
}

@test "a string instruction sends each of its bytes" {
	mini "$guests/mini_outs.bin" </dev/null
	[ "$output" = 'All at once: 0123456789' ]
}

@test "the serial port's registers are a 16550's" {
	mini "$guests/mini_uart.bin" </dev/null
	[ "$output" = OK ]
}

@test "other ports ignore OUT and read 0 in every width" {
	mini "$guests/mini_ports.bin" </dev/null
	[ "$output" = OK ]
}

@test "a wide access to the serial port is none" {
	# mov dx,0x3f8; mov ax,0x4241; out dx,ax; in ax,dx; test ax,ax; jnz +7;
	# mov al,'z'; out dx,al; hlt
	image wide.bin '\xba\xf8\x03\xb8\x41\x42\xef\xed\x85\xc0\x75\x03\xb0z\xee\xf4'
	mini wide.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = z ]
}

@test "a guest is not stopped after ten thousand exits" {
	mini "$guests/mini_lines.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1000 ]
	[ "${lines[999]}" = 0000:999 ]
}

@test "four guests have their own segments, data and stack" {
	g=$guests/mini_cpu.bin
	mini --tag "$g" "$g" "$g" "$g" </dev/null
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = 'mini_cpu.0| CS 0000: data and stack are mine
mini_cpu.1| CS 4000: data and stack are mine
mini_cpu.2| CS 8000: data and stack are mine
mini_cpu.3| CS c000: data and stack are mine' ]
}

@test "a guest prints the same beside three others as alone" {
	g=$guests/mini_lines.bin
	mini "$g" </dev/null
	alone=$output
	mini --tag "$g" "$guests/mini_hello.bin" "$guests/mini_counter.bin" \
		"$guests/mini_decimal.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$(sed -n 's/^mini_lines\.0| //p' <<<"$output")" = "$alone" ]
	[ "$(sed -n 's/^mini_hello\.1| //p' <<<"$output")" = 'Hello from real mode!' ]
	[ "$(sed -n 's/^mini_counter\.2> //p' <<<"$output")" = 0123456789 ]
	[ "$(sed -n 's/^mini_decimal\.3| //p' <<<"$output" | tail -n 1)" = 65535 ]
}

# Busy vCPUs leave no CPU idle; those of one thread would leave all but one.
# What others take of the machine meanwhile is nobody's fault.
idle_ticks() {
	awk '/^cpu / { print $5 + $6 }' /proc/stat
}

@test "four endless guests run on several CPUs at once" {
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	g=$guests/mini_busy.bin
	for _ in 1 2 3; do
		before=$(idle_ticks)
		mini --json --stats=stats.json --timeout 3 "$g" "$g" "$g" "$g" </dev/null
		idle=$(($(idle_ticks) - before))
		[ "$status" -eq 1 ]
		# The VM's own figure is the first.
		cpu=$(grep -oE '"cpu_ns": ?[0-9]+' stats.json | grep -oE '[0-9]+$' | head -n 1)
		wall=$(grep -oE '"seconds": ?[0-9]+' stats.json | grep -oE '[0-9]+$')000000000
		echo "wall $wall ns, CPU $cpu ns, idle $idle ticks"
		[ $((cpu * 2)) -le $((wall * 3)) ] || return 0
	done
	# 3 s of one CPU are 300 ticks.
	[ "$idle" -gt 200 ] || skip "the machine is busy with other work"
	false
}

@test "a named guest that came with ivlab is found" {
	mini mini_hello </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = 'Hello from real mode!' ]
}

@test "called as its ancestor's program it takes the same command line" {
	ln -s "$(realpath "$ivlab")" kvm-vmm
	image x.bin "$put_x"
	run --separate-stderr timeout 60 ./kvm-vmm --paging --entry 0x80001000 \
		--load 0x1000 x.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = X ]
}

# --- hypercalls -------------------------------------------------------------

@test "hypercall 1 prints and 0 ends, in both dialects" {
	for dialect in legacy 1k; do
		mini --hc "$dialect" "$guests/mini_hello_hc.bin" </dev/null
		[ "$status" -eq 0 ]
		[ "$output" = 'Hello by hypercall!' ]
	done
}

@test "legacy hypercalls 2 and 3 print numbers and newlines" {
	mini "$guests/mini_decimal.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 1 ]
	[ "${lines[15]}" = 32768 ]
	[ "${lines[16]}" = 65535 ]
}

@test "hypercall 3 is a newline in one dialect and unknown in the other" {
	image three.bin '\xb0\x03\xba\x00\x05\xee\xb0\x41\xba\xf8\x03\xee\xf4'
	mini three.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = $'\nA' ]
	mini --hc 1k three.bin </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"three: ended by unknown hypercall 0x03"* ]]
}

@test "an unknown hypercall ends that guest only, with status 0" {
	mini --tag "$guests/mini_unknown.bin" "$guests/mini_lines.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$(grep -c '^mini_lines' <<<"$output")" -eq 1000 ]
	[ "$(grep '^mini_unknown' <<<"$output")" = 'mini_unknown.0| before' ]
	[[ $stderr == *"unknown hypercall 0x09"* ]]
}

@test "get-character answers once and then 0" {
	mini --hc 1k "$guests/mini_echo_1k.bin" <<<'typed by key'
	[ "$status" -eq 0 ]
	[ "$output" = 'typed by key' ]
}

@test "get-character without a key gives ff and goes on" {
	# The key comes when the guest has asked in vain: al=2, in, cmp ff, je;
	# put it; exit.
	image get.bin '\xba\x00\x05\xb0\x02\xee\xec\x3c\xff\x74\xf8\x88\xc3\xb0\x01\xee\xb0\x00\xee'
	mini --hc 1k get.bin < <(sleep 0.3; printf K)
	[ "$status" -eq 0 ]
	[ "$output" = K ]
}

@test "get-character at the end of the input ends the guest" {
	mini --hc 1k "$guests/mini_echo_1k.bin" < <(printf cut)
	[ "$status" -eq 0 ]
	[ "$output" = cut ]
	[[ $stderr == *"the input has ended"* ]]
	# Closed in a shell of its own, or a pipe of bats' takes its place.
	# shellcheck disable=SC2016 # that shell's words
	run --separate-stderr timeout 60 bash -c '"$@" <&-' bash \
		"$ivlab" boot mini-kvm --hc 1k "$guests/mini_echo_1k.bin"
	[ "$status" -eq 0 ]
	[[ $stderr == *"the input has ended"* ]]
}

# --- input ------------------------------------------------------------------

@test "the serial port receives what comes in by a pipe or a file" {
	mini "$guests/mini_echo.bin" < <(echo 'by a pipe')
	[ "$output" = 'by a pipe' ]
	echo 'by a file' >input
	mini "$guests/mini_echo.bin" <input
	[ "$output" = 'by a file' ]
}

@test "a guest that takes no input leaves it to others" {
	echo 'for somebody else' >input
	{
		timeout 60 "$ivlab" boot mini-kvm "$guests/mini_counter.bin"
		cat
	} <input >output
	[ "$(cat output)" = '0123456789for somebody else' ]
}

@test "a terminal gives its keys and is restored" {
	command -v script >/dev/null || skip "no script(1)"
	# Its newline is the guest's end, so the shell behind it sees the rest.
	echo 'typed here' | timeout 60 script -qec \
		"'$ivlab' boot mini-kvm '$guests/mini_echo.bin'; stty -a" \
		/dev/null >output
	cat output
	grep -q 'typed here' output
	grep -qE '(^|[ ;])icanon' output
	grep -qE '(^|[ ;])echo( |;|$)' output
}

# --- interrupts -------------------------------------------------------------

@test "the timer interrupts a guest that lets it" {
	mini "$guests/mini_ticks.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = $'tick\ntick\ntick\ntick\ntick' ]
}

@test "each of four guests has its own ticks" {
	g=$guests/mini_ticks_own.bin
	mini --tag "$g" "$g" "$g" "$g" </dev/null
	[ "$status" -eq 0 ]
	[ "$(grep -c '| 3 ticks at CS ' <<<"$output")" -eq 4 ]
}

@test "HLT with interrupts on sleeps until the next, in any slot" {
	image sleeper.bin "$sleeper"
	mini sleeper.bin sleeper.bin sleeper.bin sleeper.bin </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = AAAA ]
}

@test "keys interrupt the first guest" {
	mini --hc 1k "$guests/mini_keys.bin" <<<'some keys q'
	[ "$status" -eq 0 ]
	[ "$output" = 'some keys q' ]
}

@test "the serial port interrupts by vector 0x24 when IER lets it" {
	mini "$guests/mini_uart_irq.bin" <<<'a line of bytes'
	[ "$status" -eq 0 ]
	[ "$output" = 'a line of bytes' ]
}

@test "no interrupt comes while IF is 0" {
	mini "$guests/mini_cli.bin" <<<key
	[ "$status" -eq 0 ]
	[ "$output" = $'none while off\none when on' ]
}

@test "a guest that never had interrupts on is never interrupted" {
	mini --json --stats=stats.json "$guests/mini_lines.bin" </dev/null
	[ "$status" -eq 0 ]
	run grep -oE '"interrupts": ?[0-9]+' stats.json
	[[ $output =~ ^\"interrupts\":\ ?0$ ]]
}

@test "the timer interrupts in protected mode, with paging and without" {
	mini --paging "$guests/mini_ticks_32.bin" </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = $'tick\ntick\ntick\ntick\ntick' ]
}
