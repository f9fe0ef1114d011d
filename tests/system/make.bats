#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, IVLAB_BUILD: set by common
# The Makefile's targets that neither build nor test.
load common

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	# The words of the make that started us are not for this one.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL SAN T V
}

@test "help names every target that is for people" {
	local target
	run make help
	[ "$status" -eq 0 ]
	while read -r target; do
		case $target in
		'' | .PHONY: | \\ | all | fuzzers | deps) continue ;;
		esac
		[[ $output == *"  make $target "* ]] || {
			echo "make help has no $target"
			return 1
		}
		# What it does is in one column.
		[[ $(grep "^  make $target " <<<"$output") =~ ^(\ \ make\ $target\ +)[^\ ] ]]
		[ "${#BASH_REMATCH[1]}" -eq 20 ]
	done < <(sed -n '/^\.PHONY:/,/[^\\]$/p' Makefile | tr ' ' '\n')
}

@test "version is the program's" {
	run make version
	[ "$status" -eq 0 ]
	[ "ivlab $output" = "$("$ivlab" --version)" ]
}

@test "structure has a line for every folder of the top" {
	local folder
	run make structure
	[ "$status" -eq 0 ]
	for folder in */; do
		[ "$folder" != build/ ] || continue
		grep -qE "^${folder%/} +[^ ]" <<<"$output" || {
			echo "make structure has no $folder"
			return 1
		}
	done
}

@test "install puts everything below DESTDIR and PREFIX, and it finds its guests" {
	local to=$BATS_TEST_TMPDIR/to
	run make B="$IVLAB_BUILD" DESTDIR="$to" PREFIX=/opt/lab install
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(ls "$to")" = opt ]
	[ "$(ls "$to/opt")" = lab ]
	[ "$(ls "$to/opt/lab")" = $'bin\nlib\nshare' ]
	cmp "$to/opt/lab/bin/ivlab" "$ivlab"
	cmp "$to/opt/lab/share/man/man1/ivlab.1" docs/ivlab.1
	# In the build tree there is another one, so not by the name alone.
	run "$to/opt/lab/bin/ivlab" boot mini-kvm --help
	[[ $output == *mini_hello* ]]
	rm "$to"/opt/lab/lib/ivlab/guests/classic/*
	run "$to/opt/lab/bin/ivlab" boot mini-kvm --help
	[[ $output != *mini_hello* ]]
}

# make TARGET where the doctor finds no KVM, with a bed that tells its command
# and ends with status $2.
demo_without_kvm() { # target, status
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"/{build/plain,tests/nested,tests/check}
	cp Makefile "$tree"
	cp tests/nested/demo "$tree/tests/nested"
	printf '#!/bin/sh\n' | tee "$tree/tests/check/install-deps" \
		>"$tree/build/plain/ivlab"
	echo 'echo "/dev/kvm FAILED no luck"; exit 1' >>"$tree/build/plain/ivlab"
	printf '#!/bin/sh\necho "bed: $*"\nexit %s\n' "$2" \
		>"$tree/tests/nested/bed"
	chmod +x "$tree"/tests/*/* "$tree/build/plain/ivlab"
	# Nothing is built: all there is to do is what the target itself does.
	sed -i 's/^all: /all:\nold: /' "$tree/Makefile"
	run make -C "$tree" "$1"
	echo "$output"
}

@test "both demos run in the emulated machine where KVM is not usable" {
	local target
	for target in run demo-files; do
		demo_without_kvm "$target" 0
		[ "$status" -eq 0 ]
		[[ $output == *"FAILED no luck"*"ITS TIMINGS MEAN NOTHING"*"bed: "*"The demo ran in an emulated machine"* ]]
	done
	[[ $output == *"files_demo.sh"* ]]
	[[ $output != *"messages"* ]]
	demo_without_kvm demo-files 3
	[[ $output == *"The demo failed in the emulated machine (status 3)"* ]]
}

@test "a demo that was interrupted says so, and none says that nothing is to be done" {
	demo_without_kvm run 130
	[[ $output == *"The demo was interrupted"* ]]
	[[ $output != *failed* ]]
	[[ $output != *"Nothing to be done"* ]]
}

@test "clean leaves nothing that was built" {
	mkdir -p "$BATS_TEST_TMPDIR/tree/build/plain"
	cp Makefile "$BATS_TEST_TMPDIR/tree"
	run make -C "$BATS_TEST_TMPDIR/tree" clean
	[ "$status" -eq 0 ]
	[ "$(ls "$BATS_TEST_TMPDIR/tree")" = Makefile ]
}

@test "debug builds without optimisation, in a place of its own" {
	run make -n debug
	[ "$status" -eq 0 ]
	[[ $output == *"-O0 -g3"* ]]
	[[ $output == *build/debug/ivlab* ]]
}
