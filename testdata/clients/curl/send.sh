#!/usr/bin/env bash
# Sends one WhatsApp message through Relevo: send.sh PHONE TEXT
#
# RELEVO_HOOK is the webhook's URL. Needs bash and curl 7.71 or later.
set -euo pipefail

if [[ $# != 2 || -z ${RELEVO_HOOK:-} ]]; then
	echo "usage: RELEVO_HOOK=https://… send.sh PHONE TEXT" >&2
	exit 2
fi

# quoted prints its argument as a JSON string.
quoted() {
	local s=${1//\\/\\\\}
	s=${s//\"/\\\"}
	s=${s//$'\n'/\\n}
	s=${s//$'\r'/\\r}
	s=${s//$'\t'/\\t}
	printf '"%s"' "$s"
}

# field prints a JSON string of the answer by its name.
field() {
	grep -oE "\"$1\":\"([^\"\\\\]|\\\\.)*\"" "$answer" | head -n 1 |
		sed -e 's/^[^:]*:"//' -e 's/"$//' -e 's/\\\(["\\/]\)/\1/g'
}

key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The key is made once, so curl's retries carry the same one. curl honours
# Retry-After by itself.
status=$(curl -sS -o "$answer" -w '%{http_code}' \
	--max-time 30 --retry 4 --retry-all-errors --retry-max-time 300 \
	-H 'Content-Type: application/json' -H "Idempotency-Key: $key" \
	-d "{\"action\":\"send\",\"phone\":$(quoted "$1"),\"text\":$(quoted "$2")}" \
	"$RELEVO_HOOK") || exit 1

if [[ $status != 200 ]]; then
	field message >&2 || echo "HTTP $status" >&2
	exit 1
fi
field message_id
