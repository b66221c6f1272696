#!/usr/bin/env python3
"""The collector is killed again and again under load: each record stands in the logs, once."""

import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.chaos import Restarts, of_collector, sessions_of_filters
from kit.ending import read_answers, settle
from kit.load import RATE, REFUSED_IDS, Load, accounts

KILLS, LONG_KILLS = 50, 500
LEAST_RATE = 2000


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    load = Load(bench, options.build, daemons.milter_socket, rate=RATE, **accounts(options.seed))
    kills = Restarts(random.Random(options.seed), of_collector(daemons))
    kills.times(LONG_KILLS if options.long else KILLS)
    summary = load.stop()
    step(f"{kills.counts[0]} kills, {sessions_of_filters(daemons)} sessions of the filter, "
         f"{summary['messages_per_second']} messages/s")
    check(sessions_of_filters(daemons) >= kills.counts[0] / 4, "the filter was hardly ever connected")
    equal((summary["tempfail"], summary["broken"], summary["reconnects"]), (0, 0, 0),
          "tempfail, broken, reconnects: what the MTA saw of the collector")

    answers = read_answers(load)
    settle(daemons, [daemons], answers, 30).check_against(answers)
    check(summary["messages_per_second"] >= LEAST_RATE or not options.long, f"less than {LEAST_RATE} messages/s")


run(test, long_limit=1500)
