#!/usr/bin/env python3
"""What smtpauth-filter holds in memory: at rest, for idle connections, for a long reject list; and whether loading that
list makes mail wait.

    tests/bench/memory.py BUILD [--idle-connections 10000] [--reject-ids 1000000] [--runs 5] [--directory /var/tmp]

Prints a Markdown table: the median and the worst of all runs, each with a filter of its own. The longest message is told
of the seconds before the list is put there and of those around it: what else the machine does shows in both. The figures
of docs/performance.md come from here.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import side_by_side
from kit import filter_status, status_mib, wait_for

MESSAGES_A_SECOND = 1000
LOAD_SECONDS = 4


def start_load(build, target, **options):
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]
    return subprocess.Popen([build / "tests/bench/load", *words, target.socket], stdout=subprocess.PIPE, text=True)


def end_load(load):
    said, _ = load.communicate(timeout=60)
    return json.loads(said.splitlines()[-1])


def idle_connections(build, target, connections):
    """MiB more while they are held."""
    before = status_mib(target.pid, "VmRSS")
    load = start_load(build, target, connections=0, idle_connections=connections)
    try:
        wait_for(lambda: filter_status(target.build, target.home)["connections"] == connections, f"{connections} connections")
        return status_mib(target.pid, "VmRSS") - before
    finally:
        load.send_signal(signal.SIGTERM)
        end_load(load)
        wait_for(lambda: filter_status(target.build, target.home)["connections"] == 0, "the connections to end")


def steady_mail(build, target):
    return start_load(build, target, connections=20, rate=MESSAGES_A_SECOND, seconds=LOAD_SECONDS)


def long_list(build, target, ids, figures):
    """Puts the list there while mail comes in; what that did."""
    new_list = target.home / "new_reject_ids.txt"
    new_list.write_text("".join(f"refused-{n}@example.com\n" for n in range(ids)))
    before = status_mib(target.pid, "VmRSS")
    figures["longest message before, ms"] = end_load(steady_mail(build, target))["conversation_ms_max"]

    load = steady_mail(build, target)
    time.sleep(LOAD_SECONDS / 2)
    log = target.home / "log"
    renamed = time.monotonic()
    os.rename(new_list, target.home / "reject_ids.txt")
    wait_for(lambda: f"{ids} ids" in log.read_text(), "the list to be loaded")
    figures["the list is in force after, s"] = time.monotonic() - renamed
    figures["longest message meanwhile, ms"] = end_load(load)["conversation_ms_max"]
    figures[f"{ids:,} ids on the list add, MiB"] = status_mib(target.pid, "VmRSS") - before


def measure(options):
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-") as folder:
        home = Path(folder)
        (home / "reject_ids.txt").touch()
        target = side_by_side.start("filter", options.build, home, options, None)
        try:
            time.sleep(1)
            figures = {"at rest, MiB": status_mib(target.pid, "VmRSS")}
            figures[f"{options.idle_connections:,} idle connections add, MiB"] = idle_connections(
                options.build, target, options.idle_connections)
            long_list(options.build, target, options.reject_ids, figures)
            return figures
        finally:
            target.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda path: Path(path).resolve())
    parser.add_argument("--idle-connections", type=int, default=10000)
    parser.add_argument("--reject-ids", type=int, default=1000000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", default="/var/tmp")
    parser.set_defaults(message_size="off", durability="process")
    options = parser.parse_args()
    runs = [measure(options) for _ in range(options.runs)]
    print("| | median | worst |\n|---|---|---|")
    for name in runs[0]:
        print(f"| {name} | {statistics.median(run[name] for run in runs):.2f} | {max(run[name] for run in runs):.2f} |")


if __name__ == "__main__":
    main()
