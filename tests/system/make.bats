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
