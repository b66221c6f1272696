#!/usr/bin/env python3
"""The disk of the logs is filled up and freed under load: the collector waits for room, and each record comes once."""

import random
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import COLLECTOR_USER, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.stats_log import StatsLog
from kit.ending import read_answers, settle
from kit.load import REFUSED_IDS, Load, accounts
from kit.small_disk import SmallDisk
from kit.status import Status

ROUNDS, LONG_ROUNDS = 5, 50
SIZE, LONG_SIZE = "2m", "16m"  # what all records of the run take, twice
RATE = 300
LONGEST_ROOM, LONGEST_FULL = 0.5, 2  # seconds


def acknowledged(status):
    return status.filter()["records"]["acknowledged"]


def fill_and_free(daemons, status, disk, seconds):
    """Records that waited for room."""
    disk.fill()
    wait_for(lambda: "logs_cannot_be_written" in status.collector(), 10, "the collector to find no room")
    time.sleep(0.1)  # for the last acknowledgement on its way
    before = acknowledged(status)
    time.sleep(seconds)
    equal(acknowledged(status), before, "the last acknowledged record, on a full disk")
    daemons.collector.must_live()
    waiting = status.filter()["records"]["waiting"]
    disk.free()
    wait_for(lambda: acknowledged(status) > before and "logs_cannot_be_written" not in status.collector(), 10,
             "acknowledgements once there is room")
    return waiting


def logs_on(disk):
    """Settings, and what reads the files."""
    logs = StatsLog(disk.path / "stats.log"), StatsLog(disk.path / "rejects.log")
    return {"collector": {"stats_log": str(logs[0].path), "rejects_log": str(logs[1].path)}}, logs


def test(bench, options):
    step(f"seed {options.seed}")
    rng = random.Random(options.seed)
    with SmallDisk(bench, "logs", LONG_SIZE if options.long else SIZE, COLLECTOR_USER) as disk:
        settings, logs = logs_on(disk)
        daemons = Daemons(bench, options.build, listed=REFUSED_IDS, settings=settings)
        daemons.stats_log, daemons.rejects_log = logs
        status = Status(daemons, options.build)
        load = Load(bench, options.build, daemons.milter_socket, rate=RATE, **accounts(options.seed))
        waited = []
        for _ in range(LONG_ROUNDS if options.long else ROUNDS):
            time.sleep(rng.uniform(0, LONGEST_ROOM))
            waited.append(fill_and_free(daemons, status, disk, rng.uniform(0.1, LONGEST_FULL)))
        summary = load.stop()
        step(f"{len(waited)} times without room, {min(waited)} to {max(waited)} records waited; "
             f"{disk.octets_free()} octets are free at the end")
        equal((summary["tempfail"], summary["broken"], summary["reconnects"]), (0, 0, 0),
              "tempfail, broken, reconnects: what the MTA saw of the full disk")
        check(min(waited) > 0, "nothing waited for room")

        answers = read_answers(load)
        settle(daemons, [daemons], answers, 30).check_against(answers)


run(test)
