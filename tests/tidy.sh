#!/bin/sh
# Run a test with a directory of its own for temporary files, which goes with it, also where it fails or is killed.
#   sh tests/tidy.sh COMMAND [ARG...]
set -u
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/moonkey-test.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 143' HUP INT TERM
"$@"
