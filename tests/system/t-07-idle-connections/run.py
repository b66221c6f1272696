#!/usr/bin/env python3
"""A thousand idle milter connections do not delay a new message."""

import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta
from harness.postfix import Postfix
from harness.smtp import Submission

IDLE = 1000


def message_times(postfix, count=30):
    times = []
    for _ in range(count):
        start = time.monotonic()
        with Submission(postfix.submission, "alice") as session:
            equal(session.send()[0], 250, "answer")
        times.append(time.monotonic() - start)
    return times


def idle_connections(daemons):
    """Idle in every place where a connection can idle: before and after negotiation, in a message, in a packet."""
    connections = []
    for n in range(IDLE):
        mta = MilterMta(daemons.milter_socket, negotiate=n % 5 != 0)
        if n % 5 in (2, 3, 4):
            equal(mta.mail("<a@example.org>", "alice"), CONTINUE, "reply to MAIL")
        if n % 5 == 3:
            mta.rcpt("<b@example.com>")
        if n % 5 == 4:
            mta.socket.sendall(b"\0\0\1\0R<half a packet")
        connections.append(mta)
    return connections


def test(bench, options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    daemons = Daemons(bench, options.build, settings={"filter": {"negotiate_timeout": "10m", "packet_timeout": "10m"}})
    postfix = Postfix(bench, daemons.postfix_milter)
    message_times(postfix, 5)  # Postfix starts its processes
    usual = message_times(postfix)
    connections = idle_connections(daemons)
    step(f"{len(connections)} idle connections are open")
    crowded = message_times(postfix)
    median, slowest = statistics.median(crowded), max(crowded)
    step(f"message: median {median * 1000:.1f} ms, slowest {slowest * 1000:.1f} ms"
         f" (alone {statistics.median(usual) * 1000:.1f} ms)")
    check(median <= statistics.median(usual) * 2 + 0.01, "messages are slower beside idle connections")
    check(slowest <= max(usual) + 0.5, "a message stalled beside idle connections")
    for mta in connections[1::5]:
        equal(mta.send(), CONTINUE, "a message on a connection that idled")
    step("connections that idled are served")
    for mta in connections:
        mta.socket.close()
    message_times(postfix, 3)
    daemons.filter.must_live()


run(test)
