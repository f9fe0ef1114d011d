#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# The flat images of guests/apps/classic/: is each in the README's tables, and
# do the larger ones print what is written there? Rule by rule the ABIs' own
# tests run them.
load common
bats_require_minimum_version 1.5.0

setup() {
	top=$BATS_TEST_DIRNAME/../..
	from=$top/guests/apps/classic
	guests=$IVLAB_BUILD/guests/classic
	cd "$BATS_TEST_TMPDIR" || exit 1
}

boot() {
	run --separate-stderr timeout 60 "$ivlab" boot "$@"
	echo "status $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
}

@test "every flat image is built and in a table of the README, and no other" {
	local file
	for file in "$from"/*.[cS]; do
		basename "${file%.*}"
	done | sort >sources
	for file in "$guests"/*.bin; do
		basename "$file" .bin
	done | sort >built
	grep '^|' "$from/README.md" | cut -d '|' -f 2 |
		grep -oE '`[a-z0-9_]+`' | grep _ | tr -d '`' | sort >shown
	[ -s sources ]
	diff sources shown
	# A build directory may hold images whose sources have gone.
	[ -z "$(comm -23 sources built)" ]
}

@test "an image that does not fit where it belongs is not linked" {
	echo '.globl start; start: .skip 17' | gcc -m32 -x assembler -c -o long.o -
	run ld -m elf_i386 -T "$from/flat.ld" --defsym=flat_base=0 \
		--defsym=flat_limit=16 --oformat binary -o long.bin long.o
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"does not fit"* ]]
	ld -m elf_i386 -T "$from/flat.ld" --defsym=flat_base=0 \
		--defsym=flat_limit=17 --oformat binary -o long.bin long.o
	[ "$(wc -c <long.bin)" -eq 17 ]
}

# The answers, each on a line; the menu, which is always the same, is left out.
session() {
	cat >answers
	boot mini-kvm --paging "$guests/mini_shell_os.bin" <answers
	[ "$status" -eq 0 ]
	printf '%s\n' "$output" | sed '/^$/d; /^[1-9] [a-zA-Z]/d; /^0 exit$/d' >got
	[ "$(head -n 1 got)" = 'shell OS: program at 1000000, stack to 1005000' ]
	sed -i 1d got
}

@test "shell: every program prints what the README says" {
	need_kvm
	session <<-'END'
		1
		2
		3
		some words

		4
		5
		7
		12
		8
		84 36
		9
		0
	END
	diff - got <<-'END'
		choose: 1
		  1  2  3  4  5  6  7  8  9
		  2  4  6  8 10 12 14 16 18
		  3  6  9 12 15 18 21 24 27
		  4  8 12 16 20 24 28 32 36
		  5 10 15 20 25 30 35 40 45
		  6 12 18 24 30 36 42 48 54
		  7 14 21 28 35 42 49 56 63
		  8 16 24 32 40 48 56 64 72
		  9 18 27 36 45 54 63 72 81
		choose: 2
		0 1 2 3 4 5 6 7 8 9
		choose: 3
		an empty line ends it
		some words
		some words
		choose: 4
		0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181
		choose: 5
		2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97
		choose: 7
		of: 12
		12! = 479001600
		choose: 8
		of two numbers: 84 36
		12
		choose: 9
		shell OS, a guest of ivlab that keeps its own page tables
		this program runs at 1000000, 100% in 32 bit
		choose: 0
		bye
	END
}

@test "shell: the calculator names what is wrong and goes on" {
	need_kvm
	session <<-'END'
		6
		12 + 5
		100 - 37
		7*8
		-7 / 2
		-7 % 2
		2147483647 + 1
		-2147483647 - 2
		65536 * 65536
		2147483648 + 0
		5 / 0
		5 % 0
		5 & 3
		5
		+ 5
		5 + 5 5
		q
		0
	END
	diff - got <<-'END'
		choose: 6
		like 12 + 5; q ends it
		= 12 + 5
		17
		= 100 - 37
		63
		= 7*8
		56
		= -7 / 2
		-3
		= -7 % 2
		-1
		= 2147483647 + 1
		too large
		= -2147483647 - 2
		too large
		= 65536 * 65536
		too large
		= 2147483648 + 0
		a number first
		= 5 / 0
		division by zero
		= 5 % 0
		division by zero
		= 5 & 3
		the sign is one of + - * / %
		= 5
		then a sign: + - * / %
		= + 5
		a number first
		= 5 + 5 5
		one number last
		= q
		choose: 0
		bye
	END
}

@test "shell: a wrong choice or number is asked for again" {
	need_kvm
	session <<-'END'
		10
		-1
		two
		7
		13
		7
		many
		5
		8
		1
		-48 18
		0
	END
	diff - got <<-'END'
		choose: 10
		no such program: 10
		choose: -1
		no such program: -1
		choose: two
		no such program: two
		choose: 7
		of: 13
		0 to 12 only
		choose: 7
		of: many
		a number, please
		of: 5
		5! = 120
		choose: 8
		of two numbers: 1
		two numbers, please
		of two numbers: -48 18
		6
		choose: 0
		bye
	END
}

@test "shell: backspace takes a character back, a long line is cut" {
	need_kvm
	session < <(printf '3\nworx\010d\177d\n%0100d\n\n0\n' 0)
	[ "$(sed -n 4p got)" = word ]
	[ "$(sed -n 6p got)" = "$(printf '%079d' 0)" ]
	[ "$(tail -n 1 got)" = bye ]
}

@test "simple-kvm: the guest of each mode prints what its head says" {
	local bits option
	need_kvm
	for bits in 32:-s 64:-l; do
		option=${bits#*:} bits=${bits%:*}
		sed -n '/stdout:$/,/\*\//s/^ \*\t\([^\t]*\).*/\1/p' \
			"$from/simple_guest$bits.c" >shown
		[ "$(wc -l <shown)" -eq 11 ]
		boot simple-kvm "$option"
		[ "$status" -eq 0 ]
		diff shown <(printf '%s\n' "$output")
	done
	boot simple-kvm -r
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "simple-kvm: a result that is wrong anywhere is refused" {
	need_kvm
	for wrong in '-r simple_wrong_16' '-s simple_wrong_32' '-l simple_wrong_64'; do
		boot simple-kvm "${wrong% *}" "$guests/${wrong#* }.bin"
		[ "$status" -eq 1 ]
		[[ $stderr == *'Wrong result'* ]]
	done
	boot simple-kvm -s "$guests/simple_beyond_32.bin"
	[ "$status" -eq 1 ]
	[[ $stderr == *0x300000* ]]
}
