#!/usr/bin/env python3
"""smtpauthctl explain on prepared cases (cases.py): it names the rule, and the numbers are those of who counts lines.

    run.py SMTPAUTHCTL [NAME]     only cases whose names have NAME

Each number is checked twice: against what cases.py says, and against a count of the log's lines made here.
"""

import gzip
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "system"))
from cases import CASES
from harness.stats_log import LABELS, parse_line

DAY = "2026-03-01"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f %z")


def escaped(text):
    text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}" for c in text)


def log_line(fields, journal, sequence):
    fields = dict(fields)
    time = fields["eom_time"] if " " in fields["eom_time"] else f"{DAY} {fields['eom_time']} +0000"
    at = moment(time)
    fields["eom_time"] = at.strftime("%Y-%m-%d %H:%M:%S %z")
    fields["eom_ms"] = at.microsecond // 1000
    fields["id"] = f"{journal}-{sequence}"
    text = []
    for label in LABELS:
        values = fields.get(label)
        for value in values if isinstance(values, list) else [] if values is None else [values]:
            text.append(f"{label}:{escaped(str(value))}")
    return "\t".join(text) + "\n"


def write_logs(case, folder):
    files, numbers = {}, {}
    for index, fields in enumerate(case.lines):
        journal = fields.get("journal", "a" * 16)
        numbers[journal] = fields.get("seq", numbers.get(journal, 0) + 1)
        name = case.files.get(index, fields["log"] + ".log")
        files.setdefault(name, []).append(log_line(fields, journal, numbers[journal]))
    for name, lines in files.items():
        content = "".join(lines).encode()
        path = folder / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        if name not in ("stats.log", "rejects.log"):  # written when its last line was
            fields = parse_line(lines[-1].encode().rstrip(b"\n"))
            last = datetime.strptime(fields["eom_time"], "%Y-%m-%d %H:%M:%S %z").timestamp() + 1
            os.utime(path, (last, last))


def all_lines(folder):
    """Each line of either log, with its fields, its moment, journal and number."""
    for path in sorted(folder.glob("*.log*")):
        content = path.read_bytes()
        for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
            fields = parse_line(line)
            fields["at"] = (datetime.strptime(fields["eom_time"], "%Y-%m-%d %H:%M:%S %z") +
                            timedelta(milliseconds=int(fields["eom_ms"])))
            journal, number = fields["id"].split("-")
            yield {**fields, "journal": journal, "number": int(number), "stats": path.name.startswith("stats")}


def name_in(scope, line):
    account = line.get("auth_id", "")
    if scope == "domain":
        return account.rpartition("@")[2] if "@" in account else ""
    return account if scope == "auth_id" else line.get("sender", "").lower()


def network(line):
    address = ipaddress.ip_address(line["client_address"])
    return ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False)


def is_charged(line, measure):
    """Passed or held; what was refused, or given up, only by the recipients that the MTA had refused of it."""
    if line["stats"] or line.get("action") == "hold":
        return True
    whole = line.get("action") == "attempt" or (line.get("queue_id") and line.get("stage") == "eom")
    return measure == "rejected-recipients" and whole and "rcpt_refused" in line


def new_recipients(lines, counted, decision):
    """How many the account had not written to in the 90 days before the decision, by message."""
    known, amount = set(), 0
    for line in sorted(lines, key=lambda line: line["at"]):
        if not (line["stats"] and line.get("auth_id") == decision["auth_id"]) or \
                decision["at"] - line["at"] >= timedelta(days=90):
            continue
        own = set(line["recipient"])
        amount += len(own - known) if line in counted else 0
        known |= own
    return amount


def count(folder, case, decision):
    """What stands in the rule's window, as a person counts it: (used, queue ids)."""
    with open(folder / "smtpauth.toml", "rb") as file:
        rule = tomllib.load(file)["limits"][case.rule]
    scope, measure = rule.get("per", "auth_id"), rule.get("count", "recipients")
    window = timedelta(seconds=int(rule["window"][:-1]) * UNITS[rule["window"][-1]])
    lines = [line for line in all_lines(folder)
             if line["journal"] in case.journals and line["number"] < decision["number"]]
    forgotten = max((line["number"] for line in lines if line.get("action") == "unblock" and scope == "auth_id" and
                     line["auth_id"] == decision.get("auth_id")), default=0)
    counted = [line for line in lines
               if line["number"] > forgotten
               and is_charged(line, measure)
               and name_in(scope, line) == name_in(scope, decision)
               and ("auth_id" in line or rule.get("unauthenticated"))
               and decision["at"] - line["at"] < window]
    counted.sort(key=lambda line: line["at"])
    used = {"messages": lambda: len(counted),
            "recipients": lambda: sum(int(line["rcpt_count"]) for line in counted),
            "bytes": lambda: sum(int(line.get("size", 0)) for line in counted),
            "rejected-recipients": lambda: sum(int(line.get("rcpt_refused", 0)) for line in counted),
            "new-recipients": lambda: new_recipients(lines, counted, decision),
            "networks": lambda: len({network(line) for line in counted})}[measure]()
    return used, [line["queue_id"] for line in counted]


def member(document, path):
    for name in path:
        document = document[name]
    return document


class Run:
    def __init__(self, program, case):
        self.program, self.case, self.faults = program, case, []

    def equal(self, found, expected, what):
        if found != expected:
            self.faults.append(f"{what}: found {found!r}, expected {expected!r}")

    def ask(self, *options):
        case = self.case
        done = subprocess.run([self.program, "explain", "-c", self.folder / "smtpauth.toml", "--since", case.since,
                               "--until", case.until, *options, "--", case.ask],
                              capture_output=True, text=True, timeout=20, env={**os.environ, "TZ": case.zone})
        self.equal((done.returncode, done.stderr), (case.status, ""), "exit status and standard error")
        return done.stdout

    def check(self, folder):
        self.folder, case = folder, self.case
        (folder / "reject_ids.txt").write_text("".join(f"{i}\n" for i in case.listed))
        config = case.config if "[filter]" in case.config else "[filter]\n" + case.config
        (folder / "smtpauth.toml").write_text(config.replace("[filter]\n", f'[filter]\nreject_ids = "{folder}/reject_ids.txt"\n')
                                              + f'[collector]\nstats_log = "{folder}/stats.log"\n'
                                                f'rejects_log = "{folder}/rejects.log"\n')
        write_logs(case, folder)
        text = self.ask()
        for part in case.text:
            if part not in text:
                self.faults.append(f"not in the text: {part!r}\n{text}")
        for part in case.not_text:
            if part in text:
                self.faults.append(f"in the text: {part!r}\n{text}")
        self.check_document(json.loads(self.ask("--json")))
        return self.faults

    def check_document(self, document):
        case = self.case
        explanation = document.get("explanation", {})
        self.equal(explanation.get("cause"), case.cause, "cause")
        if case.member:
            self.equal(member(document, case.member[0]), case.member[1], ".".join(map(str, case.member[0])))
        if case.rule:
            self.equal(explanation["decision"]["rule"], case.rule, "rule")
        if case.cause != "limit":
            return
        arithmetic = explanation["arithmetic"]
        self.equal({name: arithmetic.get(name) for name in case.expect}, case.expect, "arithmetic")
        self.equal(arithmetic["agrees"], case.agrees, "agrees")
        queue_ids = [mail["queue_id"] for mail in arithmetic["counted"]]
        self.equal(queue_ids, case.counted, "mail that counted")
        decision = next(line for line in all_lines(self.folder) if line["id"] == explanation["decision"]["id"])
        self.equal((arithmetic["used"], queue_ids), count(self.folder, case, decision), "used, and what counted")


def main():
    program, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    failures = 0
    cases = [case for case in CASES if wanted in case.name]
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="explain-") as folder:
            faults = Run(program, case).check(Path(folder))
        if faults:
            failures += 1
            print(f"FAIL  {case.name}\n      " + "\n      ".join(faults))
    print(f"{len(cases) - failures} of {len(cases)} cases pass")
    sys.exit(failures != 0 or not cases)


main()
