#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows copy-on-write: what three machines see of one directory, what the host
# keeps, and what each changed.
# usage: guests/apps/files_demo.sh BUILD
set -eu -o pipefail
apps=$(dirname "$0") build=$1
place=$build/demo-files

step() {
	printf '\n--- %s\n' "$*"
}

# They run at the same time; each one's words together read better.
run() {
	"$build/ivlab" run --quiet "$place/files.lab" 2>&1 >"$place/report" |
		sort -s -t'|' -k1,1
}

rm -rf "$place"
mkdir -p "$place"
cp -r "$apps/files.lab" "$apps/files" "$place"
before=$(cd "$place/files" && sha256sum ./*)

step 'the three machines, each before and after its change'
run
step 'the same again: all changes are done, and each still sees only its own'
run
step "the host's directory"
(cd "$place/files" && head -n 99 ./*)
[ "$before" = "$(cd "$place/files" && sha256sum ./*)" ] ||
	{ echo 'it has changed: that is a fault' >&2; exit 1; }
echo '(byte for byte as it was)'
for vm in editor shredder archivist; do
	step "what $vm changed: ivlab files diff"
	"$build/ivlab" files diff "$place/files" \
		--private "$place/.ivlab/files/$vm/papers"
done
