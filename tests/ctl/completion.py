#!/usr/bin/env python3
"""What bash offers when TAB is pressed behind smtpauthctl: every command, the options of each, blocked accounts.

    completion.py SMTPAUTHCTL
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "packaging/smtpauthctl.bash-completion"
COMMANDS = ["block", "blocks", "check", "explain", "show", "status", "tail", "top", "unblock"]

# Answers as smtpauthctl does where a filter runs.
STAND_IN = """#!/bin/sh
if [ "$1" = blocks ]; then
    echo '{"filters":[{"daemon":"smtpauth-filter","result":{"blocks":[{"id":"alice@example.com"},{"id":"al\\\\\\\\x; rm"}],\
"probation":[{"id":"bob"}]}}]}'
else
    exec PROGRAM "$@"
fi
"""


def offered(program, *words):
    done = subprocess.run(
        ["bash", "--norc", "-c", 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _smtpauthctl; '
         'printf "%s\\n" "${COMPREPLY[@]}"', SCRIPT, program, *words],
        capture_output=True, text=True, timeout=20)
    if done.stderr:
        sys.exit(f"FAIL  {words}: {done.stderr}")
    return sorted(line for line in done.stdout.splitlines() if line)


def main():
    program = os.path.abspath(sys.argv[1])
    failures = 0

    def equal(found, expected, what):
        nonlocal failures
        if found != expected:
            failures += 1
            print(f"FAIL  {what}: found {found}, expected {expected}")

    commands = offered(program, "")
    equal([c for c in COMMANDS if c not in commands], [], "commands that are not offered")
    equal(offered(program, "bl"), ["block", "blocks"], "what begins with bl")
    for command in (c for c in commands if not c.startswith("-")):
        options = offered(program, command, "-")
        equal([o for o in ("--json", "--help", "-c") if o not in options], [], f"options missing of {command}")
    equal(offered(program, "top", "--s"), ["--since"], "options of top that begin with --s")
    equal(offered(program, "tail", "-"), ["--count", "--follow", "--help", "--json", "--since", "--until", "-c", "-f"],
          "options of tail")
    equal(offered(program, "top", "--by", "re"), ["recipients", "rejects"], "measures of top")
    with tempfile.TemporaryDirectory() as folder:
        stand_in = Path(folder) / "smtpauthctl"
        stand_in.write_text(STAND_IN.replace("PROGRAM", program))
        stand_in.chmod(0o755)
        equal(offered(str(stand_in), "unblock", ""), ["alice@example.com", "bob"], "accounts")
        equal(offered(str(stand_in), "explain", "al"), ["alice@example.com"], "accounts that begin with al")
        equal(offered(str(stand_in), "status", ""), [], "status takes no account")
    print("passed" if failures == 0 else f"{failures} failed")
    sys.exit(failures != 0)


main()
