#!/usr/bin/env python3
"""The disk of the journal is full while the collector is away. on_journal_full = "pass": mail goes on, and the rejects
log tells afterwards how many records there are not, exactly. "tempfail": mail is answered 4xx, and none is lost; only
refusals are, counted as exactly, for they are answered all the same."""

import shutil
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import FILTER_USER, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.ending import read_answers, settle
from kit.load import REFUSED_IDS, Load, accounts
from kit.small_disk import SmallDisk
from kit.status import Status

ROUNDS, LONG_ROUNDS = 1, 10
SIZE = "8m"
JOURNAL_MAX_BYTES = {"pass": "64MiB", "tempfail": "16MiB"}  # never reached: one file takes the whole disk, or four do
RATE = 5000
FULL_SECONDS = 1
ROOM_SECONDS = 3  # with the collector back: what was lost is told each second until there is room


def fill_journal(daemons, status):
    """Ends the collector, and waits until the journal takes nothing more."""
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    error = wait_for(lambda: status.filter()["journal"].get("error"), 30, "the journal to find no room")
    check("No space left" in error, f"the journal's error: {error}")
    time.sleep(FULL_SECONDS)


def empty_journal(daemons, status):
    daemons.start_collector()
    wait_for(lambda: "error" not in status.filter()["journal"], 30, "the journal to keep records again")
    time.sleep(ROOM_SECONDS)


def fill_and_empty(bench, options, policy):
    """The records, what was answered, and the load's summary."""
    with SmallDisk(bench, policy, SIZE, FILTER_USER) as disk:
        daemons = Daemons(bench, options.build, listed=REFUSED_IDS, settings={"filter": {
            "journal_directory": str(disk.path), "journal_max_bytes": JOURNAL_MAX_BYTES[policy],
            "on_journal_full": policy}})
        status = Status(daemons, options.build)
        load = Load(bench, options.build, daemons.milter_socket, policy, rate=RATE, **accounts(options.seed))
        for _ in range(LONG_ROUNDS if options.long else ROUNDS):
            fill_journal(daemons, status)
            empty_journal(daemons, status)
        summary = load.stop()
        answers = read_answers(load)
        records = settle(daemons, [daemons], answers, 30, may_lose=True)
        records.check_against(answers)
    for folder in ("filter", "collector"):
        shutil.rmtree(bench.root / folder)  # the other policy begins anew
    return records, answers, summary


def test(bench, options):
    step(f"seed {options.seed}")
    records, answers, summary = fill_and_empty(bench, options, "pass")
    equal((summary["tempfail"], summary["broken"], summary["reconnects"]), (0, 0, 0),
          "pass: tempfail, broken, reconnects: what the MTA saw of the full disk")
    check(records.lost > 0, "pass: nothing was lost")
    step(f"pass: {records.losses} lines tell of {records.lost} messages without a record, as many as are missing")

    records, answers, summary = fill_and_empty(bench, options, "tempfail")
    check(answers.deferred, "tempfail: no message was answered 4xx")
    equal((summary["broken"], summary["reconnects"]), (0, 0), "tempfail: broken, reconnects")
    equal(records.lost, 0, "tempfail: messages without a record")
    step(f"tempfail: {len(answers.deferred)} messages deferred, none without a record")


run(test, long_limit=900)
