#!/usr/bin/env python3
"""HUP, USR1 and TERM: no session is dropped, no message in flight is harmed, no line is lost."""

import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import PROJECT, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta
from harness.postfix import Postfix
from harness.smtp import Submission, message, queue_id


def refusal_text(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        return mta.mail("<a@example.org>", "spammer")[1]


def checking(daemons):
    for program in (daemons.filter_program, daemons.collector_program):
        equal(daemons.check_config(program)[0], 0, f"{program} -n on a good configuration")
        equal(daemons.check_config(program, PROJECT / "packaging/smtpauth.toml"), (0, ""), "-n on the sample")
    good = daemons.config_file.read_text()
    daemons.config_file.write_text(good + "[nonsense]\nx = 1\n")
    for program in (daemons.filter_program, daemons.collector_program):
        status, said = daemons.check_config(program)
        equal(status, 78, f"{program} -n on a bad configuration")
        check(f"{daemons.config_file}:" in said and "nonsense" in said, f"the mistake is not named: {said}")
    daemons.config_file.write_text(good)
    step("-n: 0 for a good configuration, 78 and the line for a bad one")


def reloading(postfix, daemons):
    with Submission(postfix.submission, "alice") as session:
        equal(session.mail()[0], 250, "MAIL before the reload")
        daemons.configure({"filter": {"reject_text": "5.7.0 Account closed"}})
        daemons.filter.send_signal(signal.SIGHUP)
        wait_for(lambda: refusal_text(daemons) == b"550 5.7.0 Account closed\0", 2, "the new reject_text")
        equal(session.rcpt("bob@example.com")[0], 250, "RCPT after the reload")
        answer = session.data(message())
        equal(answer[0], 250, "a message that was under way in the reload")
        daemons.stats_log.wait_for_one(1, queue_id=queue_id(answer))
        equal(session.send()[0], 250, "the next message in that session")
    step("HUP with a good configuration: it holds, and the session that was open goes on")

    daemons.configure({"filter": {"reject_text": "", "drain_timeout": "soon"}})
    daemons.filter.send_signal(signal.SIGHUP)
    daemons.collector.send_signal(signal.SIGHUP)
    wait_for(lambda: "drain_timeout" in daemons.log_text("filter"), 2, "the filter's complaint")
    equal(refusal_text(daemons), b"550 5.7.0 Account closed\0", "reject_text after a bad reload")
    with Submission(postfix.submission, "alice") as session:
        daemons.stats_log.wait_for_one(1, queue_id=queue_id(session.send()))
    del daemons.settings["filter"]["drain_timeout"]
    daemons.configure({"filter": {"reject_text": "5.7.1 Access denied"}})
    step("HUP with a bad configuration: the old one stays, and the mistake is logged")


def rotation_by_others(daemons):
    """rename + USR1 while records arrive: every one is in one of the files."""
    path = daemons.stats_log.path
    before = len(daemons.stats_log.raw_lines())
    with MilterMta(daemons.milter_socket) as mta:
        for n in range(600):
            equal(mta.send(queue_id=f"ROT{n}"), CONTINUE, "reply to end of message")
            if n in (200, 400):
                path.rename(path.with_name(f"moved.{n}"))
                daemons.collector.send_signal(signal.SIGUSR1)

    def written():
        files = [path.with_name("moved.200"), path.with_name("moved.400"), path]
        return sum(f.read_bytes().count(b"\n") for f in files if f.exists())
    wait_for(lambda: written() >= before + 600, 5, lambda: f"600 lines in three files, found {written() - before}")
    time.sleep(0.2)
    equal(written(), before + 600, "lines in all files")
    check(path.exists() and path.stat().st_size > 0, "no new stats.log after USR1")
    equal(path.stat().st_mode & 0o777, 0o640, "mode of stats.log")
    step("USR1 after a rename: a new file, and no line lost or twice")


def draining(daemons):
    idle = MilterMta(daemons.milter_socket)
    open_message = MilterMta(daemons.milter_socket)
    equal(open_message.mail("<alice@example.org>", "alice"), CONTINUE, "reply to MAIL")
    daemons.filter.send_signal(signal.SIGTERM)
    wait_for(lambda: idle.socket.recv(1) == b"", 2, "the idle connection to be closed")
    check(daemons.filter.alive(), "the filter ended with a message open")
    open_message.rcpt("<bob@example.com>")
    equal(open_message.content(queue_id="DRAINED"), CONTINUE, "reply to the message that was open")
    wait_for(lambda: not daemons.filter.alive(), 5, "the filter to end")
    equal(daemons.filter.popen.returncode, 0, "the filter's exit status")
    daemons.stats_log.wait_for_one(1, queue_id="DRAINED")
    check(not daemons.milter_socket.exists(), "the socket file is still there")
    step("TERM: the message that was open is finished and logged, idle connections end, status 0")

    daemons.start_filter()
    with MilterMta(daemons.milter_socket) as mta:
        equal(mta.send(queue_id="AFTER"), CONTINUE, "a message after the restart")
    daemons.stats_log.wait_for_one(1, queue_id="AFTER")
    daemons.stop_filter(signal.SIGKILL)
    daemons.start_filter()
    with MilterMta(daemons.milter_socket) as mta:
        equal(mta.send(queue_id="AFTERKILL"), CONTINUE, "a message after a kill")
    daemons.stats_log.wait_for_one(1, queue_id="AFTERKILL")
    step("a stale socket file is replaced")
    second = daemons.bench.start("second-filter", [daemons.filter_program, "-c", daemons.config_file])
    wait_for(lambda: not second.alive(), 5, "a second filter to give up")
    check(second.popen.returncode != 0, "a second filter started on a live socket")
    with MilterMta(daemons.milter_socket) as mta:
        equal(mta.send(queue_id="STILL"), CONTINUE, "a message after the second filter's start")
    step("a live socket is an error for the second")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    checking(daemons)
    postfix = Postfix(bench, daemons.postfix_milter)
    reloading(postfix, daemons)
    rotation_by_others(daemons)
    draining(daemons)


run(test)
