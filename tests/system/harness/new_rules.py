"""Rules that a reload brings while sessions are open, as every MTA must see them."""

import signal

from .bench import wait_for
from .case import check, equal, step
from .smtp import Submission, message, queue_id

SINGLY = {"count": "recipients", "limit": 5, "window": "1h", "over": "recipient"}
REFUSED = {"count": "rejected-recipients", "limit": 3, "window": "1h", "action": "reject"}
HELD = {"count": "messages", "limit": 1, "window": "1h", "action": "hold"}


class NewRules:
    """@param mta      a Postfix or a Sendmail
    @param unknown  a recipient that the MTA refuses, and tells the filter of
    @param is_held  (queue id) whether the message stands in the MTA's queue of held mail
    """

    def __init__(self, mta, daemons, unknown, is_held):
        self.mta, self.daemons, self.unknown, self.is_held = mta, daemons, unknown, is_held
        self.reloads = 0

    def test(self):
        self.recipients_singly()
        self.refused_recipients()
        self.hold()
        self.daemons.filter.must_live()
        self.daemons.collector.must_live()

    def session(self, user):
        return Submission(self.mta.submission, user)

    def reload(self, **rules):
        """In force are these rules, and no others."""
        for table in [t for t in self.daemons.settings if t.startswith("limits.")]:
            del self.daemons.settings[table]
        self.daemons.configure({"limits.default": {"mode": "off"}} | {f"limits.{n}": r for n, r in rules.items()})
        self.reloads += 1
        self.daemons.filter.send_signal(signal.SIGHUP)
        wait_for(lambda: self.daemons.log_text("filter").count("configuration reloaded") == self.reloads, 10,
                 "the filter to reload")

    @staticmethod
    def codes(session, *recipients):
        return [session.rcpt(recipient)[0] for recipient in recipients]

    def recipients_singly(self):
        seven = [f"r{n}@example.com" for n in range(7)]
        old = self.session("bob")
        self.reload(single=SINGLY)
        with self.session("alice") as new, self.session("alice") as other:
            equal([new.mail()[0], *self.codes(new, *seven)], [250] * 6 + [450] * 2, "answers to MAIL and seven RCPT")
            equal([other.mail()[0]], [450], "the answer to MAIL while all that may be sent is reserved")
            new.reset()
            equal(new.mail()[0], 250, "the answer to MAIL after RSET")  # Postfix tells of the RSET no sooner
            equal([other.mail()[0], *self.codes(other, *seven[:3])], [250] * 4, "answers after the other gave up")
            equal(self.codes(new, *seven[:3]), [250, 250, 450], "answers beside three reserved ones")
            code, text = other.data(message())
            equal(code, 250, "the answer to the message with three recipients")
            line = self.daemons.stats_log.wait_for_one(10, queue_id=queue_id((code, text)))
            equal(line["recipient"], seven[:3], "recipients in the stats log")
        lines = self.daemons.rejects_log.find(auth_id="alice", rule="single", stage="rcpt")
        equal([line["recipient"] for line in lines], [[seven[5]], [seven[6]], [seven[2]]], "recipients refused singly")
        check(not any("queue_id" in line for line in lines), "a recipient that was refused singly has a queue id")
        with old:
            equal([old.mail()[0], *self.codes(old, *seven[:6])], [250] * 7, "answers in a session older than the rule")
            equal(old.data(message())[0], 450, "the answer to its message, which is judged as a whole")
            equal(old.send(recipients=seven[:5])[0], 250, "the answer to one that fits")
        check("older than over = \"recipient\"" in self.daemons.log_text("filter"), "the filter has not said so")
        step("over = \"recipient\": reserved, given back, refused singly; in an older session as a whole")

    def refused_recipients(self):
        with self.session("alice") as old, self.session("alice") as other:
            self.reload(bad=REFUSED)
            equal(old.mail()[0], 250, "the answer to MAIL")
            check(all(code >= 500 for code in self.codes(old, *[self.unknown] * 4)), "the MTA takes an unknown recipient")
            equal(other.send()[0], 250, "the answer to another session's message, as this one has no end yet")
            old.reset()
            code, text = old.mail()  # by now Postfix has told of the RSET
            equal(code, 550, "the answer to MAIL behind four unknown recipients")
            check("bad: 4 rejected-recipients in 1h by this auth_id, at most 3" in text, f"the answer says: {text}")
            equal(other.mail()[0], 550, "the answer to MAIL in another session")
            line = self.daemons.rejects_log.wait_for_one(10, action="attempt", auth_id="alice")
            equal((line["rcpt_refused"], line["recipient"], line.get("rcpt_count")), ("4", [], None), "the attempt")
        step("rejected-recipients counts what the MTA refused in a message that came to no end")

    def hold(self):
        with self.session("bob") as old:
            self.reload(held=HELD)
            equal(old.send()[0], 250, "the answer to a message")  # the second since bob's first: beyond the limit
            answer = old.send(recipients=["x@example.com", "y@example.com"])
            equal(answer[0], 250, "the answer to a message that is held")
        line = self.daemons.rejects_log.wait_for_one(10, queue_id=queue_id(answer))
        equal((line["action"], line["rule"], line["stage"]), ("hold", "held", "eom"), "what the log says")
        equal(self.daemons.stats_log.find(queue_id=queue_id(answer)), [], "lines of held mail in the stats log")
        wait_for(lambda: self.is_held(queue_id(answer)), 10, "the message to be held by the MTA")
        step("hold: the message stands in the MTA's queue of held mail")
