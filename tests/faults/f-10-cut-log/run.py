#!/usr/bin/env python3
"""The logs are cut while the collector is down. In the end that was not acknowledged: each record stands there
afterwards, once. Before it, or edited: the collector says where, and no line comes twice."""

import os
import random
import signal
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.stats_log import parse_line
from kit.chaos import of_collector
from kit.ending import read_answers, settle
from kit.load import RATE, REFUSED_IDS, Load, accounts
from kit.status import Status

CUTS, LONG_CUTS = 30, 200
MOST_KILLS = 20  # for each cut: not each kill leaves lines that were not acknowledged
LONGEST = 0.3  # seconds between a start and a kill
ACKNOWLEDGED_LINES = 20  # of the cut before the acknowledged end


def number_of(line):
    return int(parse_line(line)["id"].partition("-")[2])


def unacknowledged_end(path, acknowledged):
    """The offset of the first line that was not acknowledged, and the size. One filter's lines, so they ascend."""
    octets = path.read_bytes()
    size = begin = octets.rfind(b"\n") + 1
    while begin > 0:
        before = octets.rfind(b"\n", 0, begin - 1) + 1
        if number_of(octets[before:begin - 1]) <= acknowledged:
            break
        begin = before
    return begin, size


class Cutter:
    """Kills the collector, cuts what the filter still has of both logs' ends, and starts it again."""

    def __init__(self, daemons, status, rng):
        self.daemons, self.status, self.random = daemons, status, rng
        self.stop, self.start = of_collector(daemons)
        self.kills, self.octets = 0, []

    def once(self):
        time.sleep(self.random.uniform(0, LONGEST))
        equal(self.stop(signal.SIGKILL), -signal.SIGKILL, "exit status")
        self.kills += 1
        wait_for(lambda: not self.status.filter()["collector"]["connected"], 5, "the filter to see it")
        acknowledged = self.status.filter()["records"]["acknowledged"]
        for log in (self.daemons.stats_log, self.daemons.rejects_log):
            self._cut(log.path, acknowledged)
        self.start()

    def _cut(self, path, acknowledged):
        begin, size = unacknowledged_end(path, acknowledged)
        if begin < size:
            to = self.random.randrange(begin, size)
            os.truncate(path, to)
            self.octets.append(size - to)

    def times(self, count):
        while len(self.octets) < count:
            check(self.kills < count * MOST_KILLS, f"only {len(self.octets)} ends to cut in {self.kills} kills")
            self.once()


def cut_unacknowledged(bench, options, daemons, status):
    load = Load(bench, options.build, daemons.milter_socket, "cut", rate=RATE, **accounts(options.seed))
    cutter = Cutter(daemons, status, random.Random(options.seed))
    cutter.times(LONG_CUTS if options.long else CUTS)
    load.stop()
    step(f"{cutter.kills} kills; {len(cutter.octets)} ends cut, by {min(cutter.octets)} to {max(cutter.octets)} octets")
    return load


def between(daemons, status, mischief):
    """With everything acknowledged and the collector down. What it said at its start, and mischief's result."""
    wait_for(lambda: status.filter()["records"]["waiting"] == 0, 20, "all records to be acknowledged")
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    found = mischief(daemons.stats_log.path)
    of_collector(daemons)[1]()
    ours = f"[{daemons.collector.pid}]: "
    return [line for line in daemons.log_text("collector").splitlines() if ours in line], found


def must_say(said, text):
    check(any(text in line for line in said), lambda: f"the collector did not say {text!r} but {said}")
    step(f"said: {text}")


def cut_lines(path):
    """Inside a line. The size that the file had, the offset of that line, the queue ids that are gone."""
    octets = path.read_bytes()
    lines = octets.splitlines(keepends=True)[-ACKNOWLEDGED_LINES:]
    begin = len(octets) - sum(map(len, lines))
    os.truncate(path, begin + len(lines[0]) // 2)
    return len(octets), begin, [parse_line(line[:-1])["queue_id"] for line in lines]


def edit_lines(path):
    """One is written over, one has zeros in it. The octets that were there, and the first offset."""
    octets = path.read_bytes()
    lines = octets.splitlines(keepends=True)
    first, second = len(lines) // 3, len(lines) // 2
    edited = lines[:]
    edited[first] = b"edited by hand".ljust(len(lines[first]) - 1) + b"\n"
    edited[second] = bytes(20) + lines[second][20:]
    with open(path, "r+b") as file:
        file.write(b"".join(edited))
    return octets, sum(map(len, lines[:first]))


def more_mail(bench, options, daemons, name):
    load = Load(bench, options.build, daemons.milter_socket, name, messages=2000, **accounts(options.seed))
    load.finish(30)
    return load


def test(bench, options):
    step(f"seed {options.seed}")
    daemons = Daemons(bench, options.build, listed=REFUSED_IDS)
    status = Status(daemons, options.build)
    path = daemons.stats_log.path
    loads = [cut_unacknowledged(bench, options, daemons, status)]

    said, (size, begin, gone) = between(daemons, status, cut_lines)
    must_say(said, f"{path}: ends at offset ")
    must_say(said, f"but {size} octets were acknowledged")
    must_say(said, f" octets at offset {begin}, an unfinished line")
    loads.append(more_mail(bench, options, daemons, "after-cut"))

    said, (octets, offset) = between(daemons, status, edit_lines)
    must_say(said, f"{path}: 2 lines are not as this program writes them, the first at offset {offset}")
    loads.append(more_mail(bench, options, daemons, "after-edit"))
    wait_for(lambda: status.filter()["records"]["waiting"] == 0, 20, "all records to be acknowledged")
    with open(path, "r+b") as file:
        file.write(octets)

    answers = read_answers(*loads)
    answers.passed.difference_update(gone)
    settle(daemons, [daemons], answers, 30).check_against(answers)
    step(f"{len(gone)} lines were cut that had been acknowledged; the others stand there once")


run(test)
