#!/usr/bin/env python3
"""Limits hold through a real Postfix: for a burst, for many clients at once, for those that have a limit of their own."""

import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.postfix import Postfix
from harness.smtp import Submission

# Postfix slows clients down that are refused often, and ends their sessions.
PATIENT = ("smtpd_error_sleep_time = 0", "smtpd_hard_error_limit = 10000", "smtpd_junk_command_limit = 10000")
BURST = 300
CLIENTS, HOURLY = 20, 100

LIMITS = {
    "filter": {"refusals_per_minute": 60},
    "limits.burst": {"count": "messages", "limit": 20, "window": "1m"},
    "limits.hourly": {"count": "recipients", "limit": HOURLY, "window": "1h", "action": "reject"},
    'accounts."alice"': {"limits.hourly": "none"},
    'accounts."bob"': {"limits.burst": "none"},
}


def burst(postfix, daemons):
    """One account, as fast as it can."""
    answers = []
    with Submission(postfix.submission, "alice") as session:
        for _ in range(BURST):
            answers.append(session.send())
            session.reset()
    codes = [code for code, _ in answers]
    equal((codes.count(250), codes.count(450)), (20, BURST - 20), "answers 250 and 450 to a burst")
    equal(codes[:20], [250] * 20, "the first answers")
    check(answers[-1][1].startswith("4.7.1 burst: 21 messages in 1m by this auth_id, at most 20; try again in "),
          f"the last answer is {answers[-1]}")
    lines = daemons.rejects_log.wait_for_count(60, 10)
    equal(len(lines), 60, "refusals with a line of their own")  # the others share one, once their minute is over
    equal({line["action"] for line in lines}, {"tempfail"}, "actions in rejects.log")
    step(f"a burst of {BURST} messages at a limit of 20 a minute: 20 accepted")


def kills(postfix, daemons):
    """What was charged is not forgotten, whatever the collector has taken of the journal meanwhile."""
    for number in range(3):
        daemons.stop_filter(signal.SIGKILL)
        daemons.start_filter()
        with Submission(postfix.submission, "alice") as session:
            equal(session.send()[0], 450, f"the answer to the account at its limit after kill {number + 1}")
    step("the filter was killed three times and let no more of the burst pass")


def many_at_once(postfix, daemons):
    accepted, refused, lock = [], [], threading.Lock()

    def client(number):
        with Submission(postfix.submission, "bob") as session:
            for n in range(3 * HOURLY // CLIENTS):
                recipients = [f"r{number}-{n}-{i}@example.com" for i in range(1 + n % 3)]
                code, _ = session.send(recipients=recipients)
                with lock:
                    (accepted if code == 250 else refused).append((code, len(recipients)))
                session.reset()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    equal(sum(count for _, count in accepted), HOURLY, "recipients accepted of all clients")
    equal({code for code, _ in refused}, {550}, "answers to the others")
    daemons.stats_log.wait_for_count(20 + len(accepted), 10)
    equal(sum(int(line["rcpt_count"]) for line in daemons.stats_log.find(auth_id="bob")), HOURLY,
          "recipients in the stats log")
    step(f"{CLIENTS} clients at once at a limit of {HOURLY} recipients an hour: {HOURLY} accepted, "
         f"{len(refused)} messages refused")


def test(bench, options):
    daemons = Daemons(bench, options.build, settings=LIMITS)
    postfix = Postfix(bench, daemons.postfix_milter, settings=PATIENT)
    burst(postfix, daemons)
    kills(postfix, daemons)
    many_at_once(postfix, daemons)
    daemons.filter.must_live()
    daemons.collector.must_live()


run(test)
