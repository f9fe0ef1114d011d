#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # base, dir, mnt, private: set by files_mount
# Random operations through a mount: bytes of one file against what they must
# be, names and attributes against a plain directory.
#   MOUNT_SEED=N   other operations (default 1); a failure tells the seed
#   MOUNT_OPS=N    as many of each kind (default: what takes a few seconds)
load files_mount

random_io=$IVLAB_BUILD/system/mount_io
random_names=$IVLAB_BUILD/system/mount_names
seed=${MOUNT_SEED:-1}

setup() {
	need_mount
	make_base_with_xattrs
}

teardown() {
	remove_base
}

# What the host has there, names and bytes and attributes.
print_of() { # directory
	(cd "$1" && find . -printf '%p %y %m %U %G %n %T@ %l\n' | sort &&
		find . -type f -exec cksum {} + | sort -k 3) | cksum
}

io() { # cache, mode of the share, its options
	local cache=$1 mode=$2 options=()
	shift 2
	[ "$cache" != mmap ] || options+=(-m)
	[ "$mode" != ro ] || options+=(-r)
	head -c 100000 /dev/urandom >"$base/plain"
	cp "$base/plain" "$dir/file"
	before=$(print_of "$dir")
	mount_share "$cache" --mode "$mode" "$@"
	"$random_io" "${options[@]}" -n "${MOUNT_OPS:-1000}" -s "$seed" \
		"$mnt/file" "$base/plain"
	cmp "$mnt/file" "$base/plain"
	unmount_share
	if [ "$mode" = rw ]; then
		cmp "$dir/file" "$base/plain"
	else
		[ "$(print_of "$dir")" = "$before" ]
	fi
}

names() { # cache, mode of the share, its options
	local cache=$1 mode=$2 options=(-x)
	shift 2
	[ "$mode" != ro ] || options+=(-r)
	[ "$mode" != cow ] || options+=(-c)
	# What is there at first is random, too.
	mkdir -p "$base/fs/plain"
	"$random_names" -x -p -n 1000 -s "$seed" "$dir" "$base/fs/plain"
	before=$(print_of "$dir")
	mount_share "$cache" --mode "$mode" "$@"
	"$random_names" "${options[@]}" -n "${MOUNT_OPS:-1500}" \
		-s "$((seed + 1))" "$mnt" "$base/fs/plain"
	unmount_share
	[ "$mode" = rw ] || [ "$(print_of "$dir")" = "$before" ]
}

@test "bytes of a read-write file are those written, without cache" {
	io none rw
}

@test "bytes of a read-write file are those written, with cache=mmap" {
	io mmap rw
}

@test "bytes of a copied file are those written, without cache" {
	io none cow --private "$private"
}

@test "bytes of a copied file are those written, with cache=mmap" {
	io mmap cow --private "$private"
}

@test "bytes of a read-only file stay what they are" {
	io none ro
	io mmap ro
}

@test "names of a read-write share are a plain directory's, without cache" {
	names none rw
}

@test "names of a read-write share are a plain directory's, with cache=mmap" {
	names mmap rw
}

@test "names of a copied tree are a plain directory's, without cache" {
	names none cow --private "$private"
}

@test "names of a copied tree are a plain directory's, with cache=mmap" {
	names mmap cow --private "$private"
}

@test "names of a read-only share take no change" {
	names none ro
}
