#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Do the documents say what is there?
#
# docs/ring.md has the labels of the code, and examples that a unit test runs.
# docs/writing-a-guest.md is run as it stands, in a copy of the tree: a block
# behind "<!-- file: PATH -->" is written to PATH, a sh block is run, a text
# block is what the sh block before it prints, "..." standing for anything.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	# The words of the make that started us are not for the guide's.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL SAN T V
}

# The labels in files, one per line. Only a word with a hyphen is one:
# [KVM_RUN] names an ioctl.
labels() { # files...
	grep -hoE '\[[A-Z]+(-[A-Z]+)+\]' "$@" | sort -u
}

# The first column of the tables: rings in ring.md, virtqueues in virtio-9p.md.
labels_of_table() {
	grep -hE '^\| *`?\[[A-Z]+(-[A-Z]+)+\]' docs/ring.md docs/virtio-9p.md |
		cut -d '|' -f 2 | labels -
}

@test "every ordering label of the code stands in a table" {
	local missing sources
	mapfile -t sources < <(find shm vmm guests producer-consumer \
		-name '*.[chS]')
	[ -n "$(labels "${sources[@]}")" ]
	missing=$(comm -23 <(labels "${sources[@]}") <(labels_of_table))
	[ -z "$missing" ] || {
		echo "in the code, in no table: $missing"
		return 1
	}
}

@test "every ordering label of the tables stands in the code" {
	local stale sources
	mapfile -t sources < <(find shm vmm guests producer-consumer \
		-name '*.[chS]')
	[ -n "$(labels_of_table)" ]
	stale=$(comm -13 <(labels "${sources[@]}") <(labels docs/ring.md docs/virtio-9p.md))
	[ -z "$stale" ] || {
		echo "in a table, not in the code: $stale"
		return 1
	}
}

# The lines of an example: between two marks in the unit test that runs it, in
# the block behind a mark in the document.
example_run() { # name
	awk -v name="$1" '$0 == "/* example: " name " */" { inside = 1; next }
	/^\/\* end of example \*\/$/ { inside = 0 }
	inside' tests/unit/test_ring_examples.c
}

example_shown() { # name
	awk -v name="$1" '$0 == "<!-- example: " name " -->" { mark = 1; next }
	/^```c$/ && mark { inside = 1; mark = 0; next }
	/^```$/ { inside = 0 }
	inside' docs/ring.md
}

@test "the examples of ring.md are those that a unit test runs" {
	local name
	local rings='spsc spsc_block spsc_var spsc_cell spsc_call mpmc mpsc bcast'
	[ "$(grep -c '^<!-- example: ' docs/ring.md)" -eq 8 ]
	for name in $rings; do
		[ -n "$(example_run "$name")" ]
		diff <(example_run "$name") <(example_shown "$name")
	done
}

@test "every file the documents link to is there" {
	local doc link broken=''
	for doc in README.md CONTRIBUTING.md docs/*.md docs/decisions/*.md; do
		[ -f "$doc" ] || continue
		while IFS= read -r link; do
			case $link in *://* | '#'*) continue ;; esac
			[ -e "$(dirname "$doc")/${link%%#*}" ] ||
				broken+=" $doc:$link"
		done < <(grep -oE '\]\([^) ]+\)' "$doc" | sed 's/^](//; s/)$//')
	done
	[ -z "$broken" ] || {
		echo "broken:$broken"
		return 1
	}
}

# Number the blocks of a document: NN.file with NN.path, NN.sh, NN.text.
steps_of() { # document, directory
	awk -v dir="$2" '
	/^<!-- file: .* -->$/ { path = $3; next }
	/^```/ && !inside {
		inside = 1
		out = ""
		if (path != "") {
			out = sprintf("%s/%02d.file", dir, ++nr)
			print path > sprintf("%s/%02d.path", dir, nr)
			path = ""
		} else if ($0 == "```sh") {
			out = sprintf("%s/%02d.sh", dir, ++nr)
		} else if ($0 == "```text") {
			out = sprintf("%s/%02d.text", dir, nr)
		}
		next
	}
	/^```/ { inside = 0; if (out != "") close(out); next }
	inside && out != "" { print > out }' "$1"
}

# Does a line fit what the document shows, "..." being anything?
fits() { # line, shown
	local shown=$2 pattern=''
	while [[ $shown == *...* ]]; do
		pattern+="${shown%%...*}"$'\001'
		shown=${shown#*...}
	done
	pattern=$(printf '%s' "$pattern$shown" |
		sed 's/[][\\.*^$]/\\&/g' | tr '\001' '\n' | sed -z 's/\n/.*/g')
	printf '%s\n' "$1" | grep -qx -- "$pattern"
}

# Are the lines shown in the output, in order, with nothing between them but
# where a line "..." stands? Prints the first that is not.
prints() { # output, shown
	local lines want gap='' at=0
	mapfile -t lines <"$1"
	while IFS= read -r want; do
		if [ "$want" = ... ]; then
			gap=1
			continue
		fi
		while [ -n "$gap" ] && [ "$at" -lt ${#lines[@]} ] &&
			! fits "${lines[at]}" "$want"; do
			at=$((at + 1))
		done
		if [ "$at" -ge ${#lines[@]} ] || ! fits "${lines[at]}" "$want"; then
			printf 'shown:   %s\nprinted: %s\n' "$want" \
				"${lines[at]-nothing like it}"
			return 1
		fi
		at=$((at + 1))
		gap=''
	done <"$2"
	[ -n "$gap" ] || [ "$at" -ge ${#lines[@]} ] || {
		echo "printed, not shown: ${lines[at]}"
		return 1
	}
}

@test "what the guide shows is compared line by line, with gaps" {
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' one 'two [2] .' three >out
	printf '%s\n' one ... >shown && prints out shown
	printf '%s\n' ... three >shown && prints out shown
	printf '%s\n' one 't... [2] ...' three >shown && prints out shown
	printf '%s\n' one three >shown
	run prints out shown
	[ "$status" -eq 1 ]
	printf '%s\n' one 'two [2] x' ... >shown
	run prints out shown
	[ "$status" -eq 1 ]
	printf '%s\n' one ... four >shown
	run prints out shown
	[ "$status" -eq 1 ]
	printf '%s\n' one >shown
	run prints out shown
	[ "$status" -eq 1 ]
}

copy_tree() { # to
	mkdir -p "$1/build"
	tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C "$1"
	# The guide says build/plain, whatever flavour is under test; with the
	# time stamps kept, make has only the new guests to build.
	cp -a "$IVLAB_BUILD" "$1/build/plain"
}

run_step() { # number
	local step=$BATS_TEST_TMPDIR/steps/$1 status=0
	if [ -f "$step.file" ]; then
		[ ! -e "$(cat "$step.path")" ] || {
			echo "$(cat "$step.path") would be overwritten"
			return 1
		}
		cp "$step.file" "$(cat "$step.path")"
		return
	fi
	timeout -k 5 100 bash -eu "$step.sh" >"$step.out" 2>&1 </dev/null 3>&- 4<&- ||
		status=$?
	if [ "$status" -ne 0 ]; then
		echo "ended with status $status (124, 137: timeout):"
	elif [ ! -f "$step.text" ] || prints "$step.out" "$step.text"; then
		return
	fi
	echo "--- the commands"
	cat "$step.sh"
	echo "--- their output"
	cat "$step.out"
	return 1
}

@test "the commands of writing-a-guest.md work and print what it shows" {
	local step
	[ -c /dev/kvm ] && (exec 4<>/dev/kvm) 2>/dev/null ||
		skip "/dev/kvm cannot be opened"
	mkdir "$BATS_TEST_TMPDIR/steps"
	steps_of docs/writing-a-guest.md "$BATS_TEST_TMPDIR/steps"
	copy_tree "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree"
	for step in "$BATS_TEST_TMPDIR"/steps/*.file \
		"$BATS_TEST_TMPDIR"/steps/*.sh; do
		[ -f "$step" ] && printf '%s\n' "$(basename "${step%.*}")"
	done | sort >"$BATS_TEST_TMPDIR/order"
	# A guide whose blocks are no longer found would test nothing.
	[ "$(wc -l <"$BATS_TEST_TMPDIR/order")" -ge 8 ]
	while IFS= read -r step <&4; do
		run_step "$step"
	done 4<"$BATS_TEST_TMPDIR/order"
}
