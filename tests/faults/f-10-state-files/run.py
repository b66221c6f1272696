#!/usr/bin/env python3
"""The state files of both daemons are deleted or put back as they were earlier, between restarts under load: each
record stands in the logs, once."""

import collections
import random
import signal
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import wait_for
from harness.case import equal, run, step
from harness.daemons import Daemons
from kit.chaos import of_collector
from kit.copies import Copies
from kit.ending import read_answers, settle
from kit.load import REFUSED_IDS, Load, accounts
from kit.status import Status

ROUNDS, LONG_ROUNDS = 12, 100
RATE = 1500
LONGEST_AWAY, LONGEST_PEACE = 0.5, 1.0  # seconds without collector, with both
MOST_RENAMED = 8  # of those that are read back without a state file, at most 10


class Mischief:
    """What happens to the state files and the logs while both daemons are down."""

    def __init__(self, bench, daemons, rng):
        self.daemons, self.random = daemons, rng
        folder = {table: Path(daemons.settings[table]["state_directory"]) for table in ("filter", "collector")}
        self.files = {"collector.state": Copies(bench, folder["collector"] / "collector.state"),
                      "journal/state": Copies(bench, Path(daemons.settings["filter"]["journal_directory"]) / "state")}
        self.done = collections.Counter()
        self.renamed = 0

    def happen(self):
        for name, copies in self.files.items():
            copies.keep()
            what = self.random.choice(("left", "deleted", "put back"))
            if what == "deleted":
                copies.delete()
            if what == "put back":
                copies.put_back(self.random.randrange(copies.count))
            self.done[f"{name} {what}"] += 1
        if self.renamed < MOST_RENAMED and self.random.random() < 0.3:
            self.rename_logs()

    def rename_logs(self):
        self.renamed += 1
        for log in (self.daemons.stats_log, self.daemons.rejects_log):
            log.path.rename(f"{log.path}.{self.renamed}")


def restart_both(daemons, mischief, rng):
    number = rng.choice((signal.SIGTERM, signal.SIGKILL))
    equal(daemons.stop_collector(number), 0 if number == signal.SIGTERM else -number, "the collector's exit status")
    time.sleep(rng.uniform(0, LONGEST_AWAY))
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    mischief.happen()
    starts = [daemons.start_filter, of_collector(daemons)[1]]
    rng.shuffle(starts)
    for start in starts:
        start()
    time.sleep(rng.uniform(0, LONGEST_PEACE))


def an_older_count(bench, options, daemons, mischief):
    """A journal without records that lost its state counts from 1 again. The old state must not hide what it has."""
    state = mischief.files["journal/state"]
    state.keep()
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    daemons.start_filter()  # deletes what was acknowledged
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    state.delete()
    daemons.start_filter()
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    load = Load(bench, options.build, daemons.milter_socket, "recount", messages=1000, **accounts(options.seed))
    load.finish(20)
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    state.put_back(state.count - 1)
    daemons.start_filter()
    daemons.start_collector()
    return load


def test(bench, options):
    step(f"seed {options.seed}")
    rng = random.Random(options.seed)
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    mischief = Mischief(bench, daemons, rng)
    load = Load(bench, options.build, daemons.milter_socket, rate=RATE, **accounts(options.seed))
    for _ in range(LONG_ROUNDS if options.long else ROUNDS):
        restart_both(daemons, mischief, rng)
    load.stop()
    step(", ".join(f"{what} {count} times" for what, count in sorted(mischief.done.items())) +
         f"; logs renamed {mischief.renamed} times")

    wait_for(lambda: Status(daemons, options.build).filter()["records"]["waiting"] == 0, 20, "all acknowledgements")
    recount = an_older_count(bench, options, daemons, mischief)
    answers = read_answers(load, recount)
    settle(daemons, [daemons], answers, 30).check_against(answers)


run(test)
