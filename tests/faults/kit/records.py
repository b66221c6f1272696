"""What both logs hold, read on and on while they grow, and whether that is what the load generator was answered."""

import functools
import os
import re
import time

from harness.bench import Failure, wait_for
from harness.case import check, equal, step
from harness.stats_log import parse_line, parse_time

DOMAIN = "@example.com"
LOSS = re.compile(r"(\d+) messages passed and (\d+) refusals were answered without a record: .*")
QUIET = 1  # seconds without a line, after which nothing more is on its way

check_time = functools.lru_cache(4096)(parse_time)  # the same second many times over


class LogReader:
    """Reads every line of a log and its rotated files once, strictly.

    @param take       called with each line's fields
    @param take_loss  the same, with those of a line that tells of a loss; None: there must be none
    """

    def __init__(self, log, take, take_loss=None):
        self.path, self.take, self.take_loss = log.path, take, take_loss
        self.read_to = {}  # inode -> octets of whole lines
        self.last_number = {}  # journal -> number

    def read_on(self):
        """Takes what came since the last time. How many lines."""
        count = 0
        # The oldest first, so that numbers ascend over all of them; the plain name is the newest.
        for path in sorted(self.path.parent.glob(self.path.name + "*"), key=lambda p: (p == self.path, p.name)):
            with open(path, "rb") as file:
                count += self._read_on(file)
        return count

    def half_lines(self):
        """Files that do not end in a line feed."""
        return [path for path in self.path.parent.glob(self.path.name + "*")
                if path.stat().st_size > self.read_to.get(path.stat().st_ino, 0)]

    def _read_on(self, file):
        inode = os.fstat(file.fileno()).st_ino
        file.seek(self.read_to.get(inode, 0))
        octets = file.read()
        whole = octets[:octets.rfind(b"\n") + 1]
        self.read_to[inode] = self.read_to.get(inode, 0) + len(whole)
        lines = whole.split(b"\n")[:-1]
        for line in lines:
            fields = parse_line(line)
            self._check_common(fields)
            (self.take_loss if fields.get("action") == "loss" else self.take)(fields)
        return len(lines)

    def _check_common(self, fields):
        if fields.get("action") == "loss" and not self.take_loss:
            raise Failure(f"{self.path.name} tells of a loss: {fields}")
        check_time(fields["connect_time"])
        check_time(fields["eom_time"])
        journal, _, number = fields["id"].partition("-")
        if int(number) <= self.last_number.get(journal, 0):
            raise Failure(f"{self.path.name}: record {fields['id']} after {self.last_number[journal]} of that journal")
        self.last_number[journal] = int(number)


class Records:
    """The tries that stand in the logs of a collector, each with the number of its lines.

    @param may_lose  a journal that was full may have had no room for some, but then it says how many
    """

    def __init__(self, daemons, may_lose=False):
        self.passed, self.refused, self.twice = set(), set(), []
        self.ids = set()
        self.losses, self.lost, self.lost_refusals = 0, 0, 0
        self.readers = [LogReader(daemons.stats_log, self._take_passed),
                        LogReader(daemons.rejects_log, self._take_refused, self._take_loss if may_lose else None)]

    def read_on(self):
        return sum(reader.read_on() for reader in self.readers)

    def _take_passed(self, fields):
        queue_id = fields["queue_id"]
        self._take(fields, queue_id, self.passed)
        if "action" in fields or not fields["auth_id"].startswith("user-") or fields["sender"] != queue_id + DOMAIN:
            raise Failure(f"no line of mail that passes: {fields}")

    def _take_refused(self, fields):
        self._take(fields, fields["sender"].removesuffix(DOMAIN), self.refused)
        if (fields["action"], fields["stage"]) != ("reject", "mail") or not fields["auth_id"].startswith("refused-"):
            raise Failure(f"no line of mail that is refused: {fields}")

    def _take_loss(self, fields):
        said = LOSS.fullmatch(fields["reason"])
        if not said or said[1] != fields["count"] or fields["id"] in self.ids:
            raise Failure(f"no line of records for which there was no room: {fields}")
        self.ids.add(fields["id"])
        self.losses += 1
        self.lost += int(said[1])
        self.lost_refusals += int(said[2])

    def _take(self, fields, queue_id, into):
        if queue_id in into or fields["id"] in self.ids:
            self.twice.append(fields)
        into.add(queue_id)
        self.ids.add(fields["id"])

    def wait_for(self, answers, seconds):
        """Until all mail that passed is there and no more comes; what never comes is found by check_against()."""
        quiet_since = time.monotonic()

        def complete():
            nonlocal quiet_since
            if self.read_on():
                quiet_since = time.monotonic()
            return time.monotonic() - quiet_since > QUIET and len(answers.passed - self.passed) <= self.lost
        try:
            wait_for(complete, seconds, "records")
        except Failure:
            pass

    def wait_until_exact(self, answers, seconds):
        """Until nothing is missing but what the log tells of."""
        def missing():
            return len(answers.passed - self.passed), len(answers.refused - self.refused)

        def exact():
            self.read_on()
            check(not self.twice, lambda: f"twice: {self.twice[0]}")
            return missing() == (self.lost, self.lost_refusals)
        wait_for(exact, seconds, lambda: f"the logs: {missing()} messages and refusals are missing, they tell of "
                 f"{(self.lost, self.lost_refusals)}")

    def check_against(self, answers, may_be_unanswered=0, refusals_may_miss=False):
        """
        @param may_be_unanswered  records whose answer a killed filter did not give any more, at most
        @param refusals_may_miss  a refusal is answered before its record is safe, so a killed filter may owe some
        """
        self.read_on()
        for reader in self.readers:
            equal(reader.half_lines(), [], "files that do not end in a line feed")
        missing, unlogged = answers.passed - self.passed, answers.refused - self.refused
        unanswered = (self.passed - answers.passed) | (self.refused - answers.refused)
        wrong = unanswered - answers.broken
        step(f"{answers.tries} tries: {len(answers.passed)} passed, {len(answers.refused)} refused, "
             f"{len(answers.deferred)} deferred, {len(answers.broken)} broken; logged {len(self.passed)} passed, "
             f"{len(self.refused)} refused; {len(missing)} missing, {len(self.twice)} twice, {len(unlogged)} "
             f"refusals missing, {len(unanswered)} without an answer (at most {may_be_unanswered})" +
             (f"; {self.losses} lines tell of {self.lost} and {self.lost_refusals} lost" if self.losses else ""))
        check(len(missing) == self.lost, lambda: f"{len(missing)} records are missing, and the log tells of "
              f"{self.lost} losses; such as {sorted(missing)[:5]}")
        check(not self.twice, lambda: f"{len(self.twice)} records stand twice, such as {self.twice[0]}")
        both = self.passed & self.refused
        check(not both, lambda: f"in both logs: {sorted(both)[:5]}")
        check(not wrong, lambda: f"logged otherwise than answered, or never tried: {sorted(wrong)[:5]}")
        check(len(unanswered) <= may_be_unanswered, "more records without an answer than messages under way")
        check(refusals_may_miss or len(unlogged) == self.lost_refusals,
              lambda: f"{len(unlogged)} refusals not logged, and the log tells of {self.lost_refusals}; such as "
              f"{sorted(unlogged)[:5]}")
        check(len(answers.refused) * 5 >= answers.tries - len(answers.deferred),
              "less than a fifth of the load was refused")
