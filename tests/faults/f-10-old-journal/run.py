#!/usr/bin/env python3
"""The journal's directory is put back as it was earlier, once its records are delivered: what comes again is dropped,
what is new is not mistaken for it."""

import random
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.chaos import of_collector
from kit.copies import Copies
from kit.ending import read_answers, settle
from kit.load import REFUSED_IDS, Load, accounts
from kit.status import Status

ROUNDS, LONG_ROUNDS = 5, 50
RATE = 2000
SECONDS = 0.5  # of traffic between two steps


class Site:
    def __init__(self, bench, options):
        self.bench, self.options = bench, options
        self.daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
        self.status = Status(self.daemons, options.build)
        self.journal = Copies(bench, Path(self.daemons.settings["filter"]["journal_directory"]))
        self.loads = []

    def restart_filter(self, meanwhile):
        equal(self.daemons.stop_filter(), 0, "the filter's exit status after TERM")
        meanwhile()
        self.daemons.start_filter()

    def copy_under_load(self):
        """With records in it that nobody has acknowledged, and some that were."""
        self.loads.append(Load(self.bench, self.options.build, self.daemons.milter_socket, f"load{len(self.loads)}",
                               rate=RATE, **accounts(self.options.seed + len(self.loads))))
        time.sleep(SECONDS)
        equal(self.daemons.stop_collector(), 0, "the collector's exit status after TERM")
        time.sleep(SECONDS)
        self.restart_filter(self.journal.keep)
        of_collector(self.daemons)[1]()
        time.sleep(SECONDS)

    def deliver(self):
        self.loads[-1].stop()
        wait_for(lambda: self.status.filter()["records"]["waiting"] == 0, 20, "all records to be acknowledged")

    def dropped(self):
        status = self.status.collector()
        return sum(status[log]["duplicates_dropped"] for log in ("stats_log", "rejects_log"))

    def put_back(self, number):
        """Records that came again."""
        before = self.dropped()
        self.restart_filter(lambda: self.journal.put_back(number))
        wait_for(lambda: self.dropped() > before and self.status.filter()["records"]["waiting"] == 0, 20,
                 "the old records to come again")
        return self.dropped() - before


def test(bench, options):
    step(f"seed {options.seed}")
    rng = random.Random(options.seed)
    site = Site(bench, options)
    again = []
    for _ in range(LONG_ROUNDS if options.long else ROUNDS):
        site.copy_under_load()
        site.deliver()
        again.append(site.put_back(rng.randrange(site.journal.count)))
    site.copy_under_load()
    site.deliver()
    step(f"an old journal put back {len(again)} times; {min(again)} to {max(again)} of its records came again")
    check(min(again) > 0, "a copy had no record that was not acknowledged")

    answers = read_answers(*site.loads)
    settle(site.daemons, [site.daemons], answers, 30).check_against(answers)


run(test)
