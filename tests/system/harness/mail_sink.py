"""A mail server on loopback that keeps what it is given, with STARTTLS by a certificate of its own making."""

import email
import email.policy
import socket
import ssl
import subprocess
import threading

from .bench import free_port, wait_for

NAME = "mail.test.invalid"


class Letter:
    """One mail: envelope, octets, whether it came encrypted; its headers and text as a mail program reads them."""

    def __init__(self, sender, recipients, octets, encrypted):
        self.sender, self.recipients, self.octets, self.encrypted = sender, recipients, octets, encrypted
        self.headers = email.message_from_bytes(octets, policy=email.policy.default)
        self.text = self.headers.get_content().replace("\r\n", "\n")

    @property
    def subject(self):
        return str(self.headers["Subject"])


class MailSink:
    """@param bench  where the certificate lies."""

    def __init__(self, bench):
        folder = bench.folder("sink")
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True, timeout=30)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate, key)
        self.port = free_port()
        self.letters = []
        self.refused = {}  # recipient -> reply
        self.listening = None
        self.start()

    def start(self):
        self.listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def stop(self):
        """Connections are refused from now on."""
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def wait_for(self, count, seconds):
        """The letters, once there are so many; more are a failure of who asks to see."""
        wait_for(lambda: len(self.letters) >= count, seconds, f"{count} mails, found {len(self.letters)}")
        return self.letters

    def _accept(self, listening):
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(30)
        try:
            self._talk(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def _talk(self, connection):
        stream, encrypted = connection.makefile("rwb"), False

        def say(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()
        say(f"220 {NAME} ready")
        sender, recipients = None, []
        while line := stream.readline():
            words = line.decode().rstrip("\r\n")
            verb = words.split(" ")[0].upper()
            if verb == "EHLO":
                say(f"250-{NAME}\r\n250-PIPELINING\r\n250 SIZE" if encrypted else f"250-{NAME}\r\n250-STARTTLS\r\n250 SIZE")
            elif verb == "STARTTLS":
                say("220 go ahead")
                connection = self.tls.wrap_socket(connection, server_side=True)
                stream, encrypted = connection.makefile("rwb"), True
            elif verb == "MAIL":
                sender, recipients = words[len("MAIL FROM:<"):-1], []
                say("250 ok")
            elif verb == "RCPT":
                recipient = words[len("RCPT TO:<"):-1]
                if recipient not in self.refused:
                    recipients.append(recipient)
                say(self.refused.get(recipient, "250 ok"))
            elif verb == "DATA":
                say("354 go on")
                octets = b""
                while (line := stream.readline()) != b".\r\n":
                    octets += line[1:] if line.startswith(b".") else line
                self.letters.append(Letter(sender, recipients, octets, encrypted))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("500 what?")
