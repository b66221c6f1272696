#!/usr/bin/env python3
"""The collector may be down, hang or be killed: mail flows at the same pace, and each record arrives once."""

import signal
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta
from harness.postfix import Postfix
from harness.smtp import Submission, queue_id

BATCH = 60


def send_by_postfix(postfix, count):
    """The queue ids, and the seconds that each message took."""
    ids, times = [], []
    with Submission(postfix.submission, "alice") as session:
        for _ in range(count):
            start = time.monotonic()
            answer = session.send()
            times.append(time.monotonic() - start)
            equal(answer[0], 250, "answer")
            ids.append(queue_id(answer))
    return ids, times


def each_once(daemons, sent, seconds=15):
    lines = daemons.stats_log.wait_for_count(len(sent), seconds)
    equal(sorted(line["queue_id"] for line in lines), sorted(sent), "queue ids in stats.log")
    equal(len({line["id"] for line in lines}), len(lines), "different ids in stats.log")


def not_slower(times, usual, when):
    median, slowest = statistics.median(times), max(times)
    step(f"{when}: median {median * 1000:.1f} ms, slowest {slowest * 1000:.1f} ms"
         f" (usual {statistics.median(usual) * 1000:.1f} ms)")
    check(median <= statistics.median(usual) * 2 + 0.005, f"mail is slower with the collector {when}")
    check(slowest <= max(usual) + 0.5, f"a message stalled with the collector {when}")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    postfix = Postfix(bench, daemons.postfix_milter)
    send_by_postfix(postfix, 5)  # Postfix starts its processes
    sent, usual = send_by_postfix(postfix, BATCH)
    sent = [line["queue_id"] for line in daemons.stats_log.wait_for_count(BATCH + 5, 5)]

    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    ids, times = send_by_postfix(postfix, BATCH)
    sent += ids
    not_slower(times, usual, "stopped")
    daemons.start_collector()
    each_once(daemons, sent)
    step("collector started again: each record once")

    daemons.collector.send_signal(signal.SIGSTOP)
    ids, times = send_by_postfix(postfix, BATCH)
    sent += ids
    not_slower(times, usual, "hanging")
    daemons.collector.send_signal(signal.SIGCONT)
    each_once(daemons, sent)
    step("collector woken: each record once")

    # Killed while records arrive, several times.
    with MilterMta(daemons.milter_socket) as mta:
        for n in range(3000):
            name = f"KILL{n}"
            equal(mta.send(queue_id=name), CONTINUE, "reply to end of message")
            sent.append(name)
            if n % 1000 == 500:
                daemons.stop_collector(signal.SIGKILL)
            if n % 1000 == 600:
                daemons.start_collector()
    each_once(daemons, sent)
    equal(daemons.rejects_log.raw_lines(), [], "lines in rejects.log (losses)")
    step("collector killed three times in 3,000 messages: each record once")
    daemons.filter.must_live()


run(test)
