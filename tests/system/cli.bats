#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The command line: what is refused, with which words and which exit status.
# Nothing here starts a VM.

setup() {
	ivlab=$IVLAB_BUILD/ivlab
	lab=$BATS_TEST_TMPDIR/t.lab
}

# Standard output and standard error apart, in $output and $errors.
ivlab() {
	run timeout -k 5 60 bash -c '"$@" 2>"$0"' \
		"$BATS_TEST_TMPDIR/errors" "$ivlab" "$@"
	errors=$(cat "$BATS_TEST_TMPDIR/errors")
}

expect() { # status, part of the errors
	if [ "$status" -ne "$1" ] || [[ $errors != *"$2"* ]]; then
		echo "wanted status $1 and: $2"
		echo "got status $status and: $errors"
		return 1
	fi
}

# A lab of one VM with a valid image and this line, which must be refused.
refuse_vm_line() { # line, what the message says after FILE:3: [vm a]
	printf '[vm a]\nimage = %s\n%s\n' "$ivlab" "$1" >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:3: [vm a] $2" && [ -z "$output" ]
}

refuse_lab_line() {
	printf '[vm a]\nimage = %s\n[lab]\n%s\n' "$ivlab" "$1" >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:4: [lab] $2" && [ -z "$output" ]
}

@test "help names every command on stdout" {
	ivlab --help
	expect 0 ""
	for command in run vm server boot files bench doctor tune; do
		[[ $output == *"  $command "* ]]
	done
	ivlab help
	expect 0 ""
	[[ $output == usage:* ]]
}

@test "every command has help, asked for in either way" {
	for command in run vm server boot files bench doctor tune; do
		ivlab "$command" --help
		expect 0 ""
		[[ $output == "usage: ivlab $command"* ]]
		[[ $output == *--help* ]]
		[ -z "$errors" ]
		ivlab help "$command"
		expect 0 ""
		[[ $output == "usage: ivlab $command"* ]]
	done
}

@test "version is one line" {
	ivlab --version
	expect 0 ""
	[[ $output =~ ^ivlab\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "no command at all is an error with the help" {
	ivlab
	expect 2 "usage: ivlab COMMAND"
	[ -z "$output" ]
}

@test "unknown command names the nearest" {
	ivlab dcotor
	expect 2 "no command dcotor; did you mean: ivlab doctor"
	ivlab help dcotor
	expect 2 "did you mean: ivlab doctor"
	ivlab zzzzzz
	expect 2 "no command zzzzzz"
}

@test "lab file in place of a command names run" {
	printf '[lab]\n' >"$lab"
	ivlab "$lab"
	expect 2 "did you mean: ivlab run $lab"
}

@test "unknown option is named by every command" {
	for command in run vm server boot files bench doctor tune; do
		ivlab "$command" --nonsense
		expect 2 "ivlab $command: unknown option --nonsense"
		ivlab "$command" -Z
		expect 2 "ivlab $command: unknown option -Z"
		expect 2 "try: ivlab $command --help"
		[ -z "$output" ]
	done
}

@test "an option that was mistyped is told what it may have been" {
	ivlab vm --imgae x
	expect 2 "unknown option --imgae: did you mean --image?"
	ivlab boot mini-kvm --pagin x
	expect 1 "unknown option --pagin: did you mean --paging?"
}

@test "option without its value, or with one too many, is named" {
	ivlab run --timeout
	expect 2 "option --timeout needs a value"
	ivlab run --json=yes x.lab
	expect 2 "option --json=yes takes no value"
	ivlab server --socket
	expect 2 "option --socket needs a value"
}

@test "run wants exactly one lab file" {
	ivlab run
	expect 2 "which lab file?"
	ivlab run a.lab b.lab
	expect 2 "one lab file at a time"
	ivlab run "$BATS_TEST_TMPDIR/absent.lab"
	expect 2 "absent.lab: No such file or directory"
	ivlab run "$BATS_TEST_TMPDIR"
	expect 2 "$BATS_TEST_TMPDIR: Is a directory"
}

@test "run refuses a timeout that is no number" {
	for bad in -1 x 1s 99999999999 ''; do
		ivlab run --timeout "$bad" x.lab
		expect 2 "--timeout $bad: not a number of seconds; allowed:"
	done
}

@test "bad value of each key of [lab] names file, line, key and cure" {
	refuse_lab_line 'region = 17Q' \
		'region = 17Q: not a size; allowed: a power of two from 4K'
	refuse_lab_line 'region = 3M' 'region = 3M: not a power of two; allowed:'
	refuse_lab_line 'region = 2048' 'region = 2048: too small; allowed:'
	refuse_lab_line 'hugepages = 1' \
		'hugepages = 1: neither yes nor no; allowed: yes or no'
	refuse_lab_line 'vectors = 65' 'vectors = 65: out of range; allowed: 1 to 64'
}

@test "bad value of each key of [vm] names file, line, key and cure" {
	refuse_vm_line 'memory = 17Q' \
		'memory = 17Q: not a size; allowed: 4M to 3G in steps of 2M'
	refuse_vm_line 'memory = 4G' 'memory = 4G: too large; allowed:'
	refuse_vm_line 'cpus = 9' 'cpus = 9: out of range; allowed: 1 to 8'
	refuse_vm_line 'pin = first' 'pin = first: not a list of CPU numbers'
	refuse_vm_line 'pin = 1000' 'pin = 1000: there is no CPU 1000 for us'
	refuse_vm_line 'device = e1000' \
		'device = e1000: no such device; allowed: doorbell or plain'
	refuse_vm_line 'vectors = 0' 'vectors = 0: out of range; allowed: 1 to 64'
	refuse_vm_line "args = $(head -c 3500 /dev/zero | tr '\0' x)" \
		'args = xxx'
}

@test "pin for a CPU outside of the affinity mask is refused" {
	command -v taskset >/dev/null || skip "no taskset"
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	printf '[vm a]\nimage = %s\npin = %d\n' "$ivlab" $((cpu + 1)) >"$lab"
	run timeout 60 taskset -c "$cpu" "$ivlab" run "$lab"
	[ "$status" -eq 2 ]
	[[ $output == *"$lab:3: [vm a] pin = $((cpu + 1)): there is no CPU"* ]]
}

@test "vm pinned to a CPU that is not there, or to too many, names those that are" {
	ivlab vm --image hello --pin 1000
	expect 2 "--pin 1000: there is no CPU 1000 for us on this host, only "
	ivlab vm --image hello --pin 99999
	expect 2 "--pin 99999: there is no CPU 99999 for us"
	command -v taskset >/dev/null || skip "no taskset"
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	run timeout 60 taskset -c "$cpu" "$ivlab" vm --image hello --pin $((cpu + 1))
	[ "$status" -eq 2 ]
	[[ $output == *"there is no CPU $((cpu + 1)) for us on this host, only $cpu"$'\n'* ]]
	ivlab vm --image hello --pin "$cpu,$cpu"
	expect 2 "--pin: 2 host CPUs for 1 vCPUs; allowed: one for each"
	ivlab vm --image hello --cpus 2 --pin "$cpu"
	expect 2 "--pin: 1 host CPUs for 2 vCPUs"
}

@test "image that is none is named, with the guests there are" {
	ivlab vm --image producr
	expect 103 "image producr: no such guest, did you mean producer?; there are "
	for guest in hello producer consumer; do
		expect 103 "$guest"
	done
	[[ $errors != *test_* ]]
	ivlab vm --image zzzzzz
	expect 103 "image zzzzzz: no such guest; there are "
	cd "$BATS_TEST_TMPDIR"
	echo text >mine.elf
	ivlab vm --image mine.elf
	expect 103 "no guest of that name; for the file write ./mine.elf"
	ivlab vm --image ./gone.elf
	expect 103 "no file ./gone.elf"
	ivlab vm --image "$BATS_TEST_TMPDIR"
	expect 103 "$BATS_TEST_TMPDIR is a directory"
	ivlab vm --image /dev/null
	expect 103 "/dev/null is not a regular file"
	printf '[vm a]\nimage = .\n[vm b]\nimage = ./\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:4: [vm b] image = ./: $BATS_TEST_TMPDIR/./ is a directory; allowed:"
}

@test "ivlab without its guests says so" {
	cp "$ivlab" "$BATS_TEST_TMPDIR/alone"
	run timeout 60 "$BATS_TEST_TMPDIR/alone" vm --image hello
	[ "$status" -eq 103 ]
	[[ $output == *"no guests came with this ivlab"* ]]
}

@test "missing image is named with the place looked at" {
	printf '[vm a]\nimage = ./gone.elf\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:2: [vm a] image = ./gone.elf: no file $BATS_TEST_TMPDIR/./gone.elf"
	printf '[vm a]\nimage = no-such-guest\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:2: [vm a] image = no-such-guest: no such guest; there are "
	printf '[vm a]\ncpus = 1\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:1: [vm a] image: missing; allowed:"
}

@test "unknown key lists the known ones and the nearest" {
	refuse_vm_line 'memroy = 4M' 'memroy: no such key, did you mean memory?; allowed: image, memory, cpus, pin, share, args, device, vectors, shares'
	refuse_lab_line 'size = 4M' 'size: no such key; allowed: region, hugepages, vectors, quantum'
}

@test "unknown section and second section are named" {
	printf '[network]\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:1: [network]: no such section; allowed: [lab], [vm NAME] and [share NAME]"
	printf '[vm a]\nimage = %s\n[vm a]\n' "$ivlab" >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:3: [vm a]: there is one of that name on line 1"
}

@test "all mistakes of a file are told at once" {
	printf '[vm a]\ncpus = 0\nmemory = 1\n[vm b]\nfoo = 1\n' >"$lab"
	ivlab run "$lab"
	expect 2 "$lab:2: [vm a] cpus"
	expect 2 "$lab:3: [vm a] memory"
	expect 2 "$lab:5: [vm b] foo"
	expect 2 "$lab:1: [vm a] image"
	expect 2 "$lab:4: [vm b] image"
}

@test "bad lab file with --json puts one JSON object on stdout" {
	printf '[vm a]\ncpus = 0\n' >"$lab"
	ivlab run --json "$lab"
	expect 2 "$lab:2: [vm a] cpus"
	[[ $output == "{"*'"ok": false'*'"error": '*"$lab:2: [vm a] cpus"*"}" ]]
}

@test "bench without a name lists what there is" {
	ivlab bench
	expect 0 ""
	[[ $output == *"  ring "* ]]
}

@test "bench refuses bad options" {
	ivlab bench rign
	expect 2 "no benchmark rign; did you mean: ivlab bench ring"
	ivlab bench ring ring
	expect 2 "one benchmark at a time"
	ivlab bench ring --pairs 0
	expect 2 "--pairs 0; allowed: 1 to 99"
	ivlab bench ring --messages -5
	expect 2 "--messages -5; allowed:"
	for bad in 0 0,0 0,1,2 a,b ''; do
		ivlab bench ring --cpus "$bad"
		expect 2 "--cpus $bad; allowed: two different CPUs"
	done
}

@test "bench with one CPU says that it needs two" {
	command -v taskset >/dev/null || skip "no taskset"
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	run timeout 60 taskset -c "$cpu" "$ivlab" bench ring
	[ "$status" -eq 1 ]
	[[ $output == *"two CPUs are needed"* ]]
	ivlab bench ring --cpus 1022,1023
	expect 1 "there is no CPU 1022 for us"
}

@test "server refuses bad options" {
	ivlab server
	expect 2 "--socket PATH is missing"
	ivlab server --socket s extra
	expect 2 "what is extra?"
	for bad in '3M: not a power of two' '1K: too small' '1T: not a size' \
		'0: too small' ': not a size' '256G: too large' \
		'99999999999999999999: too large'; do
		ivlab server --socket s --size "${bad%%:*}"
		expect 2 "--size $bad; allowed: a power of two from 4K to 128G"
	done
	ivlab server --help
	[[ $output == *"4K to 128G"*"RAM and swap"* ]]
	for bad in 0 65 x; do
		ivlab server --socket s --vectors "$bad"
		expect 2 "--vectors $bad; allowed: 1 to 64"
	done
}

@test "server serves until SIGTERM and takes its socket away" {
	socket=$BATS_TEST_TMPDIR/s
	timeout -k 5 120 "$ivlab" server --socket "$socket" --size 1M \
		2>"$BATS_TEST_TMPDIR/log" 3>&- &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -S "$socket" ] || break
		sleep 0.1
	done
	[ -S "$socket" ]
	# A second one must not take the place of a living one.
	ivlab server --socket "$socket"
	expect 1 "cannot serve on $socket: another server runs there; stop it"
	[ -S "$socket" ]
	kill "$pid" # timeout hands it on
	status=0
	wait "$pid" || status=$?
	# timeout reports the signal, or the server's own 0.
	[ "$status" -eq 0 ] || [ "$status" -eq 124 ] || [ "$status" -eq 143 ]
	[ ! -e "$socket" ]
	grep -q "serving 1 MiB" "$BATS_TEST_TMPDIR/log"
}

# Larger than RAM and swap together, in bytes; nothing when none is allowed.
size_too_large() {
	local kib size=4096
	kib=$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { print sum }' \
		/proc/meminfo)
	while [ "$size" -le $((kib * 1024)) ]; do
		size=$((size * 2))
	done
	[ "$size" -gt $((128 << 30)) ] || echo "$size"
}

@test "more memory than the machine has is refused, by server and by run" {
	size=$(size_too_large)
	[ -n "$size" ] || skip "this machine can back any region"
	ivlab server --socket "$BATS_TEST_TMPDIR/s" --size "$size"
	expect 1 "RAM and swap of this machine are "
	[ ! -e "$BATS_TEST_TMPDIR/s" ]
	[ -c /dev/kvm ] && { : >/dev/kvm; } 2>/dev/null ||
		skip "run looks at /dev/kvm first"
	printf '[lab]\nregion = %s\n[vm a]\nimage = hello\n' "$size" >"$lab"
	ivlab run "$lab"
	expect 1 "RAM and swap of this machine are "
}

@test "socket nobody listens on any more is replaced, and named to who joins" {
	socket=$BATS_TEST_TMPDIR/s
	# Without timeout, which would be the one to be killed.
	"$ivlab" server --socket "$socket" --size 4K 3>&- 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -S "$socket" ] || break
		sleep 0.1
	done
	kill -KILL "$pid"
	wait "$pid" || true
	[ -S "$socket" ]
	run timeout 60 "$IVLAB_BUILD/host_peer" producer "$socket"
	[ "$status" -eq 1 ]
	[[ $output == *"joining $socket: nobody serves there any more; start a server again (ivlab server --socket"* ]]
	timeout -k 5 120 "$ivlab" server --socket "$socket" --size 4K \
		2>"$BATS_TEST_TMPDIR/log" 3>&- &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q "serving 4 KiB" "$BATS_TEST_TMPDIR/log" || break
		sleep 0.1
	done
	grep -q "serving 4 KiB" "$BATS_TEST_TMPDIR/log"
	kill "$pid"
	wait "$pid" || true
}

@test "joining a server that is not there tells how to start one" {
	run timeout 60 "$IVLAB_BUILD/host_peer" consumer "$BATS_TEST_TMPDIR/none"
	[ "$status" -eq 1 ]
	[[ $output == *"joining $BATS_TEST_TMPDIR/none: there is no such socket;"*"ivlab server --socket"* ]]
	echo precious >"$BATS_TEST_TMPDIR/file"
	run timeout 60 "$IVLAB_BUILD/host_peer" consumer "$BATS_TEST_TMPDIR/file"
	[ "$status" -eq 1 ]
	[[ $output == *"joining $BATS_TEST_TMPDIR/file: nobody serves there"* ]]
}

@test "host programs have help on stdout, and refuse what they do not know" {
	for program in host_peer host_pair; do
		run timeout 60 bash -c '"$0" --help 2>/dev/null' \
			"$IVLAB_BUILD/$program"
		[ "$status" -eq 0 ]
		[[ $output == "usage: $program"* ]]
		run timeout 60 bash -c '"$0" --nonsense 2>&1 >/dev/null' \
			"$IVLAB_BUILD/$program"
		[ "$status" -eq 2 ]
		[[ $output == *"usage: $program"* ]]
	done
}

@test "server does not replace a file that is no socket" {
	echo precious >"$BATS_TEST_TMPDIR/file"
	ivlab server --socket "$BATS_TEST_TMPDIR/file"
	expect 1 "cannot serve on $BATS_TEST_TMPDIR/file: a file is there that is no socket; remove it"
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = precious ]
}

@test "vm with a share that cannot be made ends with one error that says why" {
	mkdir "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/own"
	exec {own}<"$BATS_TEST_TMPDIR/own"
	flock -n "$own"
	ivlab vm --image hello --share "data=$BATS_TEST_TMPDIR/data" \
		--mode cow --private "$BATS_TEST_TMPDIR/own"
	exec {own}<&-
	expect 103 "error: share data: "
	expect 103 "$BATS_TEST_TMPDIR/own: another share uses it"
	[ "$(wc -l <<<"$errors")" -eq 1 ]
}

@test "doctor ends with 0 exactly when nothing failed" {
	ivlab doctor
	[[ $output == */dev/kvm* ]]
	[[ $output == *io_uring* ]]
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		[ "$status" -eq 1 ]
	fi
	if [ "$status" -eq 0 ]; then
		[[ $output == *"labs can run here" ]]
		[[ $output != *FAILED* ]]
	else
		expect 1 ""
		[[ $output == *"labs cannot run here yet" ]]
		[[ $output == *FAILED* ]]
		[[ $output == *"cure: "* ]]
	fi
}

@test "doctor --json says the same as an object" {
	ivlab doctor
	plain=$status
	ivlab doctor --json
	[ "$status" -eq "$plain" ]
	[[ $output == "{"*'"ok": '*'"kvm": '*'"checks": ['*"}" ]]
}

@test "doctor without /dev/kvm fails and names the cure" {
	unshare -rm true 2>/dev/null || skip "no user namespaces"
	[ -e /dev/kvm ] || skip "no /dev/kvm to hide"
	# A file that nobody can open as a device, over the real one.
	run timeout 60 unshare -rm sh -c '
		mount --bind /dev/null /dev/kvm && "$0" doctor' "$ivlab"
	[ "$status" -eq 1 ]
	[[ $output == *"cure: "* ]]
}

@test "run without KVM fails with a pointer to doctor" {
	[ ! -r /dev/kvm ] || skip "there is a /dev/kvm"
	printf '[vm a]\nimage = %s\n' "$ivlab" >"$lab"
	ivlab run "$lab"
	expect 1 "ivlab doctor"
}

@test "output to a full device is an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	run timeout 60 bash -c '"$0" doctor --json >/dev/full' "$ivlab"
	[ "$status" -eq 1 ]
}
