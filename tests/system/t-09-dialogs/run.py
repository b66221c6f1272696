#!/usr/bin/env python3
"""The dialogs and the recorded conversations of real MTAs, played to the running filter, by UNIX socket and by TCP."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import PROJECT
from harness.case import check, equal, run, step
from harness.daemons import Daemons


def play(options, *arguments):
    return subprocess.run([PROJECT / options.build / "tests/milter_play", *arguments], capture_output=True, text=True,
                          timeout=60)


def test(bench, options):
    dialogs = sorted((PROJECT / "tests/dialogs").glob("*.milter"))
    captures = sorted((PROJECT / "tests/captures").glob("*/*.jsonl"))
    check(dialogs and captures, "nothing to play")
    listed = play(options, "--reject-ids", *dialogs).stdout.splitlines()
    daemons = Daemons(bench, options.build, listed=listed,
                      settings={"filter": {"reject_text": "5.7.1 This account may not send mail"}})
    for socket in (f"unix:{daemons.milter_socket}", "inet:%s:%d" % daemons.milter_port):
        done = play(options, socket, *dialogs, *captures)
        equal((done.returncode, [l for l in done.stdout.splitlines() if l.startswith("FAIL")]), (0, []),
              f"milter_play {socket} ({done.stderr})")
        step(f"{socket}: {done.stdout.splitlines()[-1]}, {done.stdout.count('SKIP')} need other settings")
        daemons.filter.must_live()
    check(daemons.stats_log.lines() and daemons.rejects_log.lines(), "nothing was logged")
    daemons.collector.must_live()


run(test)
