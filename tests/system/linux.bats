#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# ivlab boot mini-kvm --linux: does a kernel begin as the boot protocol says,
# and does a stock one come up? In the bed of `make test-nested` all must run.
load common
bats_require_minimum_version 1.5.0

setup() {
	need_kvm
	[ ! -e /sys/module/kvm_pvm ] || skip "software KVM"
	cd "$BATS_TEST_TMPDIR" || exit 1
}

# A kernel of these bytes, as for printf; both entries are the same code.
tiny_kernel() { # file, code
	put() { # offset, bytes
		# shellcheck disable=SC2059 # bytes are the format
		printf "$2" | dd of="$file" bs=1 seek="$1" conv=notrunc status=none
	}
	local file=$1
	head -c $((5 * 512 + 4096)) /dev/zero >"$file"
	put $((0x1f1)) '\x04'                          # setup_sects
	put $((0x1f4)) '\x00\x01\x00\x00'              # syssize
	put $((0x1fe)) '\x55\xaa\xeb\x6aHdrS\x0f\x02'  # to version
	put $((0x211)) '\x01'                          # loadflags: high
	put $((0x22c)) '\xff\xff\xff\x7f'              # initrd_addr_max
	put $((0x236)) '\x01'                          # xloadflags: 64 bit
	put $((0x238)) '\xff\x07\x00\x00'              # cmdline_size
	put $((0x258)) '\x00\x00\x20\x00\x00\x00\x00\x00' # pref_address
	put $((0x260)) '\x00\x10\x00\x00'              # init_size
	put $((5 * 512)) "$2"
	put $((5 * 512 + 0x200)) "$2"
}

linux() {
	run --separate-stderr timeout 60 "$ivlab" boot mini-kvm "$@" </dev/null
	echo "status $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
}

@test "both entries find boot_params at RSI, and port 0x64 resets the machine" {
	# The first character of the command line to the serial port.
	tiny_kernel tiny '\x8b\x9e\x28\x02\x00\x00\x8a\x03\x66\xba\xf8\x03\xee\xb0\xfe\xe6\x64\xf4'
	for entry in code32 boot64; do
		linux --linux tiny --linux-entry $entry --cmdline Yes
		[ "$status" -eq 0 ]
		[ "$output" = Y ]
	done
}

@test "memory that is not there reads ones and ignores what is written" {
	# mov $0xd0000000, %ebx; incl (%rbx); mov (%rbx), %al; not %al;
	# add $'A', %al; out it; reset
	tiny_kernel tiny '\xbb\x00\x00\x00\xd0\xff\x03\x8a\x03\xf6\xd0\x04\x41\x66\xba\xf8\x03\xee\xb0\xfe\xe6\x64\xf4'
	linux --linux tiny
	[ "$status" -eq 0 ]
	[ "$output" = A ]
}

@test "a triple fault is a crash" {
	tiny_kernel tiny '\x0f\x0b'
	linux --linux tiny
	[ "$status" -eq 1 ]
	[[ $stderr == *'triple fault'* ]]
}

@test "a file that is no kernel, or half of one, is named" {
	tiny_kernel tiny '\xf4'
	head -c 4000 tiny >half
	head -c 4000 /dev/zero >zeros
	linux --linux half
	[ "$status" -eq 1 ]
	[[ $stderr == *'half: truncated: 4000 bytes, its header says 6656'* ]]
	linux --linux zeros
	[[ $stderr == *'zeros: not a Linux bzImage'* ]]
	linux --linux none
	[[ $stderr == *'none: No such file'* ]]
	linux --linux tiny --initrd none
	[[ $stderr == *'none: No such file'* ]]
	truncate -s 63M initrd
	linux --linux tiny --initrd initrd --memory 64
	[ "$status" -eq 1 ]
	[[ $stderr == *'initrd: too large'* ]]
	linux --linux tiny --cmdline "$(printf '%2048s' '')"
	[ "$status" -eq 1 ]
	[[ $stderr == *'2048 bytes; tiny takes 2047'* ]]
}

# A Debian kernel and an initrd whose first process talks on its console.
stock_kernel() {
	local busybox
	kernel=$(printf '%s\n' /boot/vmlinuz-*-amd64 | sort -V | tail -n 1)
	[ -r "$kernel" ] || skip "no kernel of linux-image-amd64 to read"
	busybox=$(type -P busybox) && ! ldd "$busybox" >/dev/null 2>&1 ||
		skip "busybox-static is not installed"
	type -P cpio >/dev/null || skip "cpio is not installed"
	mkdir -p root/dev
	cp "$busybox" root/busybox
	cat >root/init <<-'END'
		#!/busybox sh
		echo ready
		read -r line
		echo "got $line"
		exec /busybox reboot -f
	END
	chmod +x root/init
	(cd root && find . | cpio -o -H newc -R 0:0 --quiet) >initrd
}

stock_boots() { # entry
	: >out
	status=0
	# shellcheck disable=SC2094 # it waits for what the guest says
	{
		eventually 60 grep -q ready out && echo word
	} | "$ivlab" boot mini-kvm --linux "$kernel" --initrd initrd \
		--linux-entry "$1" --timeout 60 --cmdline "console=ttyS0 \
panic=-1 no_timer_check tsc=reliable nokaslr mitigations=off" \
		>out || status=$?
	cat out
	[ "$status" -eq 0 ]
	grep -q '^got word' out
}

@test "a stock kernel boots by its 32-bit entry, answers, and resets" {
	stock_kernel
	stock_boots code32
}

@test "a stock kernel boots by its 64-bit entry, answers, and resets" {
	stock_kernel
	stock_boots boot64
}
