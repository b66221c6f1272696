#!/usr/bin/env python3
"""smtpauthctl explain, top, tail and check tell what happened to mail that went through a real Postfix."""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.ctl import Ctl
from harness.daemons import Daemons
from harness.postfix import Postfix
from harness.smtp import Submission, queue_id

PATIENT = ("smtpd_error_sleep_time = 0", "smtpd_hard_error_limit = 1000")
RECIPIENTS = 5
SETTINGS = {
    "limits.default": {"mode": "enforce"},
    "limits.hourly": {"count": "recipients", "limit": RECIPIENTS, "window": "1h"},
    "limits.look": {"count": "messages", "limit": 1, "window": "1h", "action": "hold"},
    'accounts."alice"': {"limits.look": "none"},
    'accounts."carol@example.org"': {"limits.look": "none"},
}


def asked(ctl, *arguments, status=0):
    """The one JSON document that the command prints."""
    found, text, said = ctl.ask(*arguments, "--json")
    equal((found, said), (status, ""), f"exit status and standard error of {arguments}, which says {text}")
    return json.loads(text)


def traffic(postfix, daemons):
    """alice is refused by a limit, bob's second message is held, spammer is on the list. @return  their queue ids"""
    ids = {}
    with Submission(postfix.submission, "alice") as session:
        for name, count in ("first", 2), ("second", 3):
            code, answer = session.send(recipients=[f"r{n}@example.com" for n in range(count)])
            equal(code, 250, f"the {name} message")
            ids[name] = queue_id((code, answer))
            session.reset()
        equal(session.mail()[0], 450, "MAIL at the limit")
    with Submission(postfix.submission, "bob") as session:
        for name in "bob", "held":
            code, answer = session.send()
            equal(code, 250, "bob's message")
            ids[name] = queue_id((code, answer))
            session.reset()
    with Submission(postfix.submission, "SpAmMeR") as session:
        equal(session.mail()[0], 550, "MAIL of an account on the list")
    daemons.stats_log.wait_for_count(3, 10)
    daemons.rejects_log.wait_for_count(3, 10)
    return ids


def explaining(ctl, ids):
    answer = asked(ctl, "explain", "Alice")
    explanation = answer["explanation"]
    arithmetic = explanation["arithmetic"]
    equal((answer["kind"], explanation["cause"], explanation["rule"]["name"]), ("account", "limit", "hourly"), "explain")
    equal([arithmetic[name] for name in ("used", "amount", "total", "limit", "agrees")],
          [RECIPIENTS, 1, RECIPIENTS + 1, RECIPIENTS, True], "arithmetic")
    equal([(mail["queue_id"], mail["amount"]) for mail in arithmetic["counted"]],
          [(ids["first"], 2), (ids["second"], 3)], "mail that counted")
    equal([(filter["daemon"], "block" in filter) for filter in answer["account"]["filters"]], [("smtpauth-filter", False)],
          "what the filter says of a block")
    status, text, _ = ctl.ask("explain", "alice")
    check(status == 0 and "5 + 1 = 6 recipients; the limit is 5" in text and "the same numbers" in text, text)
    held = asked(ctl, "explain", ids["held"])
    equal((held["kind"], held["explanation"]["decision"]["action"], held["explanation"]["rule"]["name"],
           held["explanation"]["arithmetic"]["agrees"]), ("message", "hold", "look", True), "explain of a held message")
    passed = asked(ctl, "explain", ids["second"])["explanation"]
    equal([(stand["rule"]["name"], stand["total"], stand["limit"]) for stand in passed["stands"]],
          [("default", 5, 1000), ("hourly", 5, 5), ("look", 2, None)], "how a message that passed stood")
    listed = asked(ctl, "explain", "spammer")["explanation"]
    equal((listed["cause"], listed["listed_now"]), ("reject-list", True), "explain of an account on the list")
    equal(asked(ctl, "explain", "nobody@example.org", status=1)["kind"], "nothing", "explain of a stranger")
    step("explain names the limit, the list and the mail that made it, and agrees with the filter")


def blocked(ctl):
    equal(ctl.ask("block", "bob", "--reason", "looks stolen")[0], 0, "block")
    filters = asked(ctl, "explain", "bob")["account"]["filters"]
    equal(filters[0]["block"]["reason"], f"looks stolen; uid {os.getuid()}", "the block as the filter tells it")
    # Blocked before the logs that are left begin: only the filter knows.
    equal(ctl.ask("block", "gone@example.org")[0], 0, "block of an account that never sent")
    equal(asked(ctl, "explain", "gone@example.org", "--since", "0s")["kind"], "account", "explain of it")
    step("explain asks the filter whether an account is blocked")


def topping(ctl):
    rows = {row["id"]: row for row in asked(ctl, "top")["accounts"]}
    equal({name: (row["messages"], row["recipients"], row["rejects"], row["held"], row["networks"])
           for name, row in rows.items()},
          {"alice": (2, 5, 1, 0, 1), "bob": (1, 1, 0, 1, 1)}, "top")
    equal([row["id"] for row in asked(ctl, "top", "--by", "rejects", "--since", "1m")["accounts"]], ["alice", "spammer"],
          "top by rejects")
    equal(len(asked(ctl, "top", "--count", "1")["accounts"]), 1, "rows of --count 1")
    status, _, said = ctl.ask("top", "--by", "colour")
    equal((status, said), (64, "smtpauthctl top: --by colour: expected recipients, messages, rejects, networks, "
                           "countries\n"), "top by what it does not know")
    step("top counts what each account sent, and what was refused or held")


def tailing(postfix, daemons, ctl, ids):
    status, text, said = ctl.ask("tail", "--json")
    equal((status, said), (0, ""), "tail")
    lines = [json.loads(line) for line in text.splitlines()]
    wait_for(lambda: len(daemons.rejects_log.raw_lines()) == 5, 10, "the blocks in the log")
    equal([(line["auth_id"], line["action"]) for line in lines[:6]],
          [("alice", "accept"), ("alice", "accept"), ("alice", "tempfail"), ("bob", "accept"), ("bob", "hold"),
           ("spammer", "reject")], "tail of both logs, in the order of time")
    text = ctl.ask("tail", "bob", "--count", "2")[1].splitlines()
    check(len(text) == 2 and "held" in text[0] and ids["held"] in text[0] and "\x1b" not in text[0], text)

    tail = daemons.bench.start("tail", [ctl.program, "tail", "-f", "carol@example.org", "--json", "-c", ctl.config])

    def followed(count):
        wait_for(lambda: len(tail.said().splitlines()) == count, 10, f"{count} lines of tail -f")
        return [json.loads(line)["queue_id"] for line in tail.said().splitlines()]
    sent = []
    with Submission(postfix.submission, "carol@example.org") as session:
        for count in 1, 2, 3:
            # The first message may still be among the last lines, or come after them: it is shown once.
            code, answer = session.send()
            equal(code, 250, "carol's message")
            sent.append(queue_id((code, answer)))
            session.reset()
            equal(followed(count), sent, "tail -f")
            if count == 1:
                os.rename(daemons.stats_log.path, f"{daemons.stats_log.path}.1")
                daemons.collector.send_signal(signal.SIGUSR1)
                wait_for(daemons.stats_log.path.exists, 10, "the new stats.log")
    tail.stop()
    step("tail shows both logs in the order of time, and follows over a rotation")


def checking(postfix, daemons, ctl):
    def results(status, *arguments):
        found = asked(ctl, "check", "--postfix-config", str(postfix.etc), *arguments, status=status)
        return found, [(r["level"], r["subject"], r["text"]) for r in found["results"]]

    found, all_well = results(0)
    equal({level for level, _, _ in all_well}, {"ok"}, "levels where all is well")
    socket = str(daemons.milter_socket)
    check(any(text == f"news reaches {socket}" for _, _, text in all_well), all_well)
    check(f"unix:{socket}" in found["lines"]["sendmail.mc"] or "inet:" in found["lines"]["sendmail.mc"], found["lines"])

    home = daemons.milter_socket.parent
    mode = home.stat().st_mode & 0o7777
    home.chmod(0o700)
    errors = [text for level, _, text in results(78)[1] if level == "error"]
    home.chmod(mode)
    check(any(text.startswith(f"news cannot reach it: {home}: drwx------ ") for text in errors), errors)

    master = postfix.etc / "master.cf"
    before = master.read_text()
    master.write_text(before.replace(" inet n - n - - smtpd", " inet n - y - - smtpd"))
    errors = [text for level, _, text in results(78)[1] if level == "error"]
    check(any(text.startswith(f"this service is chrooted, so Postfix looks for {postfix.spool}{socket}") for text in errors),
          errors)
    master.write_text(before.replace("-o smtpd_sasl_auth_enable=yes", "-o smtpd_sasl_auth_enable=yes -o smtpd_milters="))
    warnings = [text for level, _, text in results(1)[1] if level == "warning"]
    equal(set(warnings), {"takes mail with SMTP AUTH and does not ask this filter"}, "a submission service without it")
    master.write_text(before)

    daemons.stop_filter()
    errors = [text for level, subject, text in results(78)[1] if level == "error" and subject == "smtpauth-filter"]
    check(len(errors) == 1 and "does not answer" in errors[0], errors)
    step("check finds what stands in the way: a directory, the chroot, a forgotten service, a filter that is down")


def test(bench, options):
    daemons = Daemons(bench, options.build, settings=SETTINGS)
    postfix = Postfix(bench, daemons.postfix_milter, settings=PATIENT)
    ctl = Ctl(daemons, options.build)
    ids = traffic(postfix, daemons)
    explaining(ctl, ids)
    blocked(ctl)
    topping(ctl)
    tailing(postfix, daemons, ctl, ids)
    checking(postfix, daemons, ctl)


run(test)
