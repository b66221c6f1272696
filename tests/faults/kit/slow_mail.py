"""Sessions that know which command of a message was answered, and take their time between two, so that a filter that
is to end finds them in the middle of a message."""

import random
import threading
import time

from harness.bench import Failure
from harness.milter_mta import CONTINUE, MilterMta

SLOW, QUICK = 0.4, 0.05  # seconds between two commands of a message, at most


class SlowSession(threading.Thread):
    """Connects again where it lost its connection.

    @param name     the prefix of its queue ids
    @param longest  seconds between two commands
    """

    def __init__(self, socket, name, seed, longest):
        super().__init__(daemon=True)
        self.socket, self.prefix, self.random = socket, name, random.Random(f"{seed} {name}")
        self.longest = longest
        self.passed, self.broken, self.otherwise = set(), set(), []
        self.lost_between = 0
        self.refused = []
        self.ended = False
        self.tried = 0

    def run(self):
        while not self.ended:
            try:
                mta = MilterMta(self.socket)
            except (Failure, ConnectionResetError, BrokenPipeError):
                self.lost_between += 1  # taken by a filter that ends
            except OSError as error:
                self.refused.append(error)
            else:
                with mta:
                    self._use(mta)

    def _use(self, mta):
        while not self.ended:
            self.tried += 1
            queue_id = f"{self.prefix}-{self.tried}"
            try:
                mta.abort()  # as after each message
                self._take(queue_id, mta.mail(f"<{queue_id}@example.com>", "user-slow@example.com"))
            except (Failure, OSError):
                self.lost_between += 1
                return
            try:
                self._send(mta, queue_id)
            except (Failure, OSError):
                self.broken.add(queue_id)
                return

    def _send(self, mta, queue_id):
        self._wait()
        mta.rcpt("<bob@example.net>")
        self._wait()
        if self._take(queue_id, mta.content(queue_id=queue_id)):
            self.passed.add(queue_id)

    def _take(self, queue_id, reply):
        if reply != CONTINUE:
            self.otherwise.append((queue_id, reply))
        return reply == CONTINUE

    def _wait(self):
        time.sleep(self.random.uniform(0, self.longest))


class SlowMail:
    """So many sessions at work, from the making on."""

    def __init__(self, socket, sessions, seed):
        self.sessions = [SlowSession(socket, f"slow{n}", seed, (SLOW, QUICK)[n % 2]) for n in range(sessions)]
        for session in self.sessions:
            session.start()

    def stop(self):
        for session in self.sessions:
            session.ended = True
        for session in self.sessions:
            session.join()

    def all_of(self, name):
        """One list of what each has of this name."""
        return [item for session in self.sessions for item in getattr(session, name)]

    @property
    def lost_between(self):
        return sum(session.lost_between for session in self.sessions)

    def add_to(self, answers):
        answers.passed.update(self.all_of("passed"))
        answers.broken.update(self.all_of("broken"))
        answers.tries += sum(session.tried for session in self.sessions)
