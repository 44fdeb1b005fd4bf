#!/bin/sh
# Build moonkey twice, as it ships and with ASan+UBSan, and run all tests of both; further words go to ctest (`-R wire`).
#   MOONKEY_WERROR=1  makes warnings errors, as in CI
set -eu
cd "$(dirname "$0")/.."
root=$PWD

sh scripts/setup.sh test

places=$(($(nproc 2>/dev/null || echo 2) * 4)) # CMakeLists.txt says how many of them each test takes
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/moonkey-tests.XXXXXX")
export TMPDIR
log=$TMPDIR/log
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 143' HUP INT TERM

# Quiet unless it fails.
build() {
    printf 'tests: building %s\n' "$1"
    flags=
    [ -z "${MOONKEY_WERROR:-}" ] || flags=-Werror
    if ! { cmake --preset "$1" -DCMAKE_C_FLAGS="$flags" && cmake --build --preset "$1"; } >"$log" 2>&1; then
        cat "$log" >&2
        echo "tests: the build failed; its messages are above" >&2
        exit 1
    fi
}

build tests
build asan
failed=0
for dir in build-asan build; do
    printf '\ntests: running those of %s\n' "$dir"
    (cd "$root/$dir" && ctest --output-on-failure -j "$places" "$@") || failed=1
done
exit "$failed"
