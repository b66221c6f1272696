#!/usr/bin/env python3
"""A listed account is refused at MAIL, and the list may be edited in every way that editors know."""

import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import MilterMta
from harness.postfix import Postfix
from harness.smtp import Submission

REFUSED = (550, "5.7.1 Access denied")
AT_ONCE, EMPTIED = 1.0, 2.0  # seconds until an edit has taken effect


def answer_at_mail(postfix, user, **how):
    with Submission(postfix.submission, user, **how) as session:
        return session.mail()


def refused(daemons, auth_id):
    with MilterMta(daemons.milter_socket) as mta:
        return mta.mail("<a@example.org>", auth_id)[0] == "y"


def takes_effect(daemons, auth_id, listed, seconds, how):
    start = time.monotonic()
    wait_for(lambda: refused(daemons, auth_id) == listed, seconds, f"{auth_id} to be "
             f"{'refused' if listed else 'let pass'} after the list was {how}")
    step(f"list {how}: {auth_id} {'refused' if listed else 'passes'} after {time.monotonic() - start:.2f} s")


def replace(path, text):
    new = path.with_name("new-list")
    new.write_text(text)
    new.rename(path)


class Watcher(threading.Thread):
    """Asks for a listed account all the time and remembers whether it ever passed."""

    def __init__(self, daemons, auth_id):
        super().__init__(daemon=True)
        self.daemons, self.auth_id = daemons, auth_id
        self.asked = self.passed = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            self.asked += 1
            self.passed += not refused(self.daemons, self.auth_id)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(20)


def refusal_by_postfix(postfix, daemons):
    for user in ("spammer", "SpAmMeR"):
        equal(answer_at_mail(postfix, user), REFUSED, f"answer to MAIL of {user}")
    line = daemons.rejects_log.wait_for_one(1, auth_id_raw="SpAmMeR")
    equal((line["auth_id"], line["stage"], line["action"]), ("spammer", "mail", "reject"), "line in rejects.log")
    with Submission(postfix.submission, "alice") as session:
        equal(session.send()[0], 250, "answer to alice's message")
    with Submission(postfix.relay) as session:
        equal(session.send()[0], 250, "answer to a message without AUTH")
    step("Postfix: 550 5.7.1 at MAIL for the listed id, in other case too; 250 for others")

    with Submission(postfix.submission, "alice") as open_session:
        equal(open_session.mail()[0], 250, "alice before she is listed")
        open_session.reset()
        replace(daemons.reject_ids, "spammer\nalice\n")
        takes_effect(daemons, "alice", True, AT_ONCE, "replaced by rename")
        equal(open_session.mail(), REFUSED, "alice in the session that was open already")
    step("Postfix: an edit holds for sessions that are open already")


def editing(daemons):
    path = daemons.reject_ids
    with open(path, "a") as file:
        file.write("bob\n")
    takes_effect(daemons, "bob", True, AT_ONCE, "appended to")
    path.write_text("spammer\nbob\n")
    takes_effect(daemons, "alice", False, AT_ONCE, "rewritten in place")
    path.write_text("# only a comment\n\nspammer\nbob\nx1\nx2\n")
    takes_effect(daemons, "x2", True, AT_ONCE, "rewritten in place")
    path.write_text("")
    takes_effect(daemons, "spammer", False, EMPTIED, "emptied")
    path.write_text("".join(f"user{n}\n" for n in range(100)) + "spammer\n")
    takes_effect(daemons, "spammer", True, AT_ONCE, "filled again")
    path.write_text("user1\n")
    takes_effect(daemons, "spammer", False, EMPTIED, "cut to less than half")
    replace(path, "spammer\nuser1\n")
    takes_effect(daemons, "spammer", True, AT_ONCE, "replaced by rename")
    path.unlink()
    time.sleep(1.5)
    check(refused(daemons, "spammer"), "a vanished list let a listed account pass")
    path.write_text("spammer\n")
    step("a vanished list stays in force")


def rewriting_slowly(daemons):
    """Nobody passes while another process writes the list anew in pieces."""
    path = daemons.reject_ids
    ids = ["spammer"] + [f"user{n}" for n in range(5000)] + ["last-of-the-list"]
    replace(path, "\n".join(ids) + "\n")
    takes_effect(daemons, "last-of-the-list", True, AT_ONCE, "replaced by a long one")

    def rewrite(pieces, pause):
        with open(path, "w") as file:
            for n in range(pieces):
                file.write("".join(i + "\n" for i in ids[n * len(ids) // pieces:(n + 1) * len(ids) // pieces]))
                file.flush()
                os.fsync(file.fileno())
                time.sleep(pause)

    with Watcher(daemons, "last-of-the-list") as watcher:
        rewrite(4, 0.05)
        time.sleep(1.2)
    equal(watcher.passed, 0, f"times that the last account passed a quick rewrite, of {watcher.asked}")
    with Watcher(daemons, "spammer") as watcher:
        rewrite(30, 0.1)
        time.sleep(1.2)
    equal(watcher.passed, 0, f"times that the first account passed a slow rewrite, of {watcher.asked}")
    check(watcher.asked > 100, f"asked only {watcher.asked} times")
    takes_effect(daemons, "last-of-the-list", True, AT_ONCE, "rewritten slowly")
    step(f"a listed account never passed while the list was rewritten ({watcher.asked} times asked)")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    refusal_by_postfix(Postfix(bench, daemons.postfix_milter), daemons)
    editing(daemons)
    rewriting_slowly(daemons)
    daemons.filter.must_live()
    daemons.collector.must_live()


run(test)
