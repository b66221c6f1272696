"""How each scenario ends: everything is delivered, both daemons end in peace, and the logs are compared."""

from harness.case import equal

from .load import Answers
from .records import Records


def read_answers(*loads):
    answers = Answers()
    for load in loads:
        answers.read(load.answers_file)
    return answers


def settle(daemons, sites, answers, seconds, **how):
    """Waits until the mail that passed is logged, then ends the filters and the collector by TERM. The records."""
    records = Records(daemons, **how)
    records.wait_for(answers, seconds)
    for site in sites:
        equal(site.stop_filter(), 0, "a filter's exit status after TERM")
    equal(daemons.stop_collector(), 0, "the collector's exit status after TERM")
    return records
