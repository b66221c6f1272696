#!/usr/bin/env python3
"""The collector is restarted under load, sessions that pause between two messages among it: nobody notices."""

import random
import signal
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.chaos import Restarts, of_collector
from kit.ending import read_answers, settle
from kit.load import RATE, REFUSED_IDS, Load, accounts

RESTARTS, LONG_RESTARTS = 10, 100
LONGEST = 3  # seconds between two: long enough for sessions to pause over some of them
PAUSE_SESSIONS = 50


def unnoticed(summary):
    equal((summary["accept"], summary["tempfail"], summary["broken"], summary["reconnects"]), (0, 0, 0, 0),
          "accept, tempfail, broken, reconnects: what the MTA saw of the restarts")


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    load = Load(bench, options.build, daemons.milter_socket, rate=RATE, pause_sessions=PAUSE_SESSIONS,
                **accounts(options.seed))
    restarts = Restarts(random.Random(options.seed), of_collector(daemons), number=signal.SIGTERM, status=0,
                        longest=LONGEST)
    restarts.times(LONG_RESTARTS if options.long else RESTARTS)
    summary = load.stop()
    step(f"{restarts.counts[0]} restarts of the collector, {summary['messages_per_second']} messages/s, slowest answer "
         f"at end of message {summary['eom_ms_max']} ms")
    unnoticed(summary)

    answers = read_answers(load)
    settle(daemons, [daemons], answers, 30).check_against(answers)
    paused = sum(line.endswith(" paused\n") for line in open(load.answers_file))
    check(paused > 0, "no session paused in between")


run(test)
