#!/bin/sh
# Shows each bad configuration to its daemon: it must be refused with 78 and exactly the message in
# `expected`, where paths begin below the case's own folder. The good one must be taken without a word.
#
#     run.sh BUILD_FOLDER | run.sh SMTPAUTH_FILTER SMTPAUTH_LOG_COLLECTOR
set -u

here=$(cd "$(dirname "$0")" && pwd)
case $# in
1)
    filter=$(find "$1" -name smtpauth-filter -type f | head -n 1)
    collector=$(find "$1" -name smtpauth-log-collector -type f | head -n 1)
    ;;
2)
    filter=$1
    collector=$2
    ;;
*)
    echo "usage: $0 BUILD_FOLDER | $0 SMTPAUTH_FILTER SMTPAUTH_LOG_COLLECTOR" >&2
    exit 64
    ;;
esac
for daemon in "$filter" "$collector"; do
    if [ ! -x "$daemon" ]; then
        echo "FAIL  no daemon \"$daemon\"" >&2
        exit 1
    fi
done

failures=0

# check NAME DAEMON FOLDER EXPECTED_CODE EXPECTED_TEXT
check() {
    found=$("$2" -n -c "$3/smtpauth.toml" 2>&1)
    code=$?
    found=$(printf '%s' "$found" |
        awk -v prefix="$3/" 'index($0, prefix) == 1 { $0 = substr($0, length(prefix) + 1) } 1')
    if [ "$code" -eq "$4" ] && [ "$found" = "$5" ]; then
        printf 'ok    %s\n' "$1"
    else
        printf 'FAIL  %s\n      expected %s: %s\n      found    %s: %s\n' "$1" "$4" "$5" "$code" "$found"
        failures=$((failures + 1))
    fi
}

for folder in "$here"/[0-9]*; do
    case $(cat "$folder/daemon") in
    filter) daemon=$filter ;;
    collector) daemon=$collector ;;
    *) daemon=/nonexistent ;;
    esac
    check "$(basename "$folder")" "$daemon" "$folder" 78 "$(cat "$folder/expected")"
done
check "good, for the filter" "$filter" "$here/good" 0 ""
check "good, for the collector" "$collector" "$here/good" 0 ""

[ "$failures" -eq 0 ]
