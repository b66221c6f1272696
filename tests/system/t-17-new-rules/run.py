#!/usr/bin/env python3
"""Rules that answer single recipients, count refused ones and hold mail, behind a real Postfix whose sessions are open."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.case import run
from harness.daemons import Daemons
from harness.new_rules import NewRules
from harness.postfix import Postfix


def test(bench, options):
    daemons = Daemons(bench, options.build)
    postfix = Postfix(bench, daemons.postfix_milter, settings=("smtpd_error_sleep_time = 0",))
    NewRules(postfix, daemons, unknown="refused@example.com",
             is_held=lambda queue_id: (postfix.spool / "hold" / queue_id).exists()).test()


run(test)
