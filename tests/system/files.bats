#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # ivlab, output, stderr: set by common and bats
# `ivlab files`: a directory served to clients of 9P, and what they changed.
load common

setup() {
	socket=$BATS_TEST_TMPDIR/s
	dir=$BATS_TEST_TMPDIR/dir
	private=$BATS_TEST_TMPDIR/private
	log=$BATS_TEST_TMPDIR/log
	mkdir -p "$dir/sub"
	echo hello >"$dir/file"
	echo deep >"$dir/sub/deep"
	ln -s "$BATS_TEST_TMPDIR/canary" "$dir/link"
	echo outside >"$BATS_TEST_TMPDIR/canary"
}

teardown() {
	[ -z "${server_pid:-}" ] || kill -9 "$server_pid" 2>/dev/null || true
}

is_serving() {
	grep -q "serving $dir" "$log"
}

serve() { # options
	: >"$log"
	"$ivlab" files serve "$dir" --socket "$socket" "$@" 2>"$log" 3>&- &
	server_pid=$!
	eventually 60 is_serving || { cat "$log"; return 1; }
}

# SIGTERM ends it with 0, and the socket is gone.
stop() {
	local status=0
	kill -TERM "$server_pid"
	wait "$server_pid" || status=$?
	server_pid=
	[ "$status" -eq 0 ] || { cat "$log"; return 1; }
	[ ! -e "$socket" ]
}

client() { # commands of p9_client
	timeout 60 "$IVLAB_BUILD/system/p9_client" "$socket" "$@"
}

refuses() { # errno's text, commands
	local want=$1
	shift
	run client "$@"
	[ "$status" -eq 1 ] && [[ $output == *"$want"* ]] || {
		echo "wanted: $want, got $status: $output"
		return 1
	}
}

files() {
	run timeout 60 bash -c '"$@" 2>"$0"' "$BATS_TEST_TMPDIR/errors" \
		"$ivlab" files "$@"
	errors=$(cat "$BATS_TEST_TMPDIR/errors")
}

usage_error() { # part of the message, arguments
	local want=$1
	shift
	files "$@"
	[ "$status" -eq 2 ] && [[ $errors == *"$want"* ]] &&
		[[ $errors == *"try: ivlab files --help"* ]] || {
		echo "wanted: $want, got $status: $errors"
		return 1
	}
}

# All that one client can do, in one session.
everything() {
	client put new first append new +second cat new \
		mkdir made mv new made/moved ln made/moved made/second \
		ln-s ../file made/link readlink made/link \
		chmod 600 file stat file truncate 3 file \
		lock made/second sync made/second df \
		rm made/link rm made/moved rm made/second rmdir made \
		big large 3 rm large ls .
}

everything_says() {
	printf '%s\n' first+second../file '100600 6' locked 255 file link sub
}

@test "a directory is read-only unless asked otherwise" {
	serve
	[ "$(client cat file cat sub/deep)" = $'hello\ndeep' ]
	[ "$(client ls .)" = $'file\nlink\nsub' ] ||
		[ "$(client ls . | sort)" = $'file\nlink\nsub' ]
	refuses "Read-only" put new text
	refuses "Read-only" rm file
	refuses "Read-only" chmod 600 file
	stop
	[ "$(cat "$dir/file")" = hello ]
}

@test "read-write changes the directory, in every way a client can" {
	serve --mode rw
	[ "$(everything | sort)" = "$(everything_says | sort)" ]
	[ "$(cat "$dir/file")" = hel ]
	[ "$(stat -c %a "$dir/file")" = 600 ]
	client put sub/new text
	[ "$(cat "$dir/sub/new")" = text ]
	stop
}

@test "copy-on-write gives the same answers and leaves the directory alone" {
	before=$(cd "$dir" && tar cf - . | sha256sum)
	serve --mode cow --private "$private"
	[ "$(everything | sort)" = "$(everything_says | sort)" ]
	client put sub/new text rm sub/deep
	refuses "No such file" cat sub/deep
	stop
	[ "$(cd "$dir" && tar cf - . | sha256sum)" = "$before" ]
	files diff "$dir" --private "$private"
	[ "$status" -eq 0 ]
	[ "$output" = $'M file\nD sub/deep\nA sub/new' ]
}

@test "changes to another directory are not shown, made or dropped, nor served" {
	serve --mode cow --private "$private"
	client put file JELLO
	stop
	cp -r "$dir" "$BATS_TEST_TMPDIR/copy"
	local action
	for action in diff commit discard; do
		run "$ivlab" files "$action" "$BATS_TEST_TMPDIR/copy" \
			--private "$private"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ $output == *"has changes to $dir, not to "*"/copy: name that"* ]]
		# No cure that this command does not have.
		[[ $output != *--fresh* ]]
		[[ $output == *"drop the changes (rm -r $private);"* ]]
	done
	run timeout 60 "$ivlab" files serve "$BATS_TEST_TMPDIR/copy" \
		--socket "$socket" --mode cow --private "$private"
	[ "$status" -eq 1 ]
	[[ $output == *"remove $private/ivlab-lower"* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/copy/file")" = hello ]
	files diff "$dir" --private "$private"
	[ "$output" = "M file" ]
}

@test "changes persist, are committed, discarded, or emptied by --fresh" {
	serve --mode cow --private "$private"
	client put file changed
	stop
	serve --mode cow --private "$private"
	[ "$(client cat file)" = changed ]
	stop
	files commit "$dir" --private "$private"
	[ "$status" -eq 0 ]
	[ "$output" = "M file" ]
	[ "$(cat "$dir/file")" = changed ]
	files diff "$dir" --private "$private"
	[ -z "$output" ]

	serve --mode cow --private "$private"
	client rm file
	stop
	files discard "$dir" --private "$private"
	[ "$status" -eq 0 ]
	files diff "$dir" --private "$private"
	[ -z "$output" ]

	serve --mode cow --private "$private"
	client rm file
	stop
	serve --mode cow --private "$private" --fresh
	[ "$(client cat file)" = changed ]
	stop
}

@test "a private directory has one user at a time" {
	serve --mode cow --private "$private"
	files diff "$dir" --private "$private"
	[ "$status" -eq 1 ]
	[[ $errors == *"another share uses it"* ]]
	one_error 1 "cannot serve $dir: private directory $private: another share uses it; end that one" \
		serve "$dir" --socket "$socket.2" --mode cow --private "$private"
	stop
}

@test "clients at the same time see each other's changes and locks" {
	serve --mode cow --private "$private"
	mkfifo "$BATS_TEST_TMPDIR/go"
	client lock file put shared one wait <"$BATS_TEST_TMPDIR/go" \
		>"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	exec 9>"$BATS_TEST_TMPDIR/go"
	eventually 60 grep -q waiting "$BATS_TEST_TMPDIR/first"
	[ "$(client cat shared lock file)" = oneblocked ]
	echo >&9
	exec 9>&-
	wait "$first"
	# Its locks went with it, when the server has seen it leave.
	unlocked() { [ "$(client lock file)" = locked ]; }
	eventually 60 unlocked
	stop
}

@test "a client that breaks the protocol loses its connection, and no other" {
	serve
	perl -e '
		use Socket;
		socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
		connect($s, sockaddr_un($ARGV[0])) or die;
		syswrite($s, "\x03\0\0\0garbage");
		alarm 60;
		sysread($s, my $b, 1) and die "it answered";' "$socket"
	[ "$(client cat file)" = hello ]
	stop
	grep -q "what it sends is not 9P2000.L" "$log"
}

@test "symbolic links are the client's business, never followed here" {
	serve --mode rw
	[ "$(client readlink link)" = "$BATS_TEST_TMPDIR/canary" ]
	refuses "Too many levels" cat link
	client ln-s "$BATS_TEST_TMPDIR" out
	refuses "Not a directory" cat out/canary
	refuses "No such file" cat ../canary
	stop
	[ "$(cat "$BATS_TEST_TMPDIR/canary")" = outside ]
}

@test "extended attributes go there and back" {
	serve --mode rw
	run client xset file user.a value xget file user.a
	stop
	[[ $output != *"not supported"* ]] || skip "no user xattrs here"
	[ "$output" = value ]
}

@test "kill -9 in the middle of writes leaves the directory alone, and a private one that works" {
	before=$(cd "$dir" && tar cf - . | sha256sum)
	serve --mode cow --private "$private"
	client wait <<<'' # it serves
	client put file changed big large 200 rm sub/deep &
	writer=$!
	has_begun() { [ -e "$private/tree/large" ]; }
	eventually 60 has_begun
	kill -9 "$server_pid"
	wait "$server_pid" || true
	wait "$writer" || true
	server_pid=
	[ "$(cd "$dir" && tar cf - . | sha256sum)" = "$before" ]
	# The socket it left is replaced, and its changes are there.
	[ -S "$socket" ]
	serve --mode cow --private "$private"
	[ "$(client cat file)" = changed ]
	stop
}

@test "--quota holds" {
	serve --mode cow --private "$private" --quota 1M
	refuses "quota exceeded" big large 2
	client put small text
	stop
}

@test "--once ends with the first client" {
	serve --once
	[ "$(client cat file)" = hello ]
	wait "$server_pid"
	server_pid=
	[ ! -e "$socket" ]
}

@test "the server gives its rights away" {
	serve
	if grep -q "seccomp on" "$log"; then
		grep -q "^Seccomp:[[:space:]]*2" "/proc/$server_pid/status"
	fi
	grep -q "^NoNewPrivs:[[:space:]]*1" "/proc/$server_pid/status"
	stop
}

one_error() { # status, the end of the only line, arguments
	local want_status=$1 want=$2
	shift 2
	files "$@"
	[ "$status" -eq "$want_status" ] && [[ $errors == *"$want"* ]] &&
		[ "$(wc -l <<<"$errors")" -eq 1 ] || {
		echo "wanted $want_status: $want, got $status: $errors"
		return 1
	}
}

@test "what cannot be served is refused with its cure" {
	one_error 2 "cannot serve $BATS_TEST_TMPDIR/none: No such file or directory; name a directory there is" \
		serve "$BATS_TEST_TMPDIR/none" --socket "$socket"
	echo precious >"$BATS_TEST_TMPDIR/plain"
	one_error 2 "cannot serve $BATS_TEST_TMPDIR/plain: Not a directory; name" \
		serve "$BATS_TEST_TMPDIR/plain" --socket "$socket"
	one_error 1 "cannot serve $dir: private directory $private/a/b: No such file or directory; make the directory above it first" \
		serve "$dir" --socket "$socket" --mode cow --private "$private/a/b"
	one_error 1 "private directory $BATS_TEST_TMPDIR/plain: Not a directory; name a directory" \
		serve "$dir" --socket "$socket" --mode cow \
		--private "$BATS_TEST_TMPDIR/plain"
	files serve "$dir" --socket "$BATS_TEST_TMPDIR/plain"
	[ "$status" -eq 1 ]
	[[ $errors == *"a file is there that is no socket; remove it"* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/plain")" = precious ]
	serve
	files serve "$dir" --socket "$socket"
	[ "$status" -eq 1 ]
	[[ $errors == *"another server runs there; stop it"* ]]
	stop
}

@test "directories inside each other are refused before one is made" {
	local inside
	mkdir "$dir/there"
	ln -s "$dir/sub" "$BATS_TEST_TMPDIR/way"
	for inside in "$dir" "$dir/" "$dir/p" "$dir/there" "$dir/p/q" \
		"$dir/../dir/p" "$BATS_TEST_TMPDIR/way/p" "$BATS_TEST_TMPDIR"; do
		files serve "$dir" --socket "$socket" --mode cow \
			--private "$inside"
		echo "$inside: $status $errors"
		[ "$status" -eq 2 ]
		[ "$(wc -l <<<"$errors")" -eq 1 ]
		[[ $errors == *"cannot serve $dir: private directory $inside: it and the shared directory must not be inside each other; name one elsewhere" ]]
		[ ! -e "$dir/p" ] && [ ! -e "$dir/sub/p" ]
	done
	[ -z "$(ls "$dir/there")" ]
	cd "$dir"
	files serve . --socket "$socket" --mode cow --private p
	[ "$status" -eq 2 ]
	[ ! -e p ]
	# Not inside, if it begins with the same letters.
	private=$dir.private
	serve --mode cow --private "$private"
	stop
}

@test "private directory that is none is named, and none is made" {
	for action in diff commit discard; do
		run timeout 60 "$ivlab" files "$action" "$dir" \
			--private "$BATS_TEST_TMPDIR/typo"
		[ "$status" -eq 1 ]
		[[ $output == *"typo: No such file or directory; labs keep"* ]]
		[ ! -e "$BATS_TEST_TMPDIR/typo" ]
	done
}

@test "private layer that cannot be looked at is told from one that is none" {
	echo plain >"$BATS_TEST_TMPDIR/plain"
	one_error 1 "diff $BATS_TEST_TMPDIR/plain: Not a directory;" \
		diff "$dir" --private "$BATS_TEST_TMPDIR/plain"
	one_error 1 "diff $private: No such file or directory;" \
		diff "$dir" --private "$private"
	one_error 1 "diff $dir: no private layer is there;" \
		diff "$dir" --private "$dir"
	serve --mode cow --private "$private"
	stop
	chmod 0 "$private"
	# Root's rights to look everywhere are taken away.
	run setpriv --bounding-set -dac_override,-dac_read_search \
		"$ivlab" files diff "$dir" --private "$private"
	chmod 700 "$private"
	[[ $output != *"setpriv: "* ]] || skip "setpriv: $output"
	[ "$status" -eq 1 ]
	[[ $output == *"diff $private: Permission denied;"* ]]
}

@test "changes whose directory is gone are told how to be dropped" {
	local action
	serve --mode cow --private "$private"
	client put file changed
	stop
	mv "$dir" "$dir.gone"
	for action in diff commit discard; do
		one_error 1 "$action $private: directory $dir: No such file or directory; name the one that was shared, or drop the changes: rm -r $private" \
			"$action" "$dir" --private "$private"
	done
}

@test "a warning is no error where the command succeeds" {
	unshare -rm true 2>/dev/null || skip "no user namespaces"
	serve --mode cow --private "$private"
	client put file changed
	stop
	# A ramfs has no user xattrs.
	run unshare -rm bash -c 'mkdir "$1" && mount -t ramfs none "$1" &&
		cp -r "$2" "$1/private" &&
		"$0" files diff "$3" --private "$1/private" &&
		"$0" files commit "$3" --private "$1/private"' \
		"$ivlab" "$BATS_TEST_TMPDIR/ram" "$private" "$dir"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c 'warning: .*has no user xattrs: owners' <<<"$output")" -eq 2 ]
	[ "$(grep -c '^M file$' <<<"$output")" -eq 2 ]
	[[ $output != *error* ]]
}

@test "command lines that cannot be meant are refused with what is allowed" {
	usage_error "serve, diff, commit or discard?"
	usage_error "Did you mean serve?" serv
	usage_error "DIR is missing" serve
	usage_error "--socket PATH is missing" serve "$dir"
	usage_error "--mode foo; allowed: ro, rw or cow" serve "$dir" --mode foo
	usage_error "--policy foo; allowed: record or squash" \
		serve "$dir" --policy foo
	usage_error "--msize 4095; allowed: 4K to 1M" serve "$dir" --msize 4095
	usage_error "--msize 2M; allowed: 4K to 1M" serve "$dir" --msize 2M
	usage_error "--quota 0; allowed" serve "$dir" --quota 0
	usage_error "--mode cow needs --private" \
		serve "$dir" --socket "$socket" --mode cow
	usage_error "are for --mode cow" \
		serve "$dir" --socket "$socket" --private "$private"
	usage_error "are for --mode cow" serve "$dir" --socket "$socket" --fresh
	usage_error "--private PRIVATE is missing" diff "$dir"
	usage_error "diff does not take --once: it is for serve" \
		diff "$dir" --private "$private" --once
	usage_error "diff does not take --socket: it is for serve" \
		diff "$dir" --private "$private" --socket "$socket"
	usage_error "what is more?" diff "$dir" more --private "$private"
	usage_error "unknown option --nonsense" serve "$dir" --nonsense
	usage_error "option --socket needs a value" serve "$dir" --socket
	[ ! -e "$socket" ]
}

@test "help is on stdout and names every option" {
	files --help
	[ "$status" -eq 0 ]
	[ -z "$errors" ]
	[[ $output == "usage: ivlab files"* ]]
	for option in socket mode private fresh quota policy msize once; do
		[[ $output == *"--$option"* ]]
	done
}
