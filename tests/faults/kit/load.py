"""The load generator (tests/bench/load) at work on a filter, and what it was answered."""

import json
import signal

from harness.bench import PROJECT, Failure, wait_for
from harness.case import check

IDS = 10000
REFUSED_SHARE = 0.25  # what is asked for; a fifth at least is checked
CONNECTIONS = 20
RATE = 2500

# What the reject list has to hold: the generator's refused ids.
REFUSED_IDS = [f"refused-{n}@example.com" for n in range(IDS)]


def accounts(seed):
    """The options that say whose mail is sent."""
    return {"ids": IDS, "refused_share": REFUSED_SHARE, "seed": seed}


class Answers:
    """What the tries of any number of generators became, by queue id."""

    def __init__(self):
        self.passed, self.refused, self.deferred, self.broken = set(), set(), set(), set()
        self.by_name = {"accept": self.passed, "continue": self.passed, "reject": self.refused,
                        "tempfail": self.deferred, "broken": self.broken}
        self.tries = 0

    def read(self, path):
        """Adds a generator's answers file."""
        with open(path) as lines:
            for line in lines:
                queue_id, outcome, milliseconds, *marks = line.split()
                float(milliseconds)
                if marks not in ([], ["paused"]):
                    raise Failure(f"answer {line!r}")
                self.by_name[outcome].add(queue_id)
                self.tries += 1
        check(sum(len(ids) for ids in (self.passed, self.refused, self.deferred, self.broken)) == self.tries,
              "a queue id was used twice by the load generator itself")


class Load:
    """Works from its making on.

    @param name     also the prefix of its queue ids, so that several may work at once
    @param options  the generator's own, as in tests/bench/load.cpp, with "_" for "-"
    """

    def __init__(self, bench, build, socket, name="load", **options):
        self.answers_file = bench.root / f"{name}.answers"
        self.output = bench.logs / f"{name}.log"
        self.connections = options.setdefault("connections", CONNECTIONS) + options.get("pause_sessions", 0)
        argv = [PROJECT / build / "tests/bench/load", "--answers", self.answers_file, "--prefix", name]
        for option, value in options.items():
            argv += ["--" + option.replace("_", "-"), value]
        self.process = bench.start(name, [*argv, socket])

    def stop(self):
        """No more messages; the summary."""
        self.process.must_live()
        self.process.send_signal(signal.SIGTERM)
        return self.finish(20)

    def finish(self, seconds, quiet=False):
        """Waits for the end that its options say. The summary."""
        wait_for(lambda: not self.process.alive(), seconds, f"{self.process.name} to end")
        status = self.process.stop()
        said = self.output.read_text().splitlines()
        check(status == 0 and said, lambda: f"{self.process.name} ended with status {status}: {said[-3:]}")
        summary = json.loads(said[-1])
        if not quiet:
            print(f"{self.process.name}: {json.dumps(summary)}", flush=True)
        return summary
