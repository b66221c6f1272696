#!/usr/bin/env python3
"""smtpauth-filter between the floor and libmilter: the same load on each, in turn, in one run.

    tests/bench/side_by_side.py BUILD [--connections 10,100,1000] [--messages-per-connection 10] [--recipients 1]
        [--body 4096] [--message-size off|count] [--durability process|group|always] [--reject-ids 100000]
        [--limits] [--idle-connections 0] [--seconds 3] [--runs 5] [--targets floor,libmilter,filter] [--calls | --threads]
        [--directory /var/tmp]

Prints a Markdown table: the medians of all runs, and for each run's own quotients theirs. With --limits five limits are judged for each message. The filter has a collector
that takes its records; the next load begins when it has them all. CPU is all threads', in user and system mode; times
are those of a whole message's conversation, from MAIL to the final answer. "client" is how much of a core the load
generator used: near 100 % it was the limit. With --idle-connections each target runs a second time, and so many are held
there. In place of time, --calls counts system calls inside the targets, and --threads tells the CPU of each thread that
lives throughout.

Fails where a message was not answered "continue"; never for a time. The figures of docs/performance.md come from here.
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit import LIMITS, filter_status, wait_for, write_configuration

SENDING_IDS = 100000


class Target:
    """A program under load, and whoever has to run beside it."""

    def __init__(self, name, home, programs, counted):
        """@param programs  (argv, socket that it opens), in the order of their start; the last is the target."""
        self.name, self.home, self.processes = name, home, []
        for argv, socket in programs:
            last = argv is programs[-1][0]
            environment = counted.environment(name) if counted and last else None
            self.processes.append(subprocess.Popen([str(a) for a in argv], env=environment, stdout=subprocess.DEVNULL))
            wait_for((home / socket).exists, f"{argv[0]} to open {socket}")
        self.pid = self.processes[-1].pid
        self.socket = home / programs[-1][1]

    def hold(self, build, connections):
        """Keeps so many idle connections until the end."""
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        self.processes.append(subprocess.Popen(
            [build / "tests/bench/load", "--connections", "0", "--idle-connections", str(connections), self.socket],
            stdout=subprocess.DEVNULL))
        wait_for(lambda: len(os.listdir(f"/proc/{self.pid}/fd")) >= files + connections, f"{connections} connections")

    def settle(self):
        """Until nothing of the last load is left to be done."""

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=30)


class FilterTarget(Target):
    def settle(self):
        wait_for(self.has_delivered, "the collector to have every record", 60)

    def has_delivered(self):
        status = filter_status(self.build, self.home)
        return status and status["records"]["waiting"] == 0 and status["lost"] == {"messages": 0, "others": 0}


def idle_name(name, options):
    return f"{name}, {options.idle_connections:,} idle"


def start_all(home, options, counted):
    """Yields each as soon as it runs."""
    ids = "".join(f"refused-{n}@example.com\n" for n in range(options.reject_ids))
    (home / "reject_ids.txt").write_text(ids)
    for name in options.targets.split(","):
        yield start(name, options.build, home, options, counted)
    if options.idle_connections:
        other_home = home / "idle"
        other_home.mkdir()
        (other_home / "reject_ids.txt").write_text(ids)
        for name in options.targets.split(","):
            target = start(name, options.build, other_home, options, counted)
            target.name = idle_name(name, options)
            yield target
            target.hold(options.build, options.idle_connections)


def start(name, build, home, options, counted):
    bench, count = build / "tests/bench", ["--count"] if options.message_size == "count" else []
    if name == "floor":
        return Target(name, home, [([bench / "floor", *count, home / "floor.sock"], "floor.sock")], counted)
    if name == "libmilter":
        sink, own = home / "sink.sock", home / "libmilter.sock"
        return Target(name, home, [
            ([bench / "datagram_sink", sink], sink.name),
            ([bench / "libmilter_filter", *count, home / "reject_ids.txt", sink, own], own.name)], counted)
    configuration = write_configuration(home, durability=options.durability, message_size=options.message_size,
                                        limits=LIMITS if options.limits else "")
    target = FilterTarget(name, home, [
        ([build / "collector/smtpauth-log-collector", "-c", configuration], "events.sock"),
        ([build / "filter/smtpauth-filter", "-c", configuration], "filter.sock")], counted)
    target.build = build
    return target


def load(build, target, connections, options):
    """One run: its figures."""
    run = subprocess.run(
        [str(a) for a in (
            build / "tests/bench/load", "--connections", connections, "--messages-per-connection",
            options.messages_per_connection, "--recipients", options.recipients, "--body", options.body,
            "--ids", SENDING_IDS, "--seconds", options.seconds, "--watch-pid", target.pid, target.socket)],
        check=True, capture_output=True, text=True, timeout=options.seconds + 60)
    said = json.loads(run.stdout.splitlines()[-1])
    if said["continue"] != said["messages"] or said["messages"] == 0:
        raise RuntimeError(f"{target.name}: not every message passed: {said}")
    target.settle()
    return {
        "cpu": said["cpu_us_per_message"], "rate": said["messages_per_second"], "p50": said["conversation_ms_p50"],
        "p99": said["conversation_ms_p99"], "p999": said["conversation_ms_p999"],
        "client": said["own_cpu_seconds"] / said["seconds"] * 100, "replies": said["replies"] / said["messages"],
        "messages": said["messages"],
    }


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def quotient(runs, others, key):
    """Of each run and the other's beside it."""
    return statistics.median(run[key] / other[key] for run, other in zip(runs, others))


def row(name, runs):
    return (f"{name} | {median(runs, 'cpu'):.1f} | {median(runs, 'rate'):,.0f} | {median(runs, 'p50'):.2f} | "
            f"{median(runs, 'p99'):.2f} | {median(runs, 'p999'):.2f} | {median(runs, 'replies'):.2f} | "
            f"{median(runs, 'client'):.0f} %")


def comparison(figures, name, other):
    mine, theirs = figures[name], figures[other]
    return (f"{name} / {other} | {quotient(mine, theirs, 'cpu'):.2f} | {quotient(mine, theirs, 'rate'):.2f} | "
            f"{quotient(mine, theirs, 'p50'):.2f} | {quotient(mine, theirs, 'p99'):.2f} | "
            f"{quotient(mine, theirs, 'p999'):.2f} | | |")


def measure(build, targets, connections, options):
    """Every target in turn, as often as there are runs; prints their lines of the table."""
    figures = {target.name: [] for target in targets}
    for _ in range(options.runs):
        for target in targets:
            figures[target.name].append(load(build, target, connections, options))
    for name, runs in figures.items():
        print(f"| {connections} | {row(name, runs)} |", flush=True)
    pairs = [("filter", "floor"), ("filter", "libmilter"), *((idle_name(name, options), name) for name in figures)]
    for name, other in pairs:
        if name in figures and other in figures:
            print(f"| {connections} | {comparison(figures, name, other)} |", flush=True)


class CallCounter:
    """The library that counts its process's system calls, and the files that it counts into."""

    def __init__(self, build, home):
        self.library, self.home = build / "tests/bench/libcall_counter.so", home

    def environment(self, name):
        return {"LD_PRELOAD": str(self.library), "CALL_COUNTER_FILE": str(self.home / f"{name}.calls")}

    def calls(self, name):
        """{call: how often so far}"""
        counters = struct.iter_unpack("24sQ", (self.home / f"{name}.calls").read_bytes())
        return {call.rstrip(b"\0").decode(): count for call, count in counters if count}


def count_calls(build, targets, connections, options, counter):
    for target in targets:
        load(build, target, connections, options)  # what happens once happens now
        before = counter.calls(target.name)
        messages = load(build, target, connections, options)["messages"]
        counts = {call: (count - before.get(call, 0)) / messages for call, count in counter.calls(target.name).items()}
        detail = ", ".join(f"{call} {count:.2f}" for call, count in sorted(counts.items(), key=lambda c: -c[1])
                           if count >= 0.005)
        print(f"| {connections} | {target.name} | {sum(counts.values()):.1f} | {detail} |", flush=True)


def thread_times(pid):
    """{thread: µs of CPU so far}"""
    return {thread.name: int((thread / "schedstat").read_text().split()[0]) / 1000
            for thread in Path(f"/proc/{pid}/task").iterdir()}


def time_threads(build, targets, connections, options):
    """The median of the runs, for each thread."""
    for target in targets:
        load(build, target, connections, options)
        runs = []
        for _ in range(options.runs):
            before = thread_times(target.pid)
            messages = load(build, target, connections, options)["messages"]
            after = thread_times(target.pid)
            runs.append({thread: (after[thread] - before[thread]) / messages for thread in before if thread in after})
        lasting = sorted(set.intersection(*map(set, runs)), key=int)
        print(f"| {connections} | {target.name} | "
              + ", ".join(f"{median(runs, thread):.1f}" for thread in lasting) + " |", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda path: Path(path).resolve())
    parser.add_argument("--connections", default="10,100,1000")
    parser.add_argument("--messages-per-connection", type=int, default=10)
    parser.add_argument("--recipients", type=int, default=1)
    parser.add_argument("--body", type=int, default=4096)
    parser.add_argument("--message-size", default="off")
    parser.add_argument("--durability", default="process")
    parser.add_argument("--reject-ids", type=int, default=100000)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--idle-connections", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--targets", default="floor,libmilter,filter")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--calls", action="store_true")
    mode.add_argument("--threads", action="store_true")
    parser.add_argument("--directory", default="/var/tmp")
    return parser.parse_args()


def main():
    options = parse()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-") as folder:
        home = Path(folder)
        counter = CallCounter(options.build, home) if options.calls else None
        targets = []
        try:
            for target in start_all(home, options, counter):
                targets.append(target)
            if options.calls:
                print("| connections | | system calls / message | of these |\n|---|---|---|---|")
            elif options.threads:
                print("| connections | | CPU µs / message, by thread |\n|---|---|---|")
            else:
                print("| connections | | CPU µs / message | messages/s | p50 ms | p99 ms | p99.9 ms | replies / message | client |\n"
                      "|---|---|---|---|---|---|---|---|---|")
            for connections in map(int, options.connections.split(",")):
                if options.calls:
                    count_calls(options.build, targets, connections, options, counter)
                elif options.threads:
                    time_threads(options.build, targets, connections, options)
                else:
                    measure(options.build, targets, connections, options)
        finally:
            for target in targets:
                target.stop()


if __name__ == "__main__":
    sys.exit(main())
