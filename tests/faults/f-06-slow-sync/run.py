#!/usr/bin/env python3
"""The journal's disk takes 12 s for one sync: a real Sendmail, which gives a filter up that is silent for 10 s, is kept
patient. The message is accepted once and logged once, and the filter says that the disk is slow."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta
from harness.sendmail import PARENT, Sendmail
from harness.smtp import Submission, queue_id
from kit.failing_calls import FailingCall

SLOW = 12  # seconds; Sendmail waits 10 for each answer (R in its T=)
SILENCE = 8  # seconds between two answers, at most
QUICK = 5  # seconds that all else takes, at most
JOURNAL, FILE = "1MiB", 256 * 1024  # its size, and that of one of its files


def submit(sendmail, shortest=0):
    """The queue id."""
    with Submission(sendmail.submission, "alice") as session:
        begin = time.monotonic()
        answer = session.send()
        seconds = time.monotonic() - begin
    equal(answer[0], 250, f"Sendmail's answer {answer} after {seconds:.1f} s")
    check(shortest <= seconds < shortest + QUICK, f"Sendmail's answer took {seconds:.1f} s")
    return queue_id(answer)


def send_behind_it(daemons, sync):
    """A session of another MTA, whose end of message comes while the disk works."""
    wait_for(lambda: sync.failed, QUICK, "the journal to be synced")
    with MilterMta(daemons.milter_socket, timeout=SILENCE) as mta:
        return mta.send(queue_id="behind")


def wait_until_prepared(daemons):
    """The journal's thread has nothing to sync but records."""
    spare = Path(daemons.settings["filter"]["journal_directory"]) / "next"
    wait_for(lambda: spare.exists() and spare.stat().st_size == FILE, QUICK, "the next file of the journal")


def start(bench, options):
    daemons = Daemons(bench, options.build, settings={"filter": {"journal_max_bytes": JOURNAL}})
    sync = FailingCall(bench, options.build, daemons.settings["filter"]["journal_directory"], "fdatasync", SLOW)
    wait_until_prepared(daemons)
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    daemons.start_filter(env=sync.environment)
    return daemons, sync


def test(bench, options):
    daemons, sync = start(bench, options)
    sendmail = Sendmail(bench, f"unix:{daemons.milter_socket}")
    ids = [submit(sendmail)]
    wait_until_prepared(daemons)
    sync.arm()
    with ThreadPoolExecutor() as pool:
        behind = pool.submit(send_behind_it, daemons, sync)
        ids.append(submit(sendmail, SLOW))
    ids.append(submit(sendmail))
    equal(behind.result(), CONTINUE, "the last answer to the session behind it")
    step(f"one sync took {SLOW} s, and Sendmail and another MTA waited for it")

    lines = daemons.stats_log.wait_for_count(4, QUICK)
    equal(sorted(line["queue_id"] for line in lines), sorted([*ids, "behind"]), "the messages in the log")
    equal(daemons.rejects_log.lines(), [], "lines of messages that did not pass")
    queue = [path.name for path in (bench.root / "sendmail/queue").glob("qf*")]
    equal(sorted(queue), sorted("qf" + sent for sent in ids), "Sendmail's queue")
    step("each stands once in the log and in the queue")

    said = [line for line in daemons.log_text("filter").splitlines() if "the disk is slow" in line]
    equal(len(said), 1, f"lines of the filter's about the disk: {said}")
    step(said[0].partition(": ")[2])
    equal(daemons.stop_filter(), 0, "the filter's exit status after TERM")
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")


run(test, parent=PARENT)
