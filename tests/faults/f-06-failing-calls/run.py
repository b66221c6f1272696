#!/usr/bin/env python3
"""Each file call of the journal and of the logs fails in turn in the running daemons, once or for a while: no crash, no
hang, nothing twice, and nothing missing but what the log tells of. A daemon may refuse to start where it says why; the
next start finds everything.

The short form takes some of the failures, each call at least once; --long takes all of them.
"""

import collections
import errno
import os
import random
import shutil
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import COLLECTOR_USER, Failure, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from kit.failing_calls import FailingCall
from kit.load import REFUSED_IDS, Answers, Load, accounts
from kit.records import Records

SHORT_SECONDS = 22  # for each daemon
LARGEST_NUMBER = 8  # in the short form
TRIES = 3  # to reach a number: how many calls there are depends on how the load is gathered
MOST_FAILURES = 10
HANG = 5  # seconds that nothing may take: an answer, a start, an end, records after a failure
JOURNAL = "2MiB"
MESSAGES, CONNECTIONS, RECIPIENTS = 60, 20, 800  # more than one file of the journal holds; twice as much has room in all
STAYS = 1.2  # seconds that a failure lasts, a second try included
DAY = 86400

ERRORS = ["EIO", "ENOSPC", "EINTR"]
SHORT = ["pread", "write", "pwrite"]  # those that may do half of their work

Case = collections.namedtuple("Case", "call how stays")


class Scene:
    """Both daemons, one of which is restarted with a call that fails."""

    def __init__(self, bench, options):
        self.bench, self.options = bench, options
        self.outcomes = collections.Counter()
        self.loads = 0
        self.begin()

    def begin(self):
        self.daemons = Daemons(self.bench, self.options.build, listed=REFUSED_IDS, settings=self.settings())
        self.wait_until_serving(self.daemons.collector)
        self.answers = Answers()
        self.records = Records(self.daemons, self.may_lose)

    def begin_anew(self):
        self.bench.stop_all()
        for folder in ("filter", "collector"):
            shutil.rmtree(self.bench.root / folder)
        self.begin()

    def cases(self):
        return [Case(call, how, stays) for call in self.calls for how in ERRORS + ["short"] * (call in SHORT)
                for stays in (False, True) if not (stays and how == "EINTR")]  # a disk does not interrupt for ever

    def try_case(self, case, number):
        """Whether there were so many calls. The daemon is restarted with the fault, and then without."""
        lost = self.records.lost + self.records.lost_refusals + self.stop_with_work_to_do()
        fault = FailingCall(self.bench, self.options.build, self.below, case.call, case.how, number,
                            STAYS * case.stays)
        fault.arm()
        started = self.start(case.how, fault.environment)
        if started:
            self.load()
            self.records.wait_until_exact(self.answers, HANG)
            self.stop()
        self.start()
        if not started:
            self.load()
        self.records.wait_until_exact(self.answers, HANG)
        lost = self.records.lost + self.records.lost_refusals - lost
        check(case.stays or lost == 0, lambda: f"a single failure cost {lost} records")
        if fault.failed:
            self.outcomes["failures"] += 1
            self.outcomes["refused to start"] += not started
            self.outcomes["with losses"] += lost > 0
        return fault.failed

    def start(self, how="", environment=None):
        """False: it refuses, and says where and why.

        @param how  of the call that fails, if any
        """
        begin = time.monotonic()
        try:
            self.start_daemon(env=environment)
            self.wait_until_serving(self.process)
        except Failure:
            if self.process.alive():
                raise
        check(time.monotonic() - begin < HANG, "the start took too long")
        if self.process.alive():
            return True
        status, said = self.process.stop(), self.process.said()
        check(how in ERRORS and status > 0, f"it ended at its start with status {status}: {said}")
        check(str(self.below) in said and os.strerror(getattr(errno, how)) in said,
              f"it does not say why it does not start: {said}")
        return False

    @staticmethod
    def wait_until_serving(process):
        """Or ended. Its socket takes connections a little earlier."""
        wait_for(lambda: not process.alive() or "listening on" in process.said(), HANG, f"{process.name} to serve")

    def stop(self):
        begin = time.monotonic()
        equal(self.stop_daemon(), 0, f"the {self.name}'s exit status after TERM")
        check(time.monotonic() - begin < HANG, "the end took too long")

    def load(self):
        self.loads += 1
        load = Load(self.bench, self.options.build, self.daemons.milter_socket, f"load{self.loads}", messages=MESSAGES,
                    connections=CONNECTIONS, recipients=RECIPIENTS,
                    **{**accounts(self.options.seed + self.loads), "refused_share": 0.5})
        summary = load.finish(HANG, quiet=True)
        self.process.must_live()
        equal((summary["tempfail"], summary["broken"], summary["reconnects"]), (0, 0, 0),
              "tempfail, broken, reconnects")
        self.answers.read(load.answers_file)
        for file in (load.answers_file, load.output):
            file.unlink()


class FilterScene(Scene):
    """Each start finds records that are not sent yet, the last of them torn, and losses that are not told yet."""

    name, may_lose = "filter", True
    calls = ["mkdir", "stat", "open", "flock", "opendir", "readdir", "fstat", "pread", "pwrite", "fdatasync", "fsync",
             "ftruncate", "rename", "unlink"]

    def settings(self):
        return {"filter": {"journal_max_bytes": JOURNAL}}

    def begin(self):
        super().begin()
        self.below = Path(self.daemons.settings["filter"]["journal_directory"])

    def stop_with_work_to_do(self):
        """The number of losses that are not told yet."""
        equal(self.daemons.stop_collector(), 0, "the collector's exit status after TERM")
        self.load()
        self.stop()
        no_file = FailingCall(self.bench, self.options.build, self.below, "rename", "EIO", seconds=HANG)
        no_file.arm()
        self.start(environment=no_file.environment)
        self.load()
        self.stop()
        with open(max(self.below.glob("*.j1"), key=lambda path: path.name.partition("-")[2]), "ab") as newest:
            newest.write(b"half a rec")
        self.daemons.start_collector()
        self.wait_until_serving(self.daemons.collector)
        return MESSAGES

    @property
    def process(self):
        return self.daemons.filter

    def start_daemon(self, **how):
        self.daemons.start_filter(**how)

    def stop_daemon(self):
        return self.daemons.stop_filter()


class CollectorScene(Scene):
    """Each start finds a log of yesterday, which is renamed, and half a line in the other, which is cut."""

    name, may_lose = "collector", False
    calls = ["mkdir", "stat", "opendir", "readdir", "lstat", "open", "fchmod", "fstat", "pread", "write", "pwrite",
             "fdatasync", "fsync", "ftruncate", "rename", "renameat2"]

    def settings(self):
        self.below = self.bench.folder("collector/files", owner=COLLECTOR_USER)
        return {"collector": {name: str(self.below / path) for name, path in (
            ("stats_log", "stats.log"), ("rejects_log", "rejects.log"), ("state_directory", "state"))}}

    def begin(self):
        super().begin()
        self.daemons.stats_log.path = self.below / "stats.log"
        self.daemons.rejects_log.path = self.below / "rejects.log"
        self.records = Records(self.daemons)
        self.load()
        self.records.wait_until_exact(self.answers, HANG)

    def stop_with_work_to_do(self):
        self.stop()
        read = self.bench.folder("collector/read", owner=COLLECTOR_USER)
        for path in self.below.glob("*.log.*"):
            path.rename(read / f"{self.loads}-{path.name}")
        yesterday = time.time() - DAY
        os.utime(self.below / "stats.log", (yesterday, yesterday))
        with open(self.below / "rejects.log", "ab") as log:
            log.write(b"client_address:192.0.2")
        return 0

    @property
    def process(self):
        return self.daemons.collector

    def start_daemon(self, **how):
        self.daemons.start_collector(**how)

    def stop_daemon(self):
        return self.daemons.stop_collector()


def text_of(case, number):
    return f"{case.call} number {number}{' and those after it' * case.stays}: {case.how}"


def try_some(scene, rng):
    """Each call at least once, and more while there is time."""
    def one_of(calls):
        case = rng.choice([case for case in scene.cases() if case.call in calls])
        number = rng.randint(1, LARGEST_NUMBER)
        while not attempt(scene, case, number):
            number //= 2
            check(number > 0, f"{case.call} is never called")
    end = time.monotonic() + SHORT_SECONDS
    for call in scene.calls:
        one_of([call])
    while time.monotonic() < end:
        one_of(scene.calls)


def attempt(scene, case, number):
    try:
        return scene.try_case(case, number)
    except Failure as failure:
        raise Failure(f"{scene.name}, {text_of(case, number)}: {failure}") from failure


def try_all(scene):
    """The failures that were not survived."""
    failures = []
    for case in scene.cases():
        scene.begin_anew()
        number, misses, before = 1, 0, scene.outcomes.copy()
        while misses < TRIES and len(failures) < MOST_FAILURES:
            try:
                reached = attempt(scene, case, number)
            except Failure as failure:
                failures.append(str(failure))
                print(f"NOT SURVIVED: {failure}", flush=True)
                scene.bench.show_logs()
                scene.begin_anew()
                reached = True
            number, misses = (number + 1, 0) if reached else (number, misses + 1)
        check(number > 1, f"{case.call} is never called")
        step(f"{scene.name}, {text_of(case, f'1 to {number - 1}')}: {dict(scene.outcomes - before)}")
    return failures


def test(bench, options):
    step(f"seed {options.seed}")
    failures = []
    for make in (FilterScene, CollectorScene):
        scene = make(bench, options)
        if options.long:
            failures += try_all(scene)
        else:
            try_some(scene, random.Random(options.seed))
        scene.records.check_against(scene.answers)
        step(f"{scene.name}: {dict(scene.outcomes)}")
        bench.stop_all()
        for folder in ("filter", "collector"):
            shutil.rmtree(bench.root / folder)
    equal(failures, [], "failures that were not survived")


run(test, long_limit=3600)
