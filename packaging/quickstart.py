"""The part of packaging/quickstart after the build: starts everything, sends two messages, shows what came of them.

Uses the bench of the system tests, so that what is shown here is what is tested there.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/system"))
from harness.bench import PROJECT, Bench, Failure, Skip, wait_for
from harness.daemons import Daemons
from harness.geo import make_database
from harness.postfix import USERS, Postfix
from harness.rrd import graph, per_minute, total
from harness.smtp import Submission, message

OUT = PROJECT / "build/quickstart"
RUNNING = OUT / "running.json"
CLIENT = ("203.0.113.5", 54321)  # in the database that is made here: Japan


def headline(text):
    print(f"\n== {text}", flush=True)


def show_session(postfix, user, recipients):
    """Submits one message and prints each command with its answer."""
    sender = f"{user}@example.org"
    headline(f"{user} sends mail, from a client at {CLIENT[0]}")
    with Submission(postfix.submission, user, client=CLIENT) as session:
        answer = session.mail(sender)
        print(f"MAIL FROM:<{sender}>\n    {answer[0]} {answer[1]}")
        if answer[0] == 250:
            for recipient in recipients:
                print("RCPT TO:<%s>\n    %d %s" % (recipient, *session.rcpt(recipient)))
            answer = session.data(message("quickstart", sender=sender))
            print(f"the message\n    {answer[0]} {answer[1]}")
    return answer


def show(daemons, postfix):
    accepted = show_session(postfix, "alice", ["bob@example.com", "eve@example.net"])
    if accepted[0] != 250:
        raise Failure(f"alice's message was not accepted: {accepted}")
    refused = show_session(postfix, "spammer", ["bob@example.com"])
    if refused[0] != 550:
        raise Failure(f"spammer is on the reject list, but was answered {refused}")
    for log in (daemons.stats_log, daemons.rejects_log):
        log.wait_for_count(1, 5)
        headline(log.path.name)
        print(log.raw_lines()[-1].decode())


def show_traffic(daemons, start):
    headline("stats.rrd: waiting for the minute to end")
    wait_for(lambda: daemons.rrd.exists() and total(daemons.rrd, "sent", start, time.time()) >= 2, 75,
             "the message in stats.rrd")
    for minute, count in per_minute(daemons.rrd, "sent", start, time.time()).items():
        if count:
            print(f"minute to {time.strftime('%H:%M', time.localtime(minute))}: {count:g} recipients")


def keep_results(daemons):
    OUT.mkdir(parents=True, exist_ok=True)
    for path in (daemons.stats_log.path, daemons.rejects_log.path, daemons.rrd, daemons.config_file):
        shutil.copyfile(path, OUT / path.name)
    graph(daemons.rrd, OUT / "traffic.png")
    headline(f"In {OUT}")
    print("traffic.png (the graph), stats.log, rejects.log, stats.rrd, smtpauth.toml (the configuration)")


def started_at(pid):
    """When the kernel started that process, in its own ticks; None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def leave_running(bench, daemons, postfix):
    processes = [[pid, started_at(pid)] for pid in bench.leave_running()]
    RUNNING.write_text(json.dumps({"processes": processes, "folder": str(bench.root)}))
    host, port = postfix.submission
    headline("Still running")
    print(f"""\
submission     {host}:{port}, users and passwords: {", ".join(f"{u} {p}" for u, p in USERS.items())}
reject list    {daemons.reject_ids}
stats log      {daemons.stats_log.path}
rejects log    {daemons.rejects_log.path}

To send a message (it is accepted and thrown away):

python3 - <<'END'
import smtplib
server = smtplib.SMTP("{host}", {port})
server.login("bob", "{USERS['bob']}")
server.sendmail("bob@example.org", ["eve@example.com"], "Subject: hello\\n\\nhello\\n")
END

To end it all:   packaging/quickstart --stop""")


def stop():
    if not RUNNING.exists():
        print("nothing was left running")
        return
    state = json.loads(RUNNING.read_text())
    for pid, start in state["processes"]:
        if started_at(pid) != start:
            continue  # it ended by itself, and the id may be another's now
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for(lambda: started_at(pid) != start, 10, f"process {pid} to end")
        except Failure:
            os.killpg(pid, signal.SIGKILL)
    shutil.rmtree(state["folder"], ignore_errors=True)
    RUNNING.unlink()
    print("ended")


def end_early(number, _):
    raise Failure(f"ended by {signal.Signals(number).name}")


def main(arguments):
    if "--stop" in arguments:
        return stop()
    if RUNNING.exists():
        raise Failure("one is running already: packaging/quickstart --stop ends it")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_early)
    start = time.time()
    with Bench("quickstart") as bench:
        headline("Starting a private Postfix and Dovecot, the filter and the collector")
        daemons = Daemons(bench, "build/release", geo=make_database(bench.folder("etc") / "geo.mmdb"),
                          settings={"collector": {"rrd_delay": "1s"}})
        postfix = Postfix(bench, daemons.postfix_milter)
        show(daemons, postfix)
        show_traffic(daemons, start)
        keep_results(daemons)
        if "--keep" in arguments:
            return leave_running(bench, daemons, postfix)
    headline("Everything that was started is ended")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Failure, Skip) as reason:
        sys.exit(f"quickstart: {reason}")
