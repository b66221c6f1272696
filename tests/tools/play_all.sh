#!/bin/sh
# Starts a filter of its own, in a folder of its own, and plays every dialog and every recording to its socket, by UNIX
# socket and beside a thousand idle connections by TCP.
#
#     play_all.sh SMTPAUTH_FILTER MILTER_PLAY
set -u
[ $# -eq 2 ] || { echo "usage: $0 SMTPAUTH_FILTER MILTER_PLAY" >&2; exit 64; }
filter=$1
play=$2
tests=$(cd "$(dirname "$0")/.." && pwd)
dialogs="$tests/dialogs/*.milter"
captures="$tests/captures/*/*.jsonl"

folder=$(mktemp -d)
port=$((20000 + $$ % 10000))
process=
trap '[ -z "$process" ] || kill "$process"; wait; rm -rf "$folder"' EXIT

# shellcheck disable=SC2086 # the patterns are to be expanded
"$play" --reject-ids $dialogs >"$folder/reject_ids.txt" || exit 1
cat >"$folder/smtpauth.toml" <<END
[log]
to = "stderr"
[filter]
listen = ["unix:$folder/filter.sock", "inet:127.0.0.1:$port"]
control = ""
collector = "unix:$folder/no-collector.sock"
reject_ids = "$folder/reject_ids.txt"
reject_text = "5.7.1 This account may not send mail"
state_directory = "$folder"
message_size = "count"
[limits.default]
mode = "off"
END

ulimit -n "$(ulimit -Hn)"
"$filter" -c "$folder/smtpauth.toml" 2>"$folder/log" &
process=$!
tries=0
until [ -S "$folder/filter.sock" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 "$process" 2>/dev/null; then
        echo "FAIL  the filter does not start:" >&2
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.1
done

failures=0
# shellcheck disable=SC2086
"$play" "unix:$folder/filter.sock" $dialogs $captures || failures=1
# shellcheck disable=SC2086
"$play" --idle 1000 "inet:127.0.0.1:$port" $dialogs || failures=1
kill -0 "$process" || failures=1
[ $failures -eq 0 ] || cat "$folder/log" >&2
exit $failures
