#!/bin/sh
# How fast moonkey is, beside a bare loop over libcurl, wrk, curl, Node's undici and Python's httpx, on this machine: three tables; and
# three of runs over a queue (--tables 4,5,6).
# Builds a release of moonkey in build-bench/, and installs there, or with apt-get, the others; who cannot be had is named and left out.
#   sh tests/bench/run.sh [--rows N] [--rounds N] [--jobs N] [--only NAME,…] [--tables 1,…,6]      --help says more
set -eu
cd "$(dirname "$0")/../.."
sh scripts/setup.sh test

build=$PWD/build-bench
log=$build/build.log
mkdir -p "$build/bin"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# A tool that only the bench needs. Not having it is no reason to stop: the bench says who could not take part.
install() {
    echo "bench: installing with apt-get: $*" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >>"$log" 2>&1 ||
        echo "bench: could not install $*; see $log" >&2
}

: >"$log"
command -v wrk >/dev/null || install wrk
command -v curl >/dev/null || install curl
command -v node >/dev/null || install nodejs
command -v npm >/dev/null || install npm
/usr/bin/python3 -c 'import httpx' 2>/dev/null || install python3-httpx
if command -v node >/dev/null && [ ! -d "$build/node_modules/undici" ]; then
    version=7 # the newest that runs with this Node
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || version=6
    npm install --silent --no-audit --no-fund --prefix "$build" "undici@$version" >>"$log" 2>&1 ||
        echo "bench: could not install undici; see $log" >&2
fi

echo "bench: building a release" >&2
{
    cmake -S . -B "$build/moonkey" -G Ninja -DCMAKE_BUILD_TYPE=Release && cmake --build "$build/moonkey"
    curl_flags=$(pkg-config --cflags --libs libcurl)
    for program in bare start measure latency; do
        # shellcheck disable=SC2086 # a list of words
        cc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra "tests/bench/$program.c" -o "$build/bin/$program" $curl_flags
    done
} >>"$log" 2>&1 || {
    cat "$log" >&2
    echo "bench: the build failed; its messages are above" >&2
    exit 1
}

# The system's: it has the redis module that setup.sh has installed.
exec /usr/bin/python3 tests/bench/bench.py --build "$build" "$@"
