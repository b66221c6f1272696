#!/usr/bin/env python3
"""Three filters and their collector are killed at random under load: mail that passed stands in the log, once."""

import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.case import run, step
from harness.daemons import Daemons
from kit.chaos import Restarts, of_collector, of_filter
from kit.ending import read_answers, settle
from kit.filters import FurtherFilter
from kit.load import REFUSED_IDS, Load, accounts

SECONDS, LONG_SECONDS = 50, 600
RATE = 800  # of each filter


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    sites = [daemons, FurtherFilter(bench, daemons, "second"), FurtherFilter(bench, daemons, "third")]
    loads = [Load(bench, options.build, site.milter_socket, f"load{n}", rate=RATE, **accounts(options.seed + n))
             for n, site in enumerate(sites)]
    kills = Restarts(random.Random(options.seed), of_collector(daemons), *(of_filter(site) for site in sites))
    kills.for_seconds(LONG_SECONDS if options.long else SECONDS)
    rate = sum(load.stop()["messages_per_second"] for load in loads)
    step(f"{kills.counts[0]} kills of the collector, {kills.counts[1:]} of the filters, {rate:.0f} messages/s")

    answers = read_answers(*loads)
    may_be_unanswered = sum(load.connections * count for load, count in zip(loads, kills.counts[1:]))
    settle(daemons, sites, answers, 60).check_against(answers, may_be_unanswered, refusals_may_miss=True)


run(test, long_limit=1500)
