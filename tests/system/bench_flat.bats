#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab: set by common
# `ivlab bench boot` and `ivlab bench exit`: every processor mode, on every
# kind of KVM. The figures are not judged.
load common

# Standard output and standard error apart, in $output and $errors.
bench() {
	run timeout -k 5 120 bash -c '"$@" 2>"$0"' \
		"$BATS_TEST_TMPDIR/errors" "$ivlab" bench "$@"
	errors=$(cat "$BATS_TEST_TMPDIR/errors")
}

expect() { # status, part of the errors
	if [ "$status" -ne "$1" ] || [[ $errors != *"$2"* ]]; then
		echo "wanted status $1 and: $2"
		echo "got status $status and: $errors"
		return 1
	fi
}

@test "bench boot and exit name the KVM kind and every processor mode" {
	need_kvm
	kind=$("$ivlab" doctor --json | sed -n 's/.*"kvm": "\(.*\)".*/\1/p')
	for what in boot exit; do
		bench $what --rounds 2
		expect 0 ""
		[[ $output == *"medians of 2 rounds on $kind; "* ]]
		for mode in real protected paging32 long; do
			[[ $output == *$'\n'"$mode "* ]]
		done
	done
}

@test "bench boot and exit as JSON have figures that make sense" {
	need_kvm
	command -v python3 >/dev/null || skip "no python3"
	for what in boot exit; do
		bench $what --rounds 3 --json
		expect 0 ""
		python3 -c '
import json, sys
r = json.loads(sys.argv[1])
assert r["ok"] and r["bench"] == sys.argv[2] and r["rounds"] == 3
names = {"boot": ("first_exit", "created"), "exit": ("out", "in")}
for mode in r["modes"]:
    if mode["missing"]:
        assert mode["mode"] == "paging32"
        continue
    for name in names[r["bench"]]:
        f = mode[name]
        assert 0 < f["min"] <= f["median"] <= f["max"], mode
' "$output" $what
	done
}

@test "bench boot and exit refuse options of others and bad rounds" {
	for what in boot exit; do
		for bad in 0 1000 -1 x ''; do
			bench $what --rounds "$bad"
			expect 2 "--rounds $bad; allowed: 1 to 999"
		done
		bench $what --pairs 3
		expect 2 "an option given is for: ivlab bench ring"
		bench $what --quick
		expect 2 "an option given is for: ivlab bench peers"
		bench $what --cpus 0,1
		expect 2 "an option given is for: ivlab bench ring"
	done
	bench ring --rounds 3
	expect 2 "an option given is for: ivlab bench peers"
}
