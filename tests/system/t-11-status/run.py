#!/usr/bin/env python3
"""smtpauthctl status: anybody may ask, and what it says of both daemons is what was sent to them."""

import contextlib
import os
import pwd
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import DOVECOT_LOGIN_USER, wait_for
from harness.case import check, equal, run, step
from harness.ctl import Ctl
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta

STRANGER = DOVECOT_LOGIN_USER  # neither root nor a daemon's user, in no group of theirs


def counting(daemons, ctl):
    with MilterMta(daemons.milter_socket) as mta:
        for n in range(3):
            equal(mta.send(queue_id=f"GOOD{n}"), CONTINUE, "reply to end of message")
        mta.send("spammer")
        equal(ctl.filter()["connections"], 1, "connections")
        equal(ctl.filter()["messages"], {"passed": 3, "refused": 1}, "messages")
    wait_for(lambda: ctl.filter()["records"]["acknowledged"] == 4, 5, "four acknowledged records")
    found = ctl.filter()
    equal(found["records"], {"journaled": 4, "sent": 4, "acknowledged": 4, "waiting": 0}, "records")
    equal(found["lost"], {"messages": 0, "others": 0}, "losses")
    check(found["collector"]["connected"], "the filter is not connected")
    equal(found["pid"], daemons.filter.pid, "pid")

    found = ctl.collector()
    equal((found["stats_log"]["records"], found["rejects_log"]["records"]), (3, 1), "records in the logs")
    peer = found["filters"][0]
    equal((peer["instance"], peer["last_received"], peer["last_acknowledged"]), ("smtpauth-filter", 4, 4), "the filter")
    step("the figures are what was sent")


def a_stranger(daemons, ctl):
    status, text, said = ctl.status(user=STRANGER)
    equal((status, said), (0, ""), "status for a user without rights")
    check("smtpauth-filter\n" in text and "smtpauth-log-collector\n" in text and "passed 3, refused 1" in text, text)
    step("anybody may look")


@contextlib.contextmanager
def crowd(path, user):
    """A process of that user that holds as many connections as it gets."""
    ready, done = os.pipe(), os.pipe()
    if not (child := os.fork()):
        try:
            os.close(done[1])
            os.setgroups([])
            os.setgid(pwd.getpwnam(user).pw_gid)
            os.setuid(pwd.getpwnam(user).pw_uid)
            held = [socket.socket(socket.AF_UNIX) for _ in range(30)]
            for connection in held:
                connection.connect(path)
            os.write(ready[1], b"x")
            os.read(done[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    try:
        equal(os.read(ready[0], 1), b"x", "the crowd's sign that it is there")
        yield
    finally:
        os.close(ready[0])
        for end in done:
            os.close(end)
        os.waitpid(child, 0)


def crowded(daemons, ctl):
    with crowd(daemons.settings["filter"]["control"].removeprefix("unix:"), STRANGER):
        status, text, _ = ctl.status(user=STRANGER)
        check(status == 1 and "connections are open already" in text, f"a stranger beside a crowd: {status} {text}")
        equal(ctl.status()[0], 0, "root's status beside a crowd")
        with MilterMta(daemons.milter_socket) as mta:
            equal(mta.send(queue_id="CROWD"), CONTINUE, "a message beside a crowd")
    step("a crowd at the control socket keeps administrators from nothing")


def one_down(daemons, ctl):
    wait_for(lambda: ctl.filter()["records"]["waiting"] == 0, 10, "what was sent before to be acknowledged")
    daemons.stop_collector()
    with MilterMta(daemons.milter_socket) as mta:
        mta.send(queue_id="WAITS")
    status, text, _ = ctl.status()
    equal(status, 1, "exit status without collector")
    check("smtpauth-log-collector does not answer at" in text, text)
    found = ctl.filter()
    equal((found["records"]["waiting"], found["collector"]["connected"]), (1, False), "waiting, connected")
    wait_for(lambda: "oldest_waiting_s" in ctl.filter()["records"], 10, "the age of the oldest record")
    check("error" in found["collector"], "not told why there is no collector")
    check(any("collector at" in p["text"] and p["level"] == "error" for p in found["problems"]), found["problems"])
    step("a daemon that is down is said so, and the other tells what waits for it")

    daemons.start_collector()
    wait_for(lambda: ctl.filter()["records"]["waiting"] == 0, 10, "the record that waited")
    equal(ctl.collector()["stats_log"], {"file": str(daemons.stats_log.path), "records": 1, "duplicates_dropped": 0},
          "the new collector's stats log")
    step("once it is back, nothing waits")


def wrong_use(daemons, ctl):
    equal(ctl("--version")[0], 0, "--version")
    check("status" in ctl("--help")[1], "--help names the commands")
    equal(ctl("status", "--help")[0], 0, "status --help")
    for line in ((), ("frobnicate",), ("status", "-x"), ("status", "stray")):
        equal(ctl(*line)[0], 64, f"exit status of {line}")
    equal(ctl("status", "-c", "/nonexistent")[0], 78, "exit status without configuration")
    step("sysexits for a wrong line and a wrong configuration")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    ctl = Ctl(daemons, options.build)
    counting(daemons, ctl)
    a_stranger(daemons, ctl)
    crowded(daemons, ctl)
    one_down(daemons, ctl)
    wrong_use(daemons, ctl)


run(test)
