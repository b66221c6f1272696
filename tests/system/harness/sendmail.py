"""A private Sendmail with SMTP AUTH (Cyrus SASL), on loopback, which keeps what it accepts in its queue.

It is unpacked into the private folder and run from there. Sendmail refuses files and milter sockets below a folder
that others may write to, so the bench must not stand in /tmp.
"""

import subprocess

from .bench import Failure, Skip, accepts, free_port, has_ipv6, wait_for
from .postfix import USERS
from .unpacked import missing_libraries, unpack

PARENT = "/var/lib"  # for Bench: not writable by others
REALM = "test.invalid"


class Sendmail:
    """Submission with AUTH on 127.0.0.1 and ::1; mail without AUTH is relayed from loopback.

    The recipients refused@example.com and deferred@example.com are refused by Sendmail itself (550, 450).

    @param milter  as in S= of INPUT_MAIL_FILTER, "" for none
    """

    def __init__(self, bench, milter):
        self.bench = bench
        try:
            self.root = unpack(bench.folder("sendmail/root"), "sendmail-bin", "sendmail-base", "sendmail-cf",
                               "sasl2-bin")
        except Failure as reason:
            raise Skip(str(reason)) from None
        self.program = self.root / "usr/libexec/sendmail/sendmail"
        if missing := missing_libraries([self.program, self.root / "usr/sbin/saslpasswd2"]):
            raise Skip(f"the unpacked Sendmail lacks {', '.join(missing)}: run ./tests/run")
        self.etc = bench.folder("sendmail/etc")
        bench.folder("sendmail/queue", mode=0o700)
        self.log = bench.logs / "sendmail.log"
        self.submission = ("127.0.0.1", free_port())
        self.submission6 = ("::1", self.submission[1])
        self._write_users()
        self._write_cf(milter)
        self._start()

    def queue_file(self, queue_id):
        """The lines of a queued message's control file: Sendmail's own word, since it logs to syslog only."""
        return (self.bench.root / f"sendmail/queue/qf{queue_id}").read_text(errors="replace").splitlines()

    def _write_users(self):
        sasl = self.bench.folder("sendmail/sasl")
        for name, password in USERS.items():
            name, _, realm = name.partition("@")
            subprocess.run([self.root / "usr/sbin/saslpasswd2", "-p", "-c", "-f", sasl / "sasldb2", "-u",
                            realm or REALM, name], input=password.encode(), check=True, timeout=30)
        (sasl / "sasldb2").chmod(0o600)
        (sasl / "Sendmail.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {sasl}/sasldb2\nmech_list: PLAIN LOGIN\n")

    def _write_cf(self, milter):
        etc, home, macros = self.etc, self.bench.root / "sendmail", self.root / "usr/share/sendmail/cf"
        (etc / "local-host-names").write_text("localhost\n")
        (etc / "aliases").write_text("")
        (etc / "service.switch").write_text("hosts files\naliases files\npasswd files\n")
        (etc / "access").write_text("To:refused@example.com\tERROR:5.1.1:550 no such user here\n"
                                    "To:deferred@example.com\tERROR:4.2.1:450 try later\n"
                                    "Connect:127.0.0.1\tRELAY\nConnect:IPv6:::1\tRELAY\n")
        settings = {
            "confDOMAIN_NAME": "mx.test.invalid", "QUEUE_DIR": f"{home}/queue", "ALIAS_FILE": f"{etc}/aliases",
            "confCW_FILE": f"{etc}/local-host-names", "confPID_FILE": f"{home}/sendmail.pid",
            "STATUS_FILE": f"{home}/statistics", "HELP_FILE": "/dev/null", "confHOST_STATUS_DIRECTORY": "",
            "confCONTROL_SOCKET_NAME": "", "confDONT_PROBE_INTERFACES": "True", "confCONNECTION_RATE_THROTTLE": "0",
            "confREFUSE_LA": "100", "confQUEUE_LA": "100", "confTO_IDENT": "0s", "confBAD_RCPT_THROTTLE": "0",
            "confBIND_OPTS": "-DNSRCH -DEFNAMES", "confSERVICE_SWITCH_FILE": f"{etc}/service.switch",
            "confAUTH_REALM": REALM, "confAUTH_MECHANISMS": "PLAIN LOGIN", "confAUTH_OPTIONS": "A",
            "confDELIVERY_MODE": "queueonly",
        }
        port = self.submission[1]
        lines = ["divert(0)dnl", "OSTYPE(`linux')dnl", "DOMAIN(`generic')dnl",
                 *(f"define(`{name}', `{value}')dnl" for name, value in settings.items()),
                 "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl",
                 *(f"FEATURE({feature})dnl" for feature in
                   ("`no_default_msa'", "`nocanonify'", "`accept_unresolvable_domains'",
                    "`accept_unqualified_senders'", f"`access_db', `hash -o -T<TMPF> {etc}/access'",
                    "`blocklist_recipients'")),
                 f"DAEMON_OPTIONS(`Name=MSA, Family=inet, Addr=127.0.0.1, Port={port}')dnl"]
        if has_ipv6():
            lines.append(f"DAEMON_OPTIONS(`Name=MSA6, Family=inet6, Addr=::1, Port={port}')dnl")
        if milter:
            lines.append(f"INPUT_MAIL_FILTER(`smtpauth', `S={milter}, F=T, T=C:10s;S:10s;R:10s;E:60s')dnl")
        lines += ["MAILER(`local')dnl", "MAILER(`smtp')dnl", "LOCAL_CONFIG", f"ESASL_CONF_PATH={home}/sasl"]
        (etc / "sendmail.mc").write_text("\n".join(lines) + "\n")
        made = subprocess.run(["m4", f"-I{macros}", f"-D_CF_DIR_={macros}/", macros / "m4/cf.m4", etc / "sendmail.mc"],
                              capture_output=True, text=True, check=True, timeout=30)
        (etc / "sendmail.cf").write_text(made.stdout)
        subprocess.run([self.root / "usr/libexec/sendmail/makemap", "-C", etc / "sendmail.cf", "hash", etc / "access"],
                       input=(etc / "access").read_bytes(), check=True, timeout=30)

    def _start(self):
        self.process = self.bench.start("sendmail", self._in_a_named_host([
            self.program, f"-C{self.etc}/sendmail.cf", "-bD", "-O", "LogLevel=9"]))
        try:
            wait_for(lambda: accepts(self.submission), 75, "Sendmail to listen")
        except Failure:
            raise Skip(f"Sendmail does not start here: {self.log.read_text(errors='replace')[-300:]}") from None

    @staticmethod
    def _in_a_named_host(command):
        """Sendmail sleeps for a minute where the host's name has no dot; in a namespace of its own it has one."""
        if subprocess.run(["unshare", "--uts", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            return command
        return ["unshare", "--uts", "sh", "-c", 'hostname mx.test.invalid; exec "$@"', "sh", *command]
