#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # base, dir, mnt, private: set by files_mount
# The Linux client on `ivlab files serve`: what tools do through a mount, with
# and without its cache.
load files_mount

setup() {
	need_mount
	make_base
	mkdir -p "$dir/sub"
	seq 1 20000 >"$dir/numbers"
	echo deep >"$dir/sub/deep"
	ln -s sub/deep "$dir/link"
}

teardown() {
	remove_base
}

# The same commands, in a directory: what they print is what there is to see.
torture() {
	(
		cd "$1" || exit
		cat link numbers | cksum
		echo first >new && echo second >>new && cat new
		mkdir made && mv new made/moved && ln made/moved made/second
		stat -c '%h %s' made/moved
		ln -s ../numbers made/link && readlink made/link
		head -c 3000000 /dev/zero | tr '\0' x >large
		dd if=numbers of=large bs=1000 seek=5 count=20 conv=notrunc \
			status=none
		truncate -s 2500000 large && cksum <large
		chmod 640 numbers && stat -c %a numbers
		touch -d @1000 numbers && stat -c %Y numbers
		sed -i s/deep/edited/ sub/deep && cat sub/deep
		flock large true && echo locked
		exec 7<>large
		rm large && head -c 5 <&7 && echo
		exec 7>&-
		for i in $(seq 1 300); do echo "$i" >"made/f$i"; done
		find made -type f | wc -l
		rm made/f*[13579] && find . | sort | cksum
		rm -r made/link made/second
		mv sub/deep made/moved && cat made/moved
		rmdir sub && find . | sort
		sync -f .
	) 2>&1
}

compare() { # cache, options
	cp -a "$dir" "$base/plain"
	torture "$base/plain" >"$base/want"
	mount_share "$@"
	torture "$mnt" >"$base/got"
	unmount_share
	diff "$base/want" "$base/got"
}

@test "read-write through a mount without cache is as a plain directory" {
	compare none --mode rw
	diff -r --no-dereference "$base/plain" "$dir"
}

@test "read-write through a mount with cache=mmap is as a plain directory" {
	compare mmap --mode rw
	diff -r --no-dereference "$base/plain" "$dir"
}

@test "copy-on-write through a mount without cache is as a plain directory" {
	before=$(cd "$dir" && tar cf - . | cksum)
	compare none --mode cow --private "$private"
	[ "$(cd "$dir" && tar cf - . | cksum)" = "$before" ]
}

@test "copy-on-write through a mount with cache=mmap is as a plain directory" {
	before=$(cd "$dir" && tar cf - . | cksum)
	compare mmap --mode cow --private "$private"
	[ "$(cd "$dir" && tar cf - . | cksum)" = "$before" ]
}

@test "read-only through a mount shows everything and takes no change" {
	for cache in none mmap; do
		mount_share "$cache"
		diff -r --no-dereference "$dir" "$mnt"
		run bash -c 'echo x >"$0/new"' "$mnt"
		[ "$status" -ne 0 ]
		[[ $output == *"Read-only"* ]]
		unmount_share
	done
}
