#!/bin/sh
# Make the certificates of the fault tests in DIR, unless they are there already. All are for tests, and good for nothing else.
#   sh certificates.sh DIR
#
#   ca.pem          the authority that has signed the others
#   good.pem        for api.test, localhost and 127.0.0.1; certificate and key in one file, as are the next three
#   expired.pem     the same, until 2021         wrong_host.pem  for other.test
#   self_signed.pem the same as good, by nobody but itself
#   client.pem, client_key.pem                   for a client
set -eu

dir=$1
[ ! -e "$dir/ca.pem" ] || exit 0
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap '[ $? = 0 ] || cat "$work/openssl.log" >&2; rm -rf "$work"' EXIT
cd "$work"

names=DNS:api.test,DNS:localhost,IP:127.0.0.1
cat >openssl.cnf <<END
[ca]
default_ca = authority
[authority]
certificate = ca.pem
private_key = ca_key.pem
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
copy_extensions = copy
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
END
: >index.txt
export OPENSSL_CONF="$work/openssl.cnf"

# request NAME COMMON_NAME SUBJECT_ALT_NAMES [ARG…]: a new key, and a request or, with -x509, a certificate
request() {
    name=$1 cn=$2 san=$3
    shift 3
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$cn" -addext "subjectAltName=$san" \
        -keyout "${name}_key.pem" -out "$name.pem" "$@" 2>>openssl.log
}

# issue NAME COMMON_NAME SUBJECT_ALT_NAMES [FROM TO]
issue() {
    request "$1" "$2" "$3"
    openssl ca -batch -notext -in "$1.pem" -out "$1.signed" -startdate "${4:-20240101000000Z}" -enddate "${5:-20991231235959Z}" \
        2>>openssl.log
    mv "$1.signed" "$1.pem"
}

request ca "Test authority" DNS:authority.test -x509 -days 36500 -addext basicConstraints=critical,CA:TRUE
issue good api.test $names
issue expired api.test $names 20200101000000Z 20210101000000Z
issue wrong_host other.test DNS:other.test
request self_signed api.test $names -x509 -days 36500
issue client "Test client" DNS:client.test
for name in good expired wrong_host self_signed; do
    cat "${name}_key.pem" >>"$name.pem"
    rm "${name}_key.pem"
done
rm -f ca_key.pem openssl.* index.txt* 0*.pem [1-9A-F]*.pem
# Another run may have been quicker: then its files stay, and these go.
mv -T "$work" "$dir" 2>/dev/null || [ -e "$dir/ca.pem" ]
