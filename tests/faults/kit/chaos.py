"""Ends daemons and starts them again, at random times under load."""

import re
import signal
import time

from harness.bench import wait_for
from harness.case import equal

# Seconds that a daemon is left alone after its socket answers again.
SHORTEST, LONGEST = 0.005, 0.2


class Restarts:
    """Of one or several daemons, each given as its stop and its start.

    @param random   a random.Random of a seed that was printed
    @param longest  seconds between two times, at most
    """

    def __init__(self, random, *daemons, number=signal.SIGKILL, status=-signal.SIGKILL, longest=LONGEST):
        self.random, self.daemons, self.longest = random, daemons, longest
        self.number, self.status = number, status
        self.counts = [0] * len(daemons)

    def once(self):
        """Some of them at once, then a while of peace."""
        chosen = self.random.sample(range(len(self.daemons)), self.random.randint(1, min(2, len(self.daemons))))
        for which in chosen:
            stop, _ = self.daemons[which]
            equal(stop(self.number), self.status, "exit status")
            self.counts[which] += 1
        self.random.shuffle(chosen)
        for which in chosen:
            _, start = self.daemons[which]
            start()
        time.sleep(self.random.uniform(SHORTEST, self.longest))

    def times(self, count):
        for _ in range(count):
            self.once()

    def for_seconds(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.once()


def of_collector(daemons):
    """Its socket takes connections while it still reads its logs back; it serves them only afterwards."""
    def start():
        daemons.start_collector()
        wait_for(lambda: "listening on" in daemons.collector.said(), 10, "the collector to serve")
    return daemons.stop_collector, start


def of_filter(site):
    return site.stop_filter, site.start_filter


def sessions_of_filters(daemons):
    """How often a filter had its WELCOME: where none had, a kill proves little."""
    return len(re.findall("connected, journal", daemons.log_text("collector")))
