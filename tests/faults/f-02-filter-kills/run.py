#!/usr/bin/env python3
"""The filter is killed again and again under load: mail that it let pass stands in the log, once."""

import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.case import check, run, step
from harness.daemons import Daemons
from kit.chaos import Restarts, of_filter
from kit.ending import read_answers, settle
from kit.load import RATE, REFUSED_IDS, Load, accounts
from kit.records import Records

KILLS, LONG_KILLS = 50, 500
FIRST_KILLS = 5


class Journal:
    """What the filter's journal takes on the disk once the collector has everything."""

    def __init__(self, daemons, answers):
        Records(daemons).wait_for(answers, 30)
        self.folder = Path(daemons.settings["filter"]["journal_directory"])
        sizes = [path.stat().st_size for path in self.folder.rglob("*") if path.is_file()]
        self.files, self.octets, self.largest = len(sizes), sum(sizes), max(sizes, default=0)

    def __str__(self):
        return f"{self.files} files, {self.octets} octets"


def kill_under_load(bench, options, daemons, name, kills, count):
    load = Load(bench, options.build, daemons.milter_socket, name, rate=RATE, **accounts(options.seed))
    kills.times(count)
    load.stop()
    return load


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    kills = Restarts(random.Random(options.seed), of_filter(daemons))
    first = kill_under_load(bench, options, daemons, "first", kills, FIRST_KILLS)
    early = Journal(daemons, read_answers(first))
    rest = kill_under_load(bench, options, daemons, "rest", kills,
                           (LONG_KILLS if options.long else KILLS) - FIRST_KILLS)
    answers = read_answers(first, rest)
    late = Journal(daemons, answers)
    step(f"{kills.counts[0]} kills; journal: {early} after {FIRST_KILLS}, {late} at the end")

    records = settle(daemons, [daemons], answers, 30)
    records.check_against(answers, rest.connections * kills.counts[0], refusals_may_miss=True)
    check(early.files > 0, f"no journal in {early.folder}")
    # Each start has a file of its own, kept until the state of the accounts is saved: once more records came than there
    # are accounts, which takes some ten starts here.
    check(late.files <= early.files + 20 and late.octets <= early.octets + early.largest,
          "the journal grew with the kills, by more than the files of a few starts")


run(test, long_limit=900)
