#!/bin/sh
# Shows each bad configuration to its daemon: it must be refused with 78 and exactly the message in
# `expected`, where paths begin below the case's own folder. `daemon` names it, perhaps with further arguments. The good one must be taken without a word.
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

# check NAME DAEMON FOLDER EXPECTED_CODE EXPECTED_TEXT [ARGUMENT...]
check() {
    name=$1 program=$2 folder=$3 expected_code=$4 expected_text=$5
    shift 5
    found=$("$program" "$@" -n -c "$folder/smtpauth.toml" 2>&1)
    code=$?
    found=$(printf '%s' "$found" |
        awk -v prefix="$folder/" 'index($0, prefix) == 1 { $0 = substr($0, length(prefix) + 1) } 1')
    if [ "$code" -eq "$expected_code" ] && [ "$found" = "$expected_text" ]; then
        printf 'ok    %s\n' "$name"
    else
        printf 'FAIL  %s\n      expected %s: %s\n      found    %s: %s\n' "$name" "$expected_code" "$expected_text" "$code" "$found"
        failures=$((failures + 1))
    fi
}

for folder in "$here"/[0-9]*; do
    read -r name arguments <"$folder/daemon"
    case $name in
    filter) daemon=$filter ;;
    collector) daemon=$collector ;;
    *) daemon=/nonexistent ;;
    esac
    # shellcheck disable=SC2086 # the arguments are to be split
    check "$(basename "$folder")" "$daemon" "$folder" 78 "$(cat "$folder/expected")" $arguments
done
check "good, for the filter" "$filter" "$here/good" 0 ""
check "good, for an instance" "$filter" "$here/good" 0 "" --instance mx-1
check "good, for the collector" "$collector" "$here/good" 0 ""

[ "$failures" -eq 0 ]
