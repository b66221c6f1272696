#!/usr/bin/env python3
"""The filter is restarted under load while a service manager holds its socket: nobody is turned away, and no message
whose MAIL was answered is harmed. What sessions see that pause between two messages is counted."""

import random
import signal
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.chaos import Restarts, of_filter
from kit.ending import read_answers, settle
from kit.filters import ActivatedFilter
from kit.load import REFUSED_IDS, Load, accounts
from kit.slow_mail import SlowMail

RESTARTS, LONG_RESTARTS = 8, 100
LONGEST = 3  # seconds between two: long enough for sessions to pause over some of them
RATE = 1000
PAUSE_SESSIONS = 20
SLOW_SESSIONS = 10


def tell_of_idle_sessions(load, summary):
    """Where MAIL and the end of the connection cross on the way, the generator counts a broken message, too: a filter
    cannot know of it. Those whose MAIL was answered are SlowMail's."""
    lines = [line.split() for line in open(load.answers_file)]
    paused = [outcome for _, outcome, _, *marks in lines if marks]
    check(paused, "no session paused in between")
    step(f"{PAUSE_SESSIONS} pausing sessions: {len(paused)} messages, of which {paused.count('broken')} met a "
         f"connection that had ended in the pause; of all {load.connections} sessions {summary['lost_between']} lost "
         f"theirs between two messages")
    crossed = sum(outcome == "broken" for _, outcome, _, *marks in lines if not marks)
    step(f"{crossed} messages without pause crossed the end of their connection")


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    site = ActivatedFilter(bench, daemons, "activated")
    load = Load(bench, options.build, site.milter_socket, rate=RATE, pause_sessions=PAUSE_SESSIONS,
                **accounts(options.seed))
    slow = SlowMail(site.milter_socket, SLOW_SESSIONS, options.seed)
    restarts = Restarts(random.Random(options.seed), of_filter(site), number=signal.SIGTERM, status=0, longest=LONGEST)
    restarts.times(LONG_RESTARTS if options.long else RESTARTS)
    slow.stop()
    summary = load.stop()
    tell_of_idle_sessions(load, summary)
    step(f"{restarts.counts[0]} restarts of the filter, {summary['messages_per_second']} messages/s, slowest answer at "
         f"end of message {summary['eom_ms_max']} ms; {len(slow.all_of('passed'))} watched messages passed, "
         f"{slow.lost_between} of their connections ended between two")
    check(slow.lost_between >= restarts.counts[0], "the watched sessions hardly saw the restarts")

    answers = read_answers(load)
    slow.add_to(answers)
    settle(daemons, [site], answers, 30).check_against(answers)
    equal((summary["failed_connects"], slow.all_of("refused")), (0, []), "connections that were refused")
    equal((summary["tempfail"], slow.all_of("otherwise")), (0, []), "messages that were answered 4xx")
    equal(slow.all_of("broken"), [], "messages that were broken after the answer to MAIL")


run(test)
