#!/usr/bin/env python3
"""What bash offers when TAB is pressed behind smtpauthctl: every command, the options of each, blocked accounts.

    completion.py SMTPAUTHCTL
"""

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "packaging/smtpauthctl.bash-completion"
COMMANDS = ["block", "blocks", "check", "explain", "show", "status", "tail", "top", "unblock"]

# Answers as smtpauthctl does where a filter runs.
STAND_IN = """#!/bin/sh
if [ "$1" = blocks ]; then
    echo '{"filters":[{"daemon":"smtpauth-filter","result":{"blocks":[{"id":"alice@example.com"},{"id":"al\\\\\\\\x; rm"}],\
"probation":[{"id":"bob"}]}}]}'
elif [ "$1" = show ]; then
    echo "ASKED""<$*>"
else
    exec PROGRAM "$@"
fi
"""


def offered(program, *words):
    done = subprocess.run(
        ["bash", "--norc", "-c", 'source "$0"; COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; _smtpauthctl; '
         'printf "%s\\n" "${COMPREPLY[@]}"', SCRIPT, program, *words],
        capture_output=True, text=True, timeout=20)
    if done.stderr:
        sys.exit(f"FAIL  {words}: {done.stderr}")
    return sorted(line for line in done.stdout.splitlines() if line)


def typed(folder, keys, end):
    """What a person sees who types that into a bash with readline, until `end` stands there."""
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb", "INPUTRC": "/dev/null", "PS1": "$ "}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    seen = b""
    try:
        os.write(terminal, f"source '{SCRIPT}'\n".encode() + keys)
        deadline = time.monotonic() + 20
        while end not in seen and time.monotonic() < deadline:
            if select.select([terminal], [], [], deadline - time.monotonic())[0]:
                seen += os.read(terminal, 4096)
    except OSError as error:  # the shell has gone
        seen += str(error).encode()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return seen


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
        wanted = ("--json", "--help") if command == "replay" else ("--json", "--help", "-c")  # it has no configuration of its own
        equal([o for o in wanted if o not in options], [], f"options missing of {command}")
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
        for word in (b"al", b"alice@", b"alice@exa", b"alice@example.c"):
            seen = typed(folder, b"smtpauthctl show " + word + b"\t\n", b">\r\n")
            equal(b"ASKED<show alice@example.com>" in seen, True, f"TAB behind {word}: {seen}")
    print("passed" if failures == 0 else f"{failures} failed")
    sys.exit(failures != 0)


main()
