#!/usr/bin/env python3
"""Each label of a stats log line is right, behind a real Postfix and against Postfix's own log."""

import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import has_ipv6
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.geo import make_database
from harness.log_line import ODD_OCTETS, Sent, check_line
from harness.postfix import Postfix
from harness.smtp import Submission, message

WITHIN = 1  # second, from the answer to the line


def submit(address, user=None, client=None, sender="alice@example.org", recipients=("bob@example.com",),
           octets=None):
    connected = time.time()
    with Submission(address, user, client=client) as session:
        return Sent(session, connected, sender, recipients, octets or message(sender=sender))


def compare_with_postfix(postfix, line):
    """Postfix's own log says the same of this queue id."""
    said = "\n".join(postfix.log_lines(line["queue_id"]))
    check(f"]:{line['client_port']}" in said and f"[{line['client_address']}]" in said, f"client {line} in {said}")
    user = re.search(r"sasl_username=(\S+)", said)
    equal(user and user.group(1), line.get("auth_id_raw", line.get("auth_id")), "sasl_username")
    sender = re.search(r"from=<(.*?)>", said).group(1)
    equal(sender or "<>", line["sender"], "from=")
    equal(sorted(re.findall(r"^to=<(.*?)>", said, re.MULTILINE)), sorted(line["recipient"]), "to=")


def clients(postfix, daemons):
    cases = [
        (dict(user="alice", client=("203.0.113.5", 54321)), dict(country="JP", asn=64501, auth_id="alice")),
        (dict(user="SpAmMeR", client=("198.51.100.9", 1025)),
         dict(country="DE", asn=64502, auth_id="spammer", auth_id_raw="SpAmMeR")),
        (dict(user="carol@example.org", client=("2001:db8:1::7", 65535)),
         dict(country="FR", asn=64503, auth_id="carol@example.org")),
        (dict(user="bob", client=("192.0.2.1", 2)), dict(auth_id="bob")),
    ]
    daemons.reject_ids.write_text("nobody-of-these\n")
    time.sleep(1)
    for how, labels in cases:
        sent = submit(postfix.submission, **how)
        line = daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id)
        check_line(line, sent, how["client"], **labels)
        compare_with_postfix(postfix, line)
        step(f"{how['user']} from {how['client'][0]}")


def contents(postfix, daemons):
    sent = submit(postfix.submission, "alice", ("203.0.113.5", 54321), octets=ODD_OCTETS)
    check_line(daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id), sent, ("203.0.113.5", 54321),
               country="JP", asn=64501, auth_id="alice")
    step(f"size of {sent.size} odd octets")
    recipients = [f"r{n}@example.com" for n in range(200)]
    sent = submit(postfix.submission, "alice", ("203.0.113.5", 54321), recipients=recipients, sender="")
    check_line(daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id), sent, ("203.0.113.5", 54321),
               country="JP", asn=64501, auth_id="alice")
    step("200 recipients, null sender")
    sent = submit(postfix.submission, "alice", ("203.0.113.5", 54321),
                  recipients=["refused@example.com", "bob@example.com", "deferred@example.com", "eve@example.com"])
    equal(sent.answers, [554, 250, 450, 250], "Postfix's answers to four recipients")
    check_line(daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id), sent, ("203.0.113.5", 54321),
               country="JP", asn=64501, auth_id="alice", rcpt_refused=2)
    step("recipients that Postfix refuses are counted, and are no recipients")


def without_authentication(postfix, daemons):
    sent = submit(postfix.relay)
    line = daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id)
    check_line(line, sent, ("127.0.0.1", line["client_port"]))
    compare_with_postfix(postfix, line)
    if has_ipv6():
        sent = submit(postfix.submission6, "alice")
        line = daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id)
        check_line(line, sent, ("::1", line["client_port"]), auth_id="alice")
        compare_with_postfix(postfix, line)
    step("mail without AUTH has no auth_id")

    before = len(daemons.stats_log.lines())
    postfix.sendmail("local@example.org", ["bob@example.com", "eve@example.com"], message(sender="local@example.org"))
    line = daemons.stats_log.wait_for_count(before + 1, 10)[-1]
    equal((line["client_address"], line["sender"], line["recipient"], line.get("auth_id"), line.get("client_port")),
          ("127.0.0.1", "local@example.org", ["bob@example.com", "eve@example.com"], None, None), "line of local mail")
    check("from=<local@example.org>" in "\n".join(postfix.log_lines(line["queue_id"])), "queue id of local mail")
    step("mail by the sendmail command")


def several_in_one_session(postfix, daemons):
    connected = time.time()
    with Submission(postfix.submission, "alice", client=("203.0.113.5", 54321)) as session:
        equal(session.mail()[0], 250, "MAIL")
        session.rcpt("lost@example.com")
        session.reset()
        for n in range(3):
            sent = Sent(session, connected, f"alice{n}@example.org", [f"r{n}@example.com"], message(body=b"x" * n))
            check_line(daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id), sent, ("203.0.113.5", 54321),
                       country="JP", asn=64501, auth_id="alice")
    step("three messages in a session, one aborted before")


def test(bench, options):
    daemons = Daemons(bench, options.build, geo=make_database(bench.folder("etc") / "geo.mmdb"))
    postfix = Postfix(bench, daemons.postfix_milter)
    clients(postfix, daemons)
    contents(postfix, daemons)
    without_authentication(postfix, daemons)
    several_in_one_session(postfix, daemons)
    ids = [line["id"] for line in daemons.stats_log.lines()]
    equal(len(set(ids)), len(ids), "different ids")
    equal(daemons.rejects_log.raw_lines(), [], "lines in rejects.log")


run(test)
