#!/bin/sh
# Build the fuzz targets and run each for a while from its seeds: a line a target, and the whole output of one that finds something.
# Finds and what libFuzzer learns go to build-fuzz/finds and build-fuzz/learnt, never to the corpus: a find becomes a seed by hand.
#   sh tests/fuzz/run.sh [SECONDS [TARGET...]]     60 seconds without
#   FUZZ_RUNS=N   at most so many inputs, and the same ones each time: for CI, which shall not fail for what nobody changed
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- retry_after error_body json_decode rows base_url redact jsontext rql redis

if ! command -v clang >/dev/null 2>&1; then
    echo "fuzz: clang is not installed, whose libFuzzer this needs; install it with: apt-get install clang" >&2
    exit 2
fi

build="build-fuzz"
log=$build/fuzz.log
mkdir -p "$build"
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_targets; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "fuzz: the build failed; its messages are above" >&2
    exit 1
fi

# One target, by itself. What it says is in a log of its own until it is done.
fuzz() {
    name=$1
    learnt=$build/learnt/$name finds=$build/finds/$name dictionary=tests/fuzz/dict/$name.dict log=$build/fuzz.$name.log
    mkdir -p "$learnt" "$finds"
    options="-max_total_time=$seconds -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix=$finds/"
    [ -z "${FUZZ_RUNS:-}" ] || options="$options -runs=$FUZZ_RUNS -seed=1"
    [ ! -f "$dictionary" ] || options="$options -dict=$dictionary"
    # shellcheck disable=SC2086 # a list of options
    if UBSAN_OPTIONS=print_stacktrace=1 "$build/tests/fuzz_$name" $options "$learnt" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
        printf 'fuzz: %-12s ok: %s runs, %s edges covered\n' "$name" "$runs" "$covered"
        return 0
    fi
    grep -v -e '^#[0-9]' -e NEW_FUNC "$log"
    printf 'fuzz: %-12s FOUND something: see above, and %s/\n' "$name" "$finds"
    return 1
}

# So many at a time as there are processors.
failed=0
while [ $# -gt 0 ]; do
    running=
    for _ in $(seq "$(nproc 2>/dev/null || echo 1)"); do
        [ $# -gt 0 ] || break
        fuzz "$1" &
        running="$running $!"
        shift
    done
    for pid in $running; do wait "$pid" || failed=1; done
done
exit "$failed"
