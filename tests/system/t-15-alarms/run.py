#!/usr/bin/env python3
"""Alarms: one mail and one hook call per incident, with what an administrator needs, and a closing note; a mail host that is
down and a collector that is killed lose none."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import COLLECTOR_USER, wait_for
from harness.case import check, equal, run, step
from harness.ctl import Ctl
from harness.daemons import Daemons
from harness.mail_sink import NAME, MailSink
from harness.postfix import Postfix
from harness.smtp import Submission, queue_id

LIMIT, REFUSED, SOME = 3, 1000, 100
GATHER, QUIET = 4, 5
TO = ["postmaster@example.com", "night-shift@example.net"]
SPACED = ("alice@example.org", "bob@example.com", "eve@example.com")


class Hook:
    """A program that keeps what it reads, and what it was told that it had read."""

    def __init__(self, bench):
        self.folder = bench.folder("hook", owner=COLLECTOR_USER)
        self.program = self.folder / "hook"
        self.program.write_text('#!/bin/sh\ncat >"$1/$$.new" && mv "$1/$$.new" "$1/$(date +%s.%N).json" && echo "kept $2"\n')
        self.program.chmod(0o755)
        self.argv = [str(self.program), str(self.folder), "$(touch /tmp/never); 'x'"]

    def calls(self):
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    def alarms(self, **members):
        """All alarms of all calls that have these members."""
        return [alarm for call in self.calls() for alarm in call["alarms"]
                if all(alarm.get(name) == value for name, value in members.items())]


def flood(postfix, account, refused, client=None):
    """Sends what the limit allows, then tries in vain. Queue ids, and the seconds that the tries took."""
    with Submission(postfix.submission, account, client=client) as session:
        answers = []
        for _ in range(LIMIT):
            answers.append(session.send(recipients=SPACED[1:]))
            session.reset()
        equal([code for code, _ in answers], [250] * LIMIT, f"answers to {account} within its limit")
        begin = time.monotonic()
        codes = {session.mail()[0] for _ in range(refused)}
        equal(codes, {450}, f"answers to {account} beyond its limit")
        return [queue_id(answer) for answer in answers], time.monotonic() - begin


def run_in_shell(bench, commands):
    """What the programs that an alarm proposes are called with, by a shell: their arguments and inputs."""
    folder = bench.folder("fake")
    for name in ("postsuper", "smtpauthctl"):
        (folder / name).write_text('#!/bin/sh\nfor a in "$0" "$@"; do printf "%s\\n" "${a##*/}"; done\n'
                                   '[ "$2" != - ] || cat\n')
        (folder / name).chmod(0o755)
    done = subprocess.run(["sh", "-euc", commands], capture_output=True, text=True, timeout=10,
                          env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"))
    equal((done.returncode, done.stderr), (0, ""), "running the proposed commands")
    return done.stdout.splitlines()


def commands_of(text):
    """The commands in a mail: lines that begin with a program's name, here-documents whole."""
    return re.findall(r"^(?:postsuper -h - <<END\n(?:\w+\n)*END|smtpauthctl .*)$", text, re.MULTILINE)


def one_incident(bench, daemons, postfix, sink, hook):
    ids, seconds = flood(postfix, "alice", REFUSED, client=("198.51.100.77", 4711))
    opened = sink.wait_for(1, GATHER + 10)[0]
    if os.environ.get("SHOW"):
        print(opened.octets.decode())
    equal((opened.sender, opened.recipients, opened.encrypted), ("alarm@example.com", TO, True), "envelope")
    headers = opened.headers
    equal((headers["From"], headers["To"], headers["Auto-Submitted"]),
          ("alarm@example.com", ", ".join(TO), "auto-generated"), "headers")
    check(re.fullmatch(r"\[smtpauth\] alice: \d+ refused by burst", opened.subject), opened.subject)
    text = opened.text
    for wanted in (f"450 4.7.1 burst: {LIMIT + 1} messages in 1h by this auth_id, at most {LIMIT}",
                   "198.51.100.0/24", f"{LIMIT} messages to {2 * LIMIT} recipients accepted until",
                   "bob@example.com", '[accounts."alice"]\nlimits.burst = NUMBER\n'):
        check(wanted in text, f"{wanted!r} is missing in:\n{text}")
    called = run_in_shell(bench, "\n".join(commands_of(text)))
    equal(called, ["smtpauthctl", "block", "--for", "2d", "--reason", "password stolen", "alice",
                   "postsuper", "-h", "-", *ids, "smtpauthctl", "unblock", "alice"], "the commands of the mail, as run")
    step(f"{REFUSED} refused attempts in {seconds:.1f} s make one mail, over STARTTLS, with what is to be done")

    closed = sink.wait_for(2, QUIET + 15)[1]
    check(closed.subject == f"[smtpauth] Over: alice, {REFUSED} refused", closed.subject)
    equal(closed.headers["In-Reply-To"], headers["Message-ID"], "what the closing note answers")
    check(f"alice: over, quiet for {QUIET}s\n" in closed.text and f"Stopped:    {REFUSED} refused\n" in closed.text, closed.text)
    step("and one closing note with the totals")

    wait_for(lambda: len(hook.calls()) == 2, 10, "two calls of the hook")
    first, last = (call["alarms"][0] for call in hook.calls())
    equal([(a["event"], a["account"], a["rule"], a["queue_ids"], a["recipients"]) for a in (first, last)],
          [(event, "alice", "burst", ids, ["bob@example.com"]) for event in ("opened", "closed")], "the hook's JSON")
    equal(last["since_first"], {"accepted": 0, "recipients": 0, "warned": 0, "held": 0, "refused": REFUSED}, "its counts")
    equal(last["rules"], [{"rule": "burst", "count": REFUSED}], "its rules")
    check(opened.subject.endswith(hook.calls()[0]["subject"]), hook.calls()[0]["subject"])
    equal(run_in_shell(bench, first["commands"]["hold"]), ["postsuper", "-h", "-", *ids], "its command")
    check(f"alarm hook: kept {hook.argv[2]}" in daemons.log_text("collector"), "what the hook said is in the log")
    line = daemons.rejects_log.find(id=first["incident"])
    equal([(l["auth_id"], l["rule"]) for l in line], [("alice", "burst")], "the line that the incident is called by")
    step("the hook got the same as JSON, its arguments as they are")


def host_is_down(daemons, postfix, sink, hook, ctl):
    sink.stop()
    usual = flood(postfix, "bob", SOME)[1] / SOME
    wait_for(lambda: hook.alarms(account="bob", event="opened"), GATHER + 10, "the hook's call")
    mail = wait_for(lambda: (found := ctl.collector()["alarms"]["mail"]) and found.get("error") and found, 10, "an error")
    check(mail["waiting"] == 1 and "Connection refused" in mail["error"], mail)
    check("Connection refused" in ctl.status()[1], "smtpauthctl status for people")
    with Submission(postfix.submission, "bob") as session:
        begin = time.monotonic()
        for _ in range(SOME):
            equal(session.mail()[0], 450, "an answer")
        slow = (time.monotonic() - begin) / SOME
    check(slow < 5 * usual + 0.01, f"{slow * 1000:.1f} ms an answer with the mail host down, {usual * 1000:.1f} before")
    waiting = ctl.collector()
    equal(waiting["waiting"]["records"], 0, "records that wait for the logs")
    daemons.stop_collector(signal.SIGKILL)
    daemons.start_collector()
    sink.refused[TO[1]] = "450 4.2.0 try later"
    sink.start()
    letter = sink.wait_for(3, 20)[2]
    check("] bob: " in letter.subject, letter.subject)
    equal(letter.recipients, TO[:1], "who was not refused")
    sink.refused.clear()
    letter = sink.wait_for(4, 20)[3]
    equal((letter.recipients, "] bob: " in letter.subject), (TO[1:], True), "who was deferred, later")
    equal(len(hook.alarms(account="bob", event="opened")), 1, "calls of the hook")
    step(f"with the mail host down answers take {slow * 1000:.1f} ms ({usual * 1000:.1f} before); the mail comes later, over a kill")


def killed(daemons, postfix, sink, hook):
    """Between the refusal and its alarm."""
    flood(postfix, "carol@example.org", 1)
    daemons.rejects_log.wait_for_one(10, auth_id="carol@example.org")
    daemons.stop_collector(signal.SIGKILL)
    daemons.start_collector()
    wait_for(lambda: any("carol@example.org: 1 refused" in letter.subject for letter in sink.letters), GATHER + 15,
             "carol's alarm")
    wait_for(lambda: hook.alarms(account="carol@example.org", event="closed"), QUIET + 15, "carol's closing note")
    step("a kill between refusal and alarm loses none")


def once(daemons, sink, hook):
    wait_for(lambda: len(sink.letters) == 7, 20, lambda: f"7 mails, found {[l.subject for l in sink.letters]}")
    wait_for(lambda: len(hook.alarms()) == 6, 10, "6 calls of the hook")
    text = daemons.log_text("collector")
    for account in ("alice", "bob", "carol@example.org"):
        equal((text.count(f" alarm: {account}: "), text.count(f" alarm over: {account}: ")), (1, 1), f"log lines of {account}")
        equal([alarm["event"] for alarm in hook.alarms(account=account)], ["opened", "closed"], f"alarms of {account}")
    check("spammer" not in text, "the reject list alone raises no alarm")
    step("each incident had one alarm and one closing note, in mail, hook and log")


def impostor(daemons, postfix, sink, ctl):
    """A server whose certificate names another gets no mail; who mends the setting needs no restart."""
    def names(name):
        daemons.configure({"collector.alarm": {"tls_name": name}})
        before = daemons.log_text("collector").count("configuration reloaded")
        daemons.collector.send_signal(signal.SIGHUP)
        wait_for(lambda: daemons.log_text("collector").count("configuration reloaded") > before, 10, "the reload")
    letters = len(sink.letters)
    names("another.test.invalid")
    with Submission(postfix.submission, "alice") as session:
        equal(session.mail()[0], 450, "alice's answer")
    error = wait_for(lambda: ctl.collector()["alarms"]["mail"].get("error"), GATHER + 10, "a failed try")
    check("certificate verify failed" in error, error)
    equal(len(sink.letters), letters, "mails for an impostor")
    names(NAME)
    check("] alice: 1 refused" in sink.wait_for(letters + 1, 30)[letters].subject, sink.letters[letters].subject)
    step("no mail to a server whose certificate names another; a reload mends it")


def test(bench, options):
    sink, hook = MailSink(bench), Hook(bench)
    daemons = Daemons(bench, options.build, settings={
        "limits.burst": {"count": "messages", "limit": LIMIT, "window": "1h"},
        "collector.alarm": {"mail_to": TO, "mail_from": "alarm@example.com", "smtp": f"inet:127.0.0.1:{sink.port}",
                            "starttls": "required", "tls_name": NAME, "tls_ca_file": str(sink.certificate),
                            "hook": hook.argv, "gather": f"{GATHER}s", "quiet_after": f"{QUIET}s", "retry": "1s"}})
    postfix = Postfix(bench, daemons.postfix_milter,
                      settings=("smtpd_error_sleep_time = 0", "smtpd_hard_error_limit = 10000"))
    ctl = Ctl(daemons, options.build)
    with Submission(postfix.submission, "spammer") as session:
        equal(session.mail()[0], 550, "an account on the reject list")
    one_incident(bench, daemons, postfix, sink, hook)
    host_is_down(daemons, postfix, sink, hook, ctl)
    killed(daemons, postfix, sink, hook)
    once(daemons, sink, hook)
    impostor(daemons, postfix, sink, ctl)


run(test)
