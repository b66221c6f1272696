#!/usr/bin/env python3
"""What each durability costs: the time of an answer at end of message, beside a bare loop of write and fdatasync.

    tests/bench/durability.py BUILD [DIRECTORY]

DIRECTORY is on the file system to measure; default /var/tmp. The figures of docs/reliability.md come from here.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit import wait_for, write_configuration

ROUNDS = 3
BARE_WRITES = 3000
RECORD_BYTES = 300


def bare_loop(path):
    """Seconds that one write and its sync take, the median."""
    times = []
    with open(path, "w+b", buffering=0) as file:
        file.write(bytes(BARE_WRITES * RECORD_BYTES))
        os.fsync(file.fileno())
        for at in range(BARE_WRITES):
            start = time.perf_counter()
            os.pwrite(file.fileno(), b"r" * RECORD_BYTES, at * RECORD_BYTES)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(build, home, durability):
    """A line for one message at a time, and one for 64."""
    configuration = write_configuration(home, durability=durability)
    daemons = []
    try:
        for program, socket in (("collector/smtpauth-log-collector", "events.sock"), ("filter/smtpauth-filter", "filter.sock")):
            daemons.append(subprocess.Popen([build / program, "-c", configuration]))
            wait_for((home / socket).exists, socket)
        for connections, messages in ((1, 4000), (64, 10000 if durability == "always" else 40000)):
            run = subprocess.run([build / "tests/bench/load", "--connections", str(connections), "--messages", str(messages),
                                  "--messages-per-connection", "1000", "--ids", "1000", home / "filter.sock"],
                                 check=True, capture_output=True, text=True, timeout=120)
            figures = json.loads(run.stdout.splitlines()[-1])
            print(f"{durability:8} {connections:3} under way: p50 {figures['eom_ms_p50']:.3f} ms, "
                  f"p99 {figures['eom_ms_p99']:.3f} ms, {figures['messages_per_second']:.0f} messages/s")
    finally:
        for daemon in daemons:
            daemon.terminate()
            daemon.wait(timeout=20)


def main():
    build = Path(sys.argv[1]).resolve()
    directory = sys.argv[2] if len(sys.argv) > 2 else "/var/tmp"
    for _ in range(ROUNDS):
        for durability in ("process", "group", "always"):
            with tempfile.TemporaryDirectory(dir=directory) as home:
                print(f"bare loop: {bare_loop(Path(home) / 'bare') * 1000:.3f} ms")
                measure(build, Path(home), durability)


main()
