"""The check that stands behind every fault test finds each fault that it is there for.

One mail passed (ok-1), one was refused (ok-2); the logs tell so, but for what a test changes.
"""

import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from harness.bench import Failure
from harness.stats_log import StatsLog
from kit.load import Answers
from kit.records import Records

TIMES = "connect_time:2026-03-01 21:34:54 +0900\t{}\teom_time:2026-03-01 21:34:56 +0900"
PASSED = (TIMES.format("auth_id:user-1@example.com\tsender:ok-1@example.com") +
          "\tqueue_id:ok-1\trcpt_count:1\teom_ms:7\tid:5b36c2cb32b94b2d-{}\n")
REFUSED = (TIMES.format("auth_id:refused-1@example.com\tsender:ok-2@example.com") +
           "\taction:reject\trule:reject_ids\teom_ms:7\tid:5b36c2cb32b94b2d-2\tstage:mail\treason:550\n")
LOSS = ("connect_time:2026-03-01 21:34:54 +0900\teom_time:2026-03-01 21:34:56 +0900\taction:loss\teom_ms:7\t"
        "id:5b36c2cb32b94b2d-9\treason:{0} messages passed and {1} refusals were answered without a record: the "
        "journal could not keep them\tcount:{0}\n")
ANSWERS = "ok-1 continue 0.100\nok-2 reject 0.050\n"


class Accounting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.daemons = SimpleNamespace(stats_log=StatsLog(self.folder / "stats.log"),
                                       rejects_log=StatsLog(self.folder / "rejects.log"))

    def check(self, stats=PASSED.format(1), rejects=REFUSED, answers=ANSWERS, may_lose=False, **how):
        self.daemons.stats_log.path.write_text(stats)
        self.daemons.rejects_log.path.write_text(rejects)
        (self.folder / "answers").write_text(answers)
        given = Answers()
        given.read(self.folder / "answers")
        Records(self.daemons, may_lose).check_against(given, **how)

    def refuses(self, what, **how):
        with self.assertRaisesRegex(Failure, what):
            self.check(**how)

    def test_what_is_logged_as_answered_passes(self):
        self.check()

    def test_a_missing_record(self):
        self.refuses("1 records are missing", stats="")

    def test_a_missing_refusal_counts_where_no_filter_was_killed(self):
        self.refuses("refusals not logged", rejects="")
        self.check(rejects="", refusals_may_miss=True)

    def test_a_record_twice(self):
        self.refuses("stand twice", stats=PASSED.format(1) + PASSED.format(3))

    def test_a_record_twice_over_a_rotation(self):
        (self.folder / "stats.log.20260228").write_text(PASSED.format(1))
        self.refuses("stand twice", stats=PASSED.format(3))

    def test_numbers_that_do_not_ascend(self):
        self.refuses("record 5b36c2cb32b94b2d-2 after 3", stats=PASSED.format(3) + PASSED.format(2))

    def test_mail_that_was_refused_and_passed(self):
        self.refuses("in both logs", rejects=REFUSED + REFUSED.replace("ok-2", "ok-1").replace("-2\tstage", "-3\tstage"))

    def test_a_record_that_nobody_was_answered(self):
        unanswered = ANSWERS.replace("continue", "broken")
        self.refuses("without an answer", answers=unanswered)
        self.check(answers=unanswered, may_be_unanswered=1)

    def test_a_record_that_was_answered_otherwise(self):
        self.refuses("logged otherwise", answers=ANSWERS.replace("continue", "tempfail"), may_be_unanswered=1)

    def test_a_loss(self):
        self.refuses("tells of a loss", rejects=REFUSED + "action:loss\teom_ms:1\tid:5b36c2cb32b94b2d-9\tcount:4\n")

    def test_losses_that_are_told_of_exactly(self):
        self.check(stats="", rejects=REFUSED + LOSS.format(1, 0), may_lose=True)
        self.check(stats="", rejects=LOSS.format(1, 1), may_lose=True)

    def test_losses_that_are_told_of_otherwise(self):
        self.refuses("tells of 2 losses", stats="", rejects=REFUSED + LOSS.format(2, 0), may_lose=True)
        self.refuses("tells of 1 losses", rejects=REFUSED + LOSS.format(1, 0), may_lose=True)
        self.refuses("not logged, and the log tells of 0", stats="", rejects=LOSS.format(1, 0), may_lose=True)
        self.refuses("no room", stats="", rejects=REFUSED + LOSS.format(1, 0).replace("count:1", "count:2"),
                     may_lose=True)

    def test_a_line_that_is_none(self):
        self.refuses("no field of the log", stats=PASSED.format(1) + "half a li\n")

    def test_a_half_line(self):
        self.refuses("line feed", stats=PASSED.format(1) + "client_address:19")


unittest.main()
