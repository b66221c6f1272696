"""How a test begins and ends: arguments, a limit in time, exit status 0, 1 or (skipped) 77."""

import argparse
import os
import random
import signal
import sys
import traceback

from .bench import Bench, Failure, Skip

SKIPPED = 77


class Ended(Exception):
    """By a signal or the time limit. No Failure, which a test may take for that of a part."""


def check(condition, what):
    if not condition:
        raise Failure(what() if callable(what) else what)


def equal(found, expected, what):
    if found != expected:
        raise Failure(f"{what}: found {found!r}, expected {expected!r}")


def step(text):
    print(f"ok: {text}", flush=True)


def run(test, limit=110, parent="/tmp", long_limit=None):
    """Runs test(bench, options) and exits.

    @param limit       seconds; CTest's own is a little more, so that this one still ends what was started
    @param parent      where the bench makes its private folder
    @param long_limit  the same, with --long; default: six times as much
    """
    sys.dont_write_bytecode = True
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--build", default="build/release", help="build folder, relative to the project")
    parser.add_argument("--long", action="store_true", help="more traffic, where a test knows such a thing")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="repeats what was random")
    options = parser.parse_args()
    seconds = (long_limit or 6 * limit) if options.long else limit

    def end_early(number, _):
        raise Ended(f"ended by {signal.Signals(number).name}" +
                    (f" after {seconds} s" if number == signal.SIGALRM else ""))
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_early)
    signal.alarm(seconds)
    name = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    try:
        with Bench(name[:4], parent) as bench:
            test(bench, options)
    except Skip as reason:
        print(f"SKIP: {reason}")
        sys.exit(SKIPPED)
    except (Failure, Ended) as failure:
        where = traceback.extract_tb(failure.__traceback__)
        print(f"FAILED: {failure}\n  at " + ", ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in where
                                                     if f.filename != __file__))
        sys.exit(1)
    print("passed")
