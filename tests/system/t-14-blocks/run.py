#!/usr/bin/env python3
"""smtpauthctl block, unblock, blocks: in force at once, in open sessions too, and over kills, through a real Postfix."""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import geo
from harness.bench import DOVECOT_LOGIN_USER, wait_for
from harness.case import check, equal, run, step
from harness.ctl import Ctl
from harness.daemons import Daemons
from harness.postfix import Postfix
from harness.smtp import Submission, message
from harness.stats_log import parse_time

STRANGER = DOVECOT_LOGIN_USER  # neither root nor the daemon's user, not in smtpauth-admin
MINUTE, PERCENT = 20, 25
SETTINGS = {
    "limits.minute": {"count": "messages", "limit": MINUTE, "window": "1m"},
    # carol's alone
    "limits.thief": {"count": "messages", "limit": 2, "window": "1h", "action": "reject", "block": "1h",
                     "text": "At most {limit} {count} in {window}", "exempt": ["alice", "bob"]},
    "blocks": {"text": "5.7.1 Ask postmaster@example.com", "probation_percent": PERCENT},
}


def send(postfix, account="alice"):
    with Submission(postfix.submission, account) as session:
        return session.send()[0]


def listed(ctl):
    status, text, _ = ctl.ask("blocks", "--json")
    equal(status, 0, "exit status of blocks")
    return json.loads(text)["filters"][0]["result"]


def shown(ctl, account):
    """What smtpauthctl show says: used, limit, network, and all of it."""
    status, text, _ = ctl.ask("show", account, "--json")
    equal(status, 0, "exit status of show")
    found = json.loads(text)["filters"][0]["result"]
    rule = next(limit for limit in found["limits"] if limit["rule"] == "minute")
    networks = [network["network"] for network in found["networks"]]
    return rule["used"], rule["limit"], networks[0] if networks else None, found


def kill(daemons):
    daemons.stop_filter(signal.SIGKILL)
    daemons.start_filter()


def blocking(postfix, daemons, ctl):
    with Submission(postfix.submission, "alice") as idle, Submission(postfix.submission, "alice") as busy:
        equal(idle.send()[0], 250, "a message before the block")
        idle.reset()
        equal(busy.mail()[0], 250, "MAIL before the block")
        equal(busy.rcpt("bob@example.com")[0], 250, "RCPT before the block")
        status, text, said = ctl.ask("block", "Alice", "--for", "2h", "--reason", "password stolen")
        equal((status, said), (0, ""), "block")
        check(text.startswith("smtpauth-filter: alice is blocked until 20"), text)
        code, answer = idle.mail()
        equal(code, 550, "MAIL of an open session")
        check("5.7.1 Ask postmaster@example.com" in answer, answer)
        equal(busy.data(message())[0], 550, "the end of a message that had begun before")
    equal(send(postfix, "bob"), 250, "another account's message")
    step("a block refuses open sessions at MAIL and at end of message, and nobody else")


def looking(daemons, ctl):
    found = listed(ctl)["blocks"]
    equal([(block["id"], block["by"], block["reason"]) for block in found],
          [("alice", "admin", f"password stolen; uid {os.getuid()}")], "blocks")
    status, text, _ = ctl.ask("blocks", user=STRANGER)
    check(status == 0 and "alice  until 20" in text, text)
    status, _, said = ctl.ask("unblock", "alice", user=STRANGER)
    check(status == 1 and "smtpauth-admin" in said, f"a stranger's unblock: {status} {said}")
    equal(ctl.ask("block", "x", "--for", "ever")[0], 64, "a time that is none")
    equal(ctl.ask("block")[0], 64, "no account")
    equal(ctl.ask("unblock", "bob")[0], 1, "unblock of an account that is not blocked")
    step("everybody may look, strangers change nothing, wrong orders are said so")


def unblocking(postfix, daemons, ctl):
    kill(daemons)
    with Submission(postfix.submission, "alice") as session:
        equal(session.mail()[0], 550, "MAIL after a kill")
        session.reset()
        begin = time.monotonic()
        equal(ctl.ask("unblock", "alice")[0], 0, "unblock")
        took = time.monotonic() - begin
        equal(session.send()[0], 250, "the next message")
        check(took < 1, f"unblock took {took:.3f} s with its program")
    kill(daemons)
    equal(send(postfix), 250, "a message after a kill")
    found = listed(ctl)
    equal((found["blocks"], [entry["id"] for entry in found["probation"]]), ([], ["alice"]), "blocks and probation")
    step(f"an unblock acts at once ({took * 1000:.0f} ms with its program); both outlive kills")


def counters(postfix, daemons, ctl):
    with Submission(postfix.submission, "bob") as session:
        codes = []
        for _ in range(MINUTE):
            codes.append(session.send()[0])
            session.reset()
        equal(codes, [250] * (MINUTE - 1) + [450], "answers up to the limit, after one message before")
        equal(shown(ctl, "bob")[:3], (MINUTE, MINUTE, "127.0.0.0/24"), "used, limit and network of an account")
        equal(shown(ctl, "bob")[3]["networks"][0]["country"], "JP", "the network's country")
        ctl.ask("block", "bob")
        ctl.ask("unblock", "bob")
        used, limit, network, found = shown(ctl, "bob")
        equal((used, limit, network), (0, MINUTE * PERCENT // 100, None), "the same on probation")
        check("probation_until" in found and "block" not in found, found)
        check("  minute: 0 messages in 1m by this auth_id, at most 5\n" in ctl.ask("show", "bob")[1], "show for people")
        kill(daemons)
    with Submission(postfix.submission, "bob") as session:
        codes = []
        for _ in range(MINUTE):
            codes.append(session.send()[0])
            session.reset()
        allowed = MINUTE * PERCENT // 100
        equal(codes, [250] * allowed + [450] * (MINUTE - allowed), "answers on probation")
    step("what was sent before an unblock counts no more, over a kill too; on probation there is less")


def made_by_a_limit(postfix, daemons, ctl):
    account = "carol@example.org"
    for hours in (1, 2):
        with Submission(postfix.submission, account) as session:
            answers = []
            for _ in range(4):
                answers.append(session.send())
                session.reset()
        allowed = 2 if hours == 1 else 1  # on probation there is less
        equal([code for code, _ in answers], [250] * allowed + [550] * (4 - allowed), "answers")
        check(f"At most {allowed} messages in 1h" in answers[allowed][1], f"the limit's own words: {answers[allowed]}")
        check("Ask postmaster" in answers[allowed + 1][1], f"the block's words: {answers[allowed + 1]}")
        kill(daemons)
        equal(send(postfix, account), 550, "a message after a kill")
        block = wait_for(lambda: daemons.rejects_log.find(rule="thief", action="block")[hours - 1:], 10,
                         "the block in rejects.log")[0]
        equal(parse_time(block["until"]) - parse_time(block["eom_time"]), hours * 3600, "seconds that the block lasts")
        check(f"thief: {allowed + 1} messages in 1h by this auth_id, at most {allowed}; last from 127.0.0.1/JP" in
              block["reason"], block["reason"])
        equal(ctl.ask("unblock", account)[0], 0, "unblock")
    step("a limit blocks who exceeds it, twice as long the second time, over kills too")


def audit(daemons):
    daemons.rejects_log.wait_for_count(1, 10)
    lines = [line for line in daemons.rejects_log.lines()
             if line["action"] in ("block", "unblock") and line["rule"] == "admin" and line["auth_id"] in ("alice", "bob")]
    equal([(line["action"], line["auth_id"], line["rule"], line["reason"]) for line in lines],
          [("block", "alice", "admin", f"password stolen; uid {os.getuid()}"),
           ("unblock", "alice", "admin", f"uid {os.getuid()}"),
           ("block", "bob", "admin", f"uid {os.getuid()}"), ("unblock", "bob", "admin", f"uid {os.getuid()}")],
          "changes in rejects.log")
    check(all("until" in line and "stage" not in line for line in lines), lines)
    step("each change stands in rejects.log, once, with the uid of who made it")


def test(bench, options):
    geo.NETWORKS.update({"127.0.0.0/8": ("JP", 64501)})
    daemons = Daemons(bench, options.build, geo=geo.make_database(bench.folder("etc") / "geo.mmdb"), settings=SETTINGS)
    postfix = Postfix(bench, daemons.postfix_milter,
                      settings=("smtpd_error_sleep_time = 0", "smtpd_hard_error_limit = 1000"))
    ctl = Ctl(daemons, options.build)
    blocking(postfix, daemons, ctl)
    looking(daemons, ctl)
    unblocking(postfix, daemons, ctl)
    counters(postfix, daemons, ctl)
    made_by_a_limit(postfix, daemons, ctl)
    daemons.stop_filter()
    daemons.stop_collector()
    audit(daemons)


run(test)
