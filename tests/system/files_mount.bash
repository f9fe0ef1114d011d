# SPDX-License-Identifier: MIT
# files_mount.bash - `ivlab files serve` and Linux's client on it, for the
# tests that need both. Needs root and the 9p modules; `make test-nested` has
# them. A file says: load files_mount
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # ivlab: set by common; private: for the tests
load common

need_mount() {
	[ "$(id -u)" -eq 0 ] || skip "only root may mount"
	modprobe 9p 2>/dev/null || true
	grep -qw 9p /proc/filesystems || skip "this kernel has no 9p client"
}

# A test's directory, what it serves, and where that is mounted.
make_base() {
	base=$(mktemp -d "${TMPDIR:-/tmp}/ivlab-mount-XXXXXX")
	socket=$base/s dir=$base/dir mnt=$base/mnt private=$base/private
	mkdir "$mnt"
}

# The same, but what is served and changed is on a file system of its own that
# has user xattrs and ACLs: that of temporary files may have none.
make_base_with_xattrs() {
	command -v mke2fs >/dev/null || skip "mke2fs is not installed"
	modprobe -a loop ext4 2>/dev/null || true
	make_base
	mkdir "$base/fs"
	truncate -s 256M "$base/image"
	mke2fs -q -F -t ext4 -O ^has_journal "$base/image"
	mount -t ext4 -o loop,user_xattr,acl "$base/image" "$base/fs" ||
		skip "no ext4 in a file on this machine"
	dir=$base/fs/dir private=$base/fs/private
	mkdir "$dir"
}

remove_base() {
	[ -n "${base:-}" ] || return 0
	umount -l "$mnt" 2>/dev/null || true
	[ -z "${server_pid:-}" ] || kill -9 "$server_pid" 2>/dev/null || true
	umount -l "$base/fs" 2>/dev/null || true
	rm -rf "$base"
}

is_serving() {
	grep -q "serving $dir" "$base/log"
}

# Others of a test's own: mount_options=LIST mount_share ...
mount_at() { # cache, mount point
	timeout 60 mount -t 9p -o \
		"trans=unix,version=9p2000.L,msize=1048576,cache=$1${mount_options:+,$mount_options}" \
		"$socket" "$2"
}

mount_share() { # cache, options of the server
	local cache=$1
	shift
	"$ivlab" files serve "$dir" --socket "$socket" "$@" 2>"$base/log" 3>&- &
	server_pid=$!
	eventually 60 is_serving || { cat "$base/log"; return 1; }
	mount_at "$cache" "$mnt"
}

unmount_share() {
	umount "$mnt"
	kill -TERM "$server_pid"
	wait "$server_pid"
	server_pid=
}
