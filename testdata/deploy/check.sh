#!/usr/bin/env bash
# Steps of the Dockerfile, tested without Docker.
#
# Reads FROM, ARG, RUN, COPY, ENV, USER, HEALTHCHECK, ENTRYPOINT and CMD from
# the Dockerfile and does what they say: builds in a copy of the tree, puts the
# last stage together in an empty folder, and runs the server there. As root
# it does so in a chroot of that folder, as the user of the image, where only
# the data folder can be written; else in place. It then checks the unit file,
# where systemd-analyze is installed.
#
# What this does not test: the base images, Docker's own rules for volumes and
# networks, and systemd's sandbox.
#
# Usage: bash testdata/deploy/check.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly tree=$PWD
readonly nonroot=65532 # the user "nonroot" of the distroless images
work=$(mktemp -d)
server=

say() { printf 'deploy: %s\n' "$*"; }
fail() {
	say "FAILED: $*" >&2
	[[ ! -s $work/server.log ]] || sed 's/^/  server: /' "$work/server.log" >&2
	exit 1
}
tidy() {
	local code=$?
	if [[ -n $server ]] && kill -KILL "$server" 2>/dev/null; then wait "$server" 2>/dev/null || true; fi
	rm -rf "$work"
	exit "$code"
}
trap tidy EXIT

# instructions prints the Dockerfile, one instruction a line.
instructions() {
	sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' Dockerfile |
		sed -e ':a' -e '/\\$/{N;s/[[:space:]]*\\\n[[:space:]]*/ /;ba' -e '}'
}

# words turns the exec form ["/a", "b"] into lines.
words() {
	local form='^\[ *("[^"\\]*"( *, *"[^"\\]*")*) *\]$'
	[[ $1 =~ $form ]] || fail "not the exec form, which an image without a shell needs: $1"
	grep -o '"[^"]*"' <<<"$1" | tr -d '"'
}

# owned_copy does a COPY --from=build of the last stage.
owned_copy() {
	local owner='' from='' word
	local -a paths=()
	for word in $1; do
		case $word in
		--chown=*) owner=${word#--chown=} ;;
		--from=*) from=${word#--from=} ;;
		--*) fail "COPY $word is not known here" ;;
		*) paths+=("$word") ;;
		esac
	done
	[[ $from == build && ${#paths[@]} == 2 ]] || fail "COPY of the last stage must be --from=build SOURCE TARGET: $1"
	cp -R "$work/build${paths[0]}" "$work/image${paths[1]}"
	if [[ -n $owner && $EUID == 0 ]]; then
		[[ $owner == nonroot:nonroot ]] || fail "COPY --chown=$owner: the image's user is nonroot:nonroot"
		chown -R "$nonroot:$nonroot" "$work/image${paths[1]}"
	fi
}

# copy_tree is COPY . . without what .dockerignore leaves out.
copy_tree() {
	sed 's|^|./|' .dockerignore >"$work/ignored"
	mkdir -p "$1"
	tar -c --anchored --exclude-from="$work/ignored" -C "$tree" . | tar -x -C "$1"
}

# The steps. $work/build and $work/image stand for the roots of the two stages.
stage=0 user='' environment=() entrypoint=() command=() health=()
mkdir -p "$work/build" "$work/image"
chmod 755 "$work" "$work/image" # the image's user must be able to look into it
steps=0
while read -r word rest; do
	steps=$((steps + 1))
	case $word in
	FROM) stage=$((stage + 1)) base=$rest ;;
	WORKDIR) workdir=$work/build$rest ;;
	ARG) export "${rest?}" ;;
	RUN)
		[[ $stage == 1 ]] || fail "RUN in the last stage: its image has no shell"
		while [[ $rest == --mount=* ]]; do rest=${rest#* }; done
		say "RUN $rest"
		(cd "$workdir" && GOFLAGS=-buildvcs=false bash -euc "${rest//\/out\//"$work"/build/out/}")
		;;
	COPY)
		if [[ $stage == 1 ]]; then
			[[ $rest == ". ." ]] || fail "COPY $rest is not known here"
			copy_tree "$workdir"
		else
			owned_copy "$rest"
		fi
		;;
	ENV) read -r -a environment <<<"$rest" ;;
	USER) user=$rest ;;
	HEALTHCHECK) mapfile -t health < <(words "${rest#*CMD }") ;;
	ENTRYPOINT) mapfile -t entrypoint < <(words "$rest") ;;
	CMD) mapfile -t command < <(words "$rest") ;;
	VOLUME | EXPOSE) ;;
	*) fail "the instruction $word is not known here" ;;
	esac
done < <(instructions)
[[ $steps -ge 12 && $stage == 2 ]] || fail "read $steps steps in $stage stages: not the Dockerfile that this script knows"
[[ $user == nonroot && $base == *:nonroot ]] || fail "the image must run as nonroot, not as '$user' in $base"
(( ${#health[@]} && ${#entrypoint[@]} && ${#command[@]} )) || fail "HEALTHCHECK, ENTRYPOINT or CMD is missing"

# The binary: static, stripped of this machine's paths, and knows its version.
binary=$work/image/${entrypoint[0]}
if command -v file >/dev/null; then
	file -b "$binary" | grep -q 'statically linked' || fail "the binary is not static: $(file -b "$binary")"
fi
settings=$(go version -m "$binary")
for wanted in CGO_ENABLED=0 -trimpath=true; do
	grep -qF -- "$wanted" <<<"$settings" || fail "the binary was not built with $wanted"
done
[[ $("$binary" version) == "relevo $VERSION "* ]] || fail "the version is not $VERSION: $("$binary" version)"
say "the binary is static, $(($(stat -c %s "$binary") / 1048576)) MiB, version $VERSION"

# in_image runs a command as the container would.
listen=
in_image() {
	local -a env=("${environment[@]}" "RELEVO_LISTEN=$listen" RELEVO_ADMIN_LISTEN=off)
	if [[ $EUID == 0 ]]; then
		exec env -i "${env[@]}" "$(command -v chroot)" --userspec="$nonroot:$nonroot" "$work/image" "$@"
	fi
	cd "$work/image"
	exec env -i "${env[@]}" "RELEVO_DATA=$work/image/data" "$work/image$1" "${@:2}"
}

free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 12000))
		(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	fail "no free port found"
}

start() {
	(in_image "${entrypoint[@]}" "${command[@]}") >"$work/server.log" 2>&1 &
	server=$!
	for _ in {1..100}; do
		kill -0 "$server" 2>/dev/null || fail "the server ended at once"
		if (in_image "${health[@]}") >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	fail "HEALTHCHECK (${health[*]}) never succeeded"
}

stop() {
	local code=0
	kill -TERM "$server"
	wait "$server" || code=$?
	server=
	[[ $code == 0 ]] || fail "SIGTERM ended the server with exit code $code"
	: >"$work/server.log"
}

listen=:$(free_port)
if (in_image "${health[@]}") >/dev/null 2>&1; then fail "HEALTHCHECK succeeds without a server"; fi
start
say "runs as $([[ $EUID == 0 ]] && echo "uid $nonroot in a root that it cannot write to" || id -un), and HEALTHCHECK succeeds"
(in_image "${entrypoint[0]}" send --phone +14155550100 --text Hello) >"$work/sent" 2>&1 || fail "send: $(cat "$work/sent")"
if [[ $EUID == 0 ]]; then
	strangers=$(find "$work/image" -newer "$work/ignored" -user "$nonroot" ! -path "$work/image/data*")
	[[ -z $strangers ]] || fail "written outside the data folder: $strangers"
fi
stop
say "takes a message, and SIGTERM ends it with exit code 0"
start
(in_image "${entrypoint[0]}" messages show "$(grep -o 'wa_backend:[0-9A-F]*' "$work/sent")") >/dev/null || fail "the message is gone after a restart"
stop
(in_image "${entrypoint[0]}" verify) >"$work/verified" || fail "verify: $(cat "$work/verified")"
say "the message is there after a restart, and the books are in order"

# The unit file, with the binary that was just built.
if command -v systemd-analyze >/dev/null; then
	start_command=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' relevo.service)
	sed "s|^ExecStart=$start_command|ExecStart=$binary|" relevo.service >"$work/relevo.service"
	systemd-analyze verify --man=no "$work/relevo.service" >"$work/unit" 2>&1 || fail "systemd-analyze verify: $(cat "$work/unit")"
	[[ ! -s $work/unit ]] || fail "systemd-analyze verify: $(cat "$work/unit")"
	say "systemd-analyze finds nothing wrong with relevo.service"
else
	say "systemd-analyze is not installed: relevo.service is checked by the Go test alone"
fi
say "ok"
