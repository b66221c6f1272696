#!/usr/bin/env python3
"""Refusal and log line behind a real Sendmail 8.17, against Sendmail's own queue."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import has_ipv6, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.log_line import ODD_OCTETS, Sent, check_line
from harness.sendmail import PARENT, Sendmail
from harness.smtp import Submission, message

REFUSED = (550, "5.7.1 <alice@example.org>... Access denied")  # Sendmail puts the address in
WITHIN = 1  # second, from the answer to the line


def refusal(sendmail, daemons):
    for user in ("spammer", "SpAmMeR"):
        with Submission(sendmail.submission, user) as session:
            equal(session.mail(), REFUSED, f"answer to MAIL of {user}")
    daemons.reject_ids.write_text("alice\n")

    def now_refused():
        with Submission(sendmail.submission, "alice") as session:
            return session.mail() == REFUSED
    wait_for(now_refused, 1.5, "alice to be refused once she is listed")  # a connection included
    daemons.reject_ids.write_text("spammer\n")
    time.sleep(1)
    step("550 5.7.1 at MAIL for the listed id, in other case too; the list is obeyed when it changes")


def submit(sendmail, daemons, address, user, sender="alice@example.org", recipients=("bob@example.com",), octets=None,
           auth_id=None, counted=False, told_of_refused=0):
    """@param counted  the filter counts the size itself; else it is Sendmail's {msg_size}, which leaves out each CR"""
    connected = time.time()
    octets = octets or message(sender=sender)
    with Submission(address, user) as session:
        port = session.smtp.sock.getsockname()[1]
        sent = Sent(session, connected, sender, recipients, octets)
    if not counted:
        sent.size -= octets.count(b"\r") + (not octets.endswith(b"\r\n"))
    line = daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id)
    check_line(line, sent, (address[0], port), country="JP", asn=64501, auth_id=auth_id, rcpt_refused=told_of_refused)
    queued = sendmail.queue_file(sent.queue_id)
    check(f"S<{sender}>" in queued, f"sender {sender} in Sendmail's queue: {queued}")
    equal([q[6:-1] for q in queued if q.startswith("RPFD:<")], line["recipient"], "Sendmail's recipients")
    return sent


def log_lines(sendmail, daemons):
    submit(sendmail, daemons, sendmail.submission, "alice", auth_id="alice")
    step("alice from 127.0.0.1")
    if has_ipv6():
        submit(sendmail, daemons, sendmail.submission6, "alice", auth_id="alice")
        step("alice from ::1")
    submit(sendmail, daemons, sendmail.submission, None)
    step("without AUTH")
    submit(sendmail, daemons, sendmail.submission, "alice", sender="", octets=ODD_OCTETS, auth_id="alice")
    step("null sender and odd octets")
    # Sendmail tells a milter of unknown users of its own, not of recipients that its access map refuses.
    sent = submit(sendmail, daemons, sendmail.submission, "alice", auth_id="alice", told_of_refused=1,
                  recipients=["nosuch@localhost", "bob@example.com", "refused@example.com", "eve@example.com"])
    equal(sent.answers, [550, 250, 550, 250], "Sendmail's answers to four recipients")
    step("recipients that Sendmail refuses are no recipients; unknown users are counted")
    connected = time.time()
    with Submission(sendmail.submission, "alice") as session:
        for n in range(3):
            sent = Sent(session, connected, f"alice{n}@example.org", [f"r{n}@example.com"], message())
            line = daemons.stats_log.wait_for_one(WITHIN, queue_id=sent.queue_id)
            equal((line["sender"], line["recipient"]), (sent.sender, sent.recipients), "sender and recipients")
    step("three messages in a session")


def counted_size(sendmail, daemons):
    daemons.configure({"filter": {"message_size": "count"}})
    daemons.stop_filter()
    daemons.start_filter()
    sent = submit(sendmail, daemons, sendmail.submission, "alice", octets=ODD_OCTETS, auth_id="alice", counted=True)
    step(f"message_size = count: {sent.size} odd octets, as they were sent")


def test(bench, options):
    # No XCLIENT here: the client is loopback, so loopback gets a country.
    from harness import geo
    geo.NETWORKS.update({"127.0.0.0/8": ("JP", 64501), "::1/128": ("JP", 64501)})
    daemons = Daemons(bench, options.build, geo=geo.make_database(bench.folder("etc") / "geo.mmdb"))
    sendmail = Sendmail(bench, f"unix:{daemons.milter_socket}")
    refusal(sendmail, daemons)
    log_lines(sendmail, daemons)
    counted_size(sendmail, daemons)


run(test, parent=PARENT)
