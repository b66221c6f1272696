#!/usr/bin/env python3
"""After known traffic the sum over stats.rrd's minutes is the number of recipients sent, and it can be drawn.

Two minutes of traffic; ten with --long.
"""

import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta
from harness.rrd import graph, per_minute, total


def traffic(daemons, seconds):
    """Messages of one to nine recipients, and one every second that is refused. {end of minute: recipients}."""
    minutes = {}
    end = time.time() + seconds
    n = 0
    while time.time() < end:
        with MilterMta(daemons.milter_port) as mta:
            equal(mta.send("spammer")[0], "y", "reply to the listed account")
        for _ in range(5):
            n += 1
            with MilterMta(daemons.milter_port) as mta:
                equal(mta.send(recipients=[f"<r{i}@example.com>" for i in range(n % 9 + 1)], queue_id=f"R{n}"),
                      CONTINUE, "reply to end of message")
            minute = int(time.time()) // 60 * 60 + 60
            minutes[minute] = minutes.get(minute, 0) + n % 9 + 1
        time.sleep(1)
    return n, minutes


def test(bench, options):
    daemons = Daemons(bench, options.build, settings={"collector": {"rrd_delay": "1s"}})
    start = time.time()
    messages, minutes = traffic(daemons, 600 if options.long else 75)
    recipients = sum(minutes.values())
    lines = daemons.stats_log.wait_for_count(messages, 5)
    equal(sum(len(line["recipient"]) for line in lines), recipients, "recipients in stats.log")
    step(f"{messages} messages to {recipients} recipients in {len(minutes)} minutes")

    now = time.time
    wait_for(lambda: total(daemons.rrd, "sent", start, now()) >= recipients, 66,
             lambda: f"{recipients} recipients in stats.rrd, found {per_minute(daemons.rrd, 'sent', start, now())}")
    equal(total(daemons.rrd, "sent", start, now()), recipients, "sum of sent over stats.rrd")
    equal(total(daemons.rrd, "recv", start, now()), messages, "sum of recv over stats.rrd")
    found = {minute: round(count) for minute, count in per_minute(daemons.rrd, "sent", start, now()).items() if count}
    # A message at the very end of a minute may count in the next by its end-of-message time's rounding.
    for minute, count in minutes.items():
        check(abs(found.get(minute, 0) - count) <= 9, f"minute {minute}: found {found}, expected {minutes}")
    check(daemons.rrd.stat().st_size <= 2 * 1024 * 1024, f"stats.rrd has {daemons.rrd.stat().st_size} bytes")
    step(f"stats.rrd has them all, in {daemons.rrd.stat().st_size} bytes")

    png = graph(daemons.rrd, bench.root / "traffic.png")
    check(png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and png.stat().st_size > 5000, "no PNG was drawn")
    out = Path(__file__).with_name("out")
    out.mkdir(exist_ok=True)
    step(f"graph: {shutil.copy(png, out)}")


run(test, limit=170)
