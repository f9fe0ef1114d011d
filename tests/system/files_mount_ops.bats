#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # base, dir, mnt, private: set by files_mount
# Each operation of 9P2000.L through a mount: what manual pages say of system
# calls holds there, in each mode, with and without the client's cache.
load files_mount

programs=$IVLAB_BUILD/system

setup() {
	need_mount
	make_base_with_xattrs
	other=$base/other
	mkdir "$other"
}

teardown() {
	umount -l "${other:-/nowhere}" 2>/dev/null || true
	remove_base
}

# In the served directory itself first: what the machine does not do is not
# asked of a mount.
ops() { # cache, options of the server
	"$programs/mount_ops" "$dir"
	mount_share "$@"
	"$programs/mount_ops" "$mnt"
	# Nothing is left.
	[ -z "$(ls -A "$mnt")" ]
	unmount_share
}

xattrs() { # cache, options of the server
	"$programs/mount_xattrs" -a "$dir"
	rm "$dir/kept"
	mount_options=posixacl mount_share "$@"
	"$programs/mount_xattrs" -a "$mnt"
	unmount_share
	# They are there for the next mount.
	mount_share "$@"
	rm "$mnt/kept"
	"$programs/mount_xattrs" "$mnt"
	unmount_share
}

shared() { # cache, options of the server
	mount_options=locktimeout=1 mount_share "$@"
	mount_options=locktimeout=1 mount_at "$1" "$other"
	"$programs/mount_shared" "$mnt" "$other"
	"$programs/mount_shared" -k 20 "$mnt"
	umount "$other"
	unmount_share
}

# Served by itself, the private tree is what it is.
look_at_private() {
	dir=$private/tree
	mount_share none
	"$programs/mount_xattrs" -r "$mnt"
	unmount_share
}

@test "operations on a read-write share, without cache" {
	ops none --mode rw
}

@test "operations on a read-write share, with cache=mmap" {
	ops mmap --mode rw
}

@test "operations on a copy-on-write share, without cache" {
	ops none --mode cow --private "$private"
}

@test "operations on a copy-on-write share, with cache=mmap" {
	ops mmap --mode cow --private "$private"
}

@test "xattrs and ACLs of a read-write share" {
	xattrs none --mode rw
	rm "$dir/kept"
	xattrs mmap --mode rw
}

@test "xattrs and ACLs of a copy-on-write share" {
	xattrs none --mode cow --private "$private"
	rm -r "$private"
	xattrs mmap --mode cow --private "$private"
}

@test "xattrs of a file come with its copy, and leave the host's alone" {
	"$programs/mount_xattrs" "$dir"
	before=$(stat -c '%Y %Z' "$dir/kept")
	mount_share none --mode cow --private "$private"
	echo more >>"$mnt/kept"
	unmount_share
	[ "$(stat -c '%Y %Z' "$dir/kept")" = "$before" ]
	look_at_private
}

@test "a read-only share has all to see and nothing to change" {
	"$programs/mount_xattrs" "$dir"
	mkdir "$dir/kept-dir"
	for cache in none mmap; do
		mount_share "$cache"
		"$programs/mount_ops" -r "$mnt"
		"$programs/mount_xattrs" -r "$mnt"
		unmount_share
	done
}

@test "two mounts of a read-write share see each other's locks and bytes" {
	shared none --mode rw
}

@test "two mounts of a copied share see each other's locks and bytes" {
	shared none --mode cow --private "$private"
}

@test "statfs shows a private layer's quota, which ends what is written" {
	mount_share none --mode cow --private "$private" --quota 1M
	[ $(($(stat -f -c '%b * %S' "$mnt"))) -eq 1048576 ]
	run dd if=/dev/zero of="$mnt/large" bs=64K count=32 status=none
	[ "$status" -ne 0 ]
	[[ $output == *"quota exceeded"* ]]
	rm "$mnt/large"
	head -c 500000 /dev/zero >"$mnt/fits"
	[ "$(stat -c %s "$mnt/fits")" -eq 500000 ]
	unmount_share
}

@test "bench files measures both servers, and leaves nothing" {
	[ -x /usr/sbin/diod ] || skip "diod is not installed"
	mkdir "$dir/place"
	timeout 120 "$ivlab" bench files --json --rounds 2 --files 30 \
		--dir "$dir/place" >"$base/json"
	jq -e '.ok and (.workloads | length) == 6 and
		([.workloads[] | .ours.median, .diod.median, .ratio.min] |
		min > 0)' "$base/json"
	[ -z "$(ls -A "$dir/place")" ]
	[ -z "$(processes_with "$dir/place")" ]
}
