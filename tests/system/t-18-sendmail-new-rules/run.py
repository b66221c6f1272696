#!/usr/bin/env python3
"""Rules that answer single recipients, count refused ones and hold mail, behind a real Sendmail whose sessions are open."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.case import run
from harness.daemons import Daemons
from harness.new_rules import NewRules
from harness.sendmail import PARENT, Sendmail


def test(bench, options):
    daemons = Daemons(bench, options.build)
    sendmail = Sendmail(bench, f"unix:{daemons.milter_socket}")
    # Sendmail tells filters of users of its own that do not exist; its held messages are named hf instead of qf.
    NewRules(sendmail, daemons, unknown="nosuch@localhost",
             is_held=lambda queue_id: (bench.root / f"sendmail/queue/hf{queue_id}").exists()).test()


run(test, parent=PARENT)
