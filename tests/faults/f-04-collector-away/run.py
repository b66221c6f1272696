#!/usr/bin/env python3
"""The collector is away for many records: mail is as quick, the filter as small, and then all comes, in order."""

import statistics
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.ending import read_answers, settle
from kit.load import REFUSED_IDS, Load, accounts

RECORDS, LONG_RECORDS = 50_000, 1_000_000
RUNS = 5
TIMED, LONG_TIMED = 5_000, 50_000  # messages of a run
SLOWER, SLOWER_MS = 1.2, 1
MOST_GROWTH_KIB = 16 * 1024
LEAST_DRAIN = 100_000  # records a second


def resident_kib(process):
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    return None


class LineCounter:
    """Counts lines of logs that grow, and reads nothing twice: it must not take the time that it measures."""

    def __init__(self, *logs):
        self.places = {log.path: 0 for log in logs}
        self.lines = 0

    def count(self):
        for path, place in self.places.items():
            with open(path, "rb") as file:
                file.seek(place)
                octets = file.read()
            self.places[path] += len(octets)
            self.lines += octets.count(b"\n")
        return self.lines


class Mail:
    """Loads one after another, with seeds of their own."""

    def __init__(self, bench, options, daemons):
        self.bench, self.options, self.daemons = bench, options, daemons
        self.loads, self.sent = [], 0

    def send(self, messages):
        """The summary. Every message leaves a record."""
        number = len(self.loads)
        self.loads.append(Load(self.bench, self.options.build, self.daemons.milter_socket, f"load{number}",
                               messages=messages, **accounts(self.options.seed + number)))
        self.sent += messages
        return self.loads[-1].finish(300)


def time_answers(daemons, mail, counter, messages):
    """RUNS with the collector and RUNS without, by turns: what else the machine does then slows both alike."""
    up, away = [], []
    for _ in range(RUNS):
        up.append(mail.send(messages)["eom_ms_p50"])
        equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
        away.append(mail.send(messages)["eom_ms_p50"])
        daemons.start_collector()
        wait_for(lambda: counter.count() >= mail.sent, 60, "all records")
    step(f"median answers at end of message, in ms: with the collector {up}, without {away}")
    return statistics.median(up), statistics.median(away)


def grow(daemons, mail, records):
    """KiB by which the filter grows while the collector is away for so many records."""
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    before = resident_kib(daemons.filter)
    mail.send(records)
    return resident_kib(daemons.filter) - before


def drain(daemons, mail, counter):
    """Starts the collector and waits until every record is in the logs. Records a second, after the first batch."""
    before = counter.count()
    daemons.start_collector()
    first = wait_for(lambda: counter.count() > before and counter.lines, 15, "the first record")
    start = time.monotonic()
    wait_for(lambda: counter.count() >= mail.sent, 120, lambda: f"{mail.sent} records, found {counter.lines}")
    seconds = time.monotonic() - start
    step(f"{mail.sent - before} records were waiting; all but the first {first - before} came in {seconds:.2f} s")
    return (mail.sent - first) / seconds if mail.sent > first else float("inf")


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    mail = Mail(bench, options, daemons)
    counter = LineCounter(daemons.stats_log, daemons.rejects_log)
    up, away = time_answers(daemons, mail, counter, LONG_TIMED if options.long else TIMED)
    growth = grow(daemons, mail, LONG_RECORDS if options.long else RECORDS)
    step(f"the filter grew by {growth} KiB")
    rate = drain(daemons, mail, counter)
    step(f"drained at {rate:.0f} records/s")

    answers = read_answers(*mail.loads)
    settle(daemons, [daemons], answers, 30).check_against(answers)
    check(away <= max(up * SLOWER, up + SLOWER_MS), "mail is slower while the collector is away")
    check(growth <= MOST_GROWTH_KIB, f"the filter grew by more than {MOST_GROWTH_KIB} KiB")
    check(rate >= LEAST_DRAIN or not options.long, f"drained at less than {LEAST_DRAIN} records/s")


run(test, long_limit=1200)
