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
SLOWER, SLOWER_MS = 1.2, 1
MOST_GROWTH_KIB = 16 * 1024
LEAST_DRAIN = 100_000  # records a second


def resident_kib(process):
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    return None


def loads_of(bench, options, daemons, when, messages):
    """RUNS one after another. The loads, and the median of their median answer times."""
    loads, medians = [], []
    for n in range(RUNS):
        loads.append(Load(bench, options.build, daemons.milter_socket, f"{when}{n}", messages=messages,
                          watch_pid=daemons.filter.pid, **accounts(options.seed + n)))
        medians.append(loads[-1].finish(120)["eom_ms_p50"])
    return loads, statistics.median(medians)


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


def drain(daemons, records):
    """Starts the collector and waits until the logs have so many lines. Records a second, after the first batch."""
    counter = LineCounter(daemons.stats_log, daemons.rejects_log)
    before = counter.count()
    daemons.start_collector()
    first = wait_for(lambda: counter.count() > before and counter.lines, 15, "the first record")
    start = time.monotonic()
    wait_for(lambda: counter.count() >= records, 120, lambda: f"{records} records, found {counter.lines}")
    seconds = time.monotonic() - start
    step(f"{records - before} records were waiting; all but the first {first - before} came in {seconds:.2f} s")
    return (records - first) / seconds if records > first else float("inf")


def test(bench, options):
    step(f"seed {options.seed}")
    records = LONG_RECORDS if options.long else RECORDS
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    up, usual = loads_of(bench, options, daemons, "up", records // RUNS)
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    before = resident_kib(daemons.filter)
    away, alone = loads_of(bench, options, daemons, "away", records // RUNS)
    growth = resident_kib(daemons.filter) - before
    step(f"median answer at end of message {alone:.3f} ms, with the collector {usual:.3f} ms; "
         f"the filter grew by {growth} KiB in {records} records")

    answers = read_answers(*up, *away)
    rate = drain(daemons, answers.tries)
    step(f"drained at {rate:.0f} records/s")
    settle(daemons, [daemons], answers, 30).check_against(answers)
    check(alone <= max(usual * SLOWER, usual + SLOWER_MS), "mail is slower while the collector is away")
    check(growth <= MOST_GROWTH_KIB, f"the filter grew by more than {MOST_GROWTH_KIB} KiB")
    check(rate >= LEAST_DRAIN or not options.long, f"drained at less than {LEAST_DRAIN} records/s")


run(test, long_limit=1200)
