#!/bin/sh
# curl and jq, as in a shell script: -G with --data-urlencode for queries, -d for bodies, the status from --write-out.
# shellcheck disable=SC2016 # "$meta" and $id are jq's
set -eu

base=$MPT_API_BASE_URL/v1/accounts
tokens=$base/api-tokens
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
reply=$directory/reply
headers=$directory/headers

# call CREDENTIAL ARGUMENTS: the body is in $reply then, the headers are in $headers, and the status is in $status.
call() {
    credential=$1
    shift
    status=$(curl -s -o "$reply" -D "$headers" -w '%{http_code}' -H "Authorization: Bearer $credential" "$@")
}

api() { call "$MPT_API_TOKEN" "$@"; }
operations() { call "$MPT_OPERATIONS_TOKEN" "$@"; }
json() { api -H 'Content-Type: application/json' "$@"; }

# say STEP [FILTER]: what jq makes of the reply.
say() {
    if [ $# -eq 1 ]; then
        jq -cn --arg step "$1" --argjson status "$status" '[$step, $status, null]'
    else
        jq -c --arg step "$1" --argjson status "$status" "[\$step, \$status, ($2)]" "$reply"
    fi
}

# say_header STEP NAME
say_header() {
    value=$(tr -d '\r' <"$headers" | sed -n "s/^$2: //Ip")
    jq -cn --arg step "$1" --argjson status "$status" --arg value "$value" '[$step, $status, $value]'
}

quoted() {
    case $1 in
    *\'*) printf '"%s"' "$1" ;;
    *) printf "'%s'" "$1" ;;
    esac
}

# ---- the flow

json -d '{"account":{"id":"ACC-2000-0001"},"name":"Conformance robot","description":"Made here","icon":"",
    "modules":[{"id":"MOD-1756"},{"id":"MOD-9042"}]}' "$tokens"
id=$(jq -r .id "$reply")
own=$(jq -r .token "$reply")
cp "$reply" "$directory/made"
say create '[.name, .description, .icon, .status, .revision, [.modules[].id], (.id as $id | .token | startswith("idt:\($id):")),
    .audit.created.by]'
api "$tokens/$id"
jq -cn --argjson status "$status" --slurpfile made "$directory/made" --slurpfile got "$reply" '["get", $status, $made == $got]'
api "$tokens?limit=10&offset=0"
say list '[."$meta".pagination, (."$meta".omitted | sort), (.data | length)]'

offset=0 total=1
while [ "$offset" -lt "$total" ]; do
    api -G "$tokens" -d limit=7 -d "offset=$offset" -d order=id
    jq -r '.data[].id' "$reply" >>"$directory/ids"
    total=$(jq '."$meta".pagination.total' "$reply")
    offset=$((offset + $(jq '."$meta".pagination.limit' "$reply")))
done
jq -cRn --argjson status "$status" --arg id "$id" \
    '[inputs] | ["list to the end", $status, [length, (unique | length), . == sort, index($id) != null]]' "$directory/ids"

api -G "$tokens" -d status=Disabled -d limit=100
say filter '."$meta".pagination.total'
printf '%s\n' "$ODD_NAMES" | while IFS= read -r name; do
    api -G "$tokens" --data-urlencode "name=$(quoted "$name")"
    jq -c --arg name "$name" --argjson status "$status" '["filter: \($name)", $status, [.data[].name]]' "$reply"
done
api "$tokens?ilike(name,%27*ROBOT*%27),gt(lastAccessAt,2024-03-19T00:00:00.000Z)&order=-name&select=modules,-token&limit=2"
say 'filter, order and select' '[[.data[] | [.name, [.modules[].id], has("token")]], (."$meta".omitted | sort)]'

json -X PUT -d '{"name":"Renamed"}' "$tokens/$id"
say 'update: a value' '[.name, .description, .icon, .revision, [.modules[].id]]'
json -X PUT -d '{"description":null}' "$tokens/$id"
say 'update: null' '[.name, .description, .revision]'
json -X PUT -d '{}' "$tokens/$id"
say 'update: nothing' '[.name, .description, .revision]'
json -X PUT -d '{"modules":[{"id":"MOD-9042"}],"account":{"id":"ACC-3000-0001"},"icon":"","status":"Deleted"}' "$tokens/$id"
say 'update: modules, and what is ignored' '[[.modules[].id], .account.id, .status]'

call "$own" "$tokens/$id"
say 'its own credential'
api -X POST "$tokens/$id/disable"
say disable '[.status, .revision, .audit.disabled.by.id]'
api -X POST "$tokens/$id/disable"
say 'disable again'
call "$own" "$tokens/$id"
say 'its own credential, disabled'
api -X POST "$tokens/$id/enable"
say enable '[.status, .revision]'
api -X POST "$tokens/$id/enable"
say 'enable again'
api -X DELETE "$tokens/$id"
jq -cn --argjson status "$status" --argjson size "$(wc -c <"$reply")" '["delete", $status, $size]'
api "$tokens/$id"
say 'get after delete' .title
json -X PUT -d '{"name":"x"}' "$tokens/$id"
say 'update after delete' .title
api -X DELETE "$tokens/$id"
say 'delete after delete' .title
api -X POST "$tokens/$id/enable"
say 'enable after delete' .title
operations "$tokens/$id"
say 'get after delete, by operations' .status

# ---- errors

status=$(curl -s -o "$reply" -D "$headers" -w '%{http_code}' "$tokens")
say 'no credential' "[.title, .status, \"$(tr -d '\r' <"$headers" | sed -n 's/^www-authenticate: //Ip')\"]"
call idt:TKN-2000-0001:nonsense "$tokens"
say 'a wrong credential' .title
json -d '{"name":"a&b","description":5,"modules":[{"id":"MOD-0000"}]}' "$tokens"
say 'what is not valid' '[.title, .detail, (.errors | keys)]'
json -d '{' "$tokens"
say 'what is not JSON' '.errors | keys'
api "$tokens?bogus=1"
say 'a filter that is wrong' .errors
api "$tokens/TKN-0000-0000"
say 'no such token' .title
api "$base/api-tokenz"
say 'no such path' .
json -X PATCH -d '{}' "$tokens/TKN-2000-1001"
say_header 'no such method' allow
api -X PUT -d name=x "$tokens/TKN-2000-1001"
say 'another content type' .title
api -I "$tokens/TKN-2000-1001"
type=$(tr -d '\r' <"$headers" | sed -n 's/^content-type: //Ip')
jq -cn --argjson status "$status" --arg type "$type" '["HEAD", $status, [$type, 0]]'
api -X OPTIONS "$tokens"
say_header OPTIONS allow

# ---- accounts

api "$base/modules"
say 'modules of a vendor' .title
operations "$base/modules?in(id,(MOD-1756,MOD-9042))&limit=100"
say modules '[.data[].name]'
operations "$base/modules/MOD-1756"
say module '[.name, (.settings | keys)]'
json -d '{"account":{"id":"ACC-3000-0001"},"name":"x"}' "$tokens"
say 'create for another, by a vendor'
operations -H 'Content-Type: application/json' \
    -d '{"account":{"id":"ACC-3000-0001"},"name":"For Fabrikam","modules":[{"id":"MOD-0622"}]}' "$tokens"
say 'create for another, by operations' .account
other=$(jq -r .token "$reply")
call "$other" "$tokens?order=id"
say 'what the other sees' '[.data[].name] | sort'
call "$other" "$tokens/TKN-2000-1001"
say 'what the other does not see'
