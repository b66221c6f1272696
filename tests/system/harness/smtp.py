"""A submission client: one SMTP session, each answer as (code, text)."""

import base64
import smtplib
import time

from .postfix import USERS


def message(subject="test", body=b"hello\r\n", sender="alice@example.org", extra=b""):
    """The octets of a message with every header that an MTA would otherwise add."""
    return (f"From: <{sender}>\r\nTo: <bob@example.com>\r\nSubject: {subject}\r\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{time.monotonic_ns()}@test.invalid>\r\n"
            ).encode() + extra + b"\r\n" + body


class Submission:
    """@param client  (address, port) of the client that the MTA is to believe in, by XCLIENT."""

    def __init__(self, address, user=None, password=None, client=None, timeout=30):
        self.smtp = smtplib.SMTP(*address, timeout=timeout)
        self.ehlo()
        if client:
            host, port = client
            prefix = "IPV6:" if ":" in host else ""
            self.expect(220, self.smtp.docmd("XCLIENT", f"ADDR={prefix}{host} PORT={port}"))
            self.ehlo()
        if user:
            self.expect(235, self.auth(user, USERS[user] if password is None else password))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.smtp.close()

    def ehlo(self):
        self.expect(250, self.smtp.ehlo("client.test.invalid"))

    def auth(self, user, password):
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.smtp.docmd("AUTH", "PLAIN " + token)

    def mail(self, sender="alice@example.org", arguments=""):
        return self._answer(self.smtp.docmd("MAIL", f"FROM:<{sender}>{arguments}"))

    def rcpt(self, recipient):
        return self._answer(self.smtp.docmd("RCPT", f"TO:<{recipient}>"))

    def data(self, octets):
        """Sends DATA and the message as it is, dots doubled."""
        self.expect(354, self.smtp.docmd("DATA"))
        octets = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
        self.smtp.send(b"\r\n".join(b"." + line if line.startswith(b".") else line
                                    for line in octets.split(b"\r\n")) + b".\r\n")
        return self._answer(self.smtp.getreply())

    def reset(self):
        self.smtp.docmd("RSET")

    def quit(self):
        self.smtp.docmd("QUIT")
        self.smtp.close()

    def send(self, sender="alice@example.org", recipients=("bob@example.com",), octets=None):
        """A whole message. The answer to the first command that was refused, or to the message."""
        answer = self.mail(sender)
        if answer[0] != 250:
            return answer
        for recipient in recipients:
            answer = self.rcpt(recipient)
            if answer[0] != 250:
                self.reset()
                return answer
        return self.data(message(sender=sender) if octets is None else octets)

    @staticmethod
    def expect(code, answer):
        if answer[0] != code:
            raise smtplib.SMTPResponseException(answer[0], answer[1])

    @staticmethod
    def _answer(answer):
        return answer[0], answer[1].decode(errors="replace")


def queue_id(answer):
    """The queue id in the answer to an accepted message: Postfix "queued as ID", Sendmail "ID Message accepted"."""
    words = answer[1].split()
    return words[words.index("as") + 1] if "as" in words else words[1]
