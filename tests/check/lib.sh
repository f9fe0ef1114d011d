# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What do the checks have in common: which files, which flags?
#
# A check is a program `tests/check/NAME [TREE]`: it looks at TREE (default:
# this project), prints what is wrong and ends with 0, 1 or 77 (skipped; the
# last line says why). The self-test gives it trees with a planted fault.
set -u
export LC_ALL=C
# A git hook's variables would make git answer for another tree.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # used by the checks
cache=$(realpath -m "${CHECK_CACHE:-$project/build/check}")
cd "${1:-$project}" || exit 1

need() { # program: without it the check cannot be trusted, so it fails
	command -v "$1" >/dev/null && return
	echo "$1 is not installed: tests/check/install-deps check"
	exit 1
}

# Files of the tree that match git's patterns, also those not yet added.
sources() {
	need git
	if ! git rev-parse --is-inside-work-tree >/dev/null; then
		echo "$PWD: git cannot list the files (its reason is above)" >&2
		return 1
	fi
	git ls-files --cached --others --exclude-standard -- "$@" | sort -u |
		while IFS= read -r file; do
			# Deleted but not yet from the index: not ours to check.
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
}

# Does the file begin as a script of the shell family?
is_script() {
	local first=''
	IFS= read -r first <"$1" 2>/dev/null
	[[ $first =~ ^'#!'.*[/\ ](ba)?sh$ || $first =~ ^'#!'.*bats$ || $1 == *.bats ]]
}

scripts() {
	local file
	sources | while IFS= read -r file; do
		! is_script "$file" || printf '%s\n' "$file"
	done
	# Read by the others, so without a first line of its own.
	sources '*.sh'
}

# host or guest: with which of the Makefile's flags is the file compiled?
# shm/ is both; its .c files are linted once, as host code.
side_of() {
	case $1 in
	guests/linux/*) echo host ;;
	guests/* | tests/guest/* | producer-consumer/guest_*) echo guest ;;
	*) echo host ;;
	esac
}

# May the file use no more of C than a freestanding compiler has?
is_freestanding() {
	case $1 in
	shm/link/* | guests/linux/*) return 1 ;;
	producer-consumer/host_*) return 1 ;;
	# What the benchmark's guest end shares with its host end.
	producer-consumer/bench/ours*) return 0 ;;
	producer-consumer/bench/loops.h | producer-consumer/bench/work.h | \
		producer-consumer/bench/queue.h | producer-consumer/bench/peers.h) return 0 ;;
	producer-consumer/bench/*) return 1 ;;
	shm/* | guests/* | tests/guest/* | producer-consumer/*) return 0 ;;
	*) return 1 ;;
	esac
}

# The Makefile's own HOST or GUEST flags, one per line, so that they are
# written once. No sanitizer, no dependency files.
flags_of() { # HOST or GUEST
	local words
	words=$(MAKEFLAGS='' make -s --no-print-directory -C "$project" SAN= \
		--eval="show-flags:;\$(info \$($1))" show-flags) || return
	eval "set -- $words"
	printf '%s\n' "$@" | grep -v -x -e -MMD -e -MP
}

# The same for clang's tools: no warnings (its own list decides), no -O.
clang_flags_of() {
	flags_of "$1" | grep -E '^-(std|I|D|f|m|pthread)'
}

# The file with comments and strings blanked, lines kept: what is left is code.
code_of() {
	awk '
	{
		line = $0; out = ""
		while (line != "") {
			if (comment) {
				end = index(line, "*/")
				if (!end) break
				line = substr(line, end + 2); comment = 0
				continue
			}
			if (!match(line, /\/\*|\/\/|"|\047/)) {
				out = out line
				break
			}
			out = out substr(line, 1, RSTART - 1)
			mark = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			if (mark == "//") break
			if (mark == "/*") { comment = 1; out = out " "; continue }
			quote = mark == "\"" ? "^([^\"\\\\]|\\\\.)*\"" : "^([^\047\\\\]|\\\\.)*\047"
			out = out mark mark
			if (match(line, quote)) line = substr(line, RLENGTH + 1)
			else break
		}
		print out
	}' "$1"
}
