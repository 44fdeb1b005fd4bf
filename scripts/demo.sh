#!/bin/sh
# Build moonkey, then let it update a thousand tokens of the emulator from a CSV file, and run a script that uses a module of its own.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '\n== %s\n' "$*"
}

# Show a command as one would type it, then run it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

sh scripts/setup.sh build

say "Build (into build/)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "demo: the build failed; its messages are above" >&2
    exit 1
fi
run build/moonkey --version

say "A batch: each row of the file updates one token of the emulator, which lives as long as the command"
run head -n 4 scripts/examples/tokens.csv
echo "(… $(wc -l <scripts/examples/tokens.csv) lines in all, and a few rows that are wrong on purpose)"
status=0
run build/moonkey --emulator batch scripts/examples/tokens.csv || status=$?
[ "$status" -eq 3 ] || {
    echo "demo: the batch ended with exit code $status; 3 was expected" >&2
    exit 1
}
echo "Exit code 3: some rows failed. They are named above with line and reason; all others went through."

say "A script: scripts/tour.lua uses a module of its own, scripts/lua/naming.lua"
run build/moonkey --emulator run scripts/tour.lua

say "Your turn: README.md starts with a five-line script. For an API that stays up while you try things, run"
echo '  build/moonkey emulator --seed 1000      (and paste the two export lines that it prints into another shell)'
