#!/bin/sh
# Install the Debian packages that moonkey is built with, with the word `test` also those of its tests, and with `ci` also the linters
# and the compiler of the fuzz targets. Says what it installs before it does, asks nothing, and ends at once when nothing is missing.
#   sh scripts/setup.sh [build|test|ci]
set -eu

packages="build-essential cmake ninja-build pkg-config liblua5.4-dev lua-cjson-dev libcurl4-openssl-dev libssl-dev
libsqlite3-dev libmicrohttpd-dev lua-argparse libcsv-dev libedit-dev libseccomp-dev libhiredis-dev"
tests="libcmocka-dev lua-busted lua-check python3 valgrind curl openssl nginx-light chromium chromium-driver
lua-penlight lua-lpeg lua-filesystem jq python3-requests python3-httpx nodejs groff-base mandoc lua-ldoc zsh fish
redis-server python3-redis"
case ${1:-build} in
build) ;;
test) packages="$packages $tests" ;;
ci) packages="$packages $tests shellcheck clang-format clang-tidy cppcheck clang lintian" ;;
*) echo "usage: sh scripts/setup.sh [build|test|ci]" >&2; exit 2 ;;
esac

fail() {
    echo "setup: $1" >&2
    exit 1
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: this is not a Debian system, so nothing is installed here; the build names what it misses." >&2
    exit 0
fi

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "these packages are missing, and installing them needs root. Run as root:
  apt-get update && apt-get install -y$missing"
    as_root=sudo
fi

echo "setup: installing with apt-get:$missing"
# `env` rather than an assignment, so that it passes through sudo.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null ||
    echo "setup: warning: apt-get update failed; trying with the package lists that are here" >&2
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing >/dev/null ||
    fail "apt-get could not install them (its message is above). Is there a network, and a mirror in /etc/apt/sources.list?
Try again by hand:
  apt-get update && apt-get install$missing"
for service in nginx redis-server; do # the package starts it; the tests start their own
    case $missing in
    *"$service"*) $as_root systemctl disable --now "$service" >/dev/null 2>&1 || true ;;
    esac
done
echo "setup: done"
