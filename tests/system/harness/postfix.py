"""A private Postfix with Dovecot for SMTP AUTH, on loopback, which throws away what it accepts.

Both are unpacked into the private folder and run from there. Postfix learns of its place from main.cf; Dovecot's
programs have /etc/dovecot compiled in, so doveconf starts it with the configuration in its hands.
"""

import os
import re
import shutil
import subprocess

from .bench import (DOVECOT_LOGIN_USER, DOVECOT_USER, POSTFIX_SETGID_GROUP, POSTFIX_USER, Failure, accepts, free_port,
                    has_ipv6, wait_for)
from .unpacked import missing_libraries, unpack

USERS = {"alice": "alice-pw", "bob": "bob-pw", "spammer": "spam-pw", "SpAmMeR": "spam-pw",
         "carol@example.org": "carol-pw"}

SERVICES = """
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Submission with AUTH on 127.0.0.1 and ::1, a relay port without AUTH; XCLIENT is allowed from loopback.

    The recipients refused@example.com and deferred@example.com are refused by Postfix itself (550, 450).

    @param milter    as in smtpd_milters, "" for none
    @param settings  further lines of main.cf
    """

    def __init__(self, bench, milter, settings=()):
        self.bench = bench
        self.root = unpack(bench.folder("postfix/root"), "postfix", "dovecot-core")
        lib = self.root / "usr/lib"
        self.library_path = f"{lib}/postfix:{lib}/dovecot:{lib}/dovecot/modules/old-stats"
        if missing := missing_libraries([lib / "postfix/sbin/smtpd", lib / "postfix/sbin/master", lib / "dovecot/auth",
                                         self.root / "usr/sbin/dovecot"], self.library_path):
            raise Failure(f"the unpacked Postfix and Dovecot lack {', '.join(missing)}: run ./tests/run")
        self.env = dict(os.environ, LD_LIBRARY_PATH=self.library_path)
        self.log = bench.logs / "postfix-mail.log"
        self.submission = ("127.0.0.1", free_port())
        self.submission6 = ("::1", self.submission[1])
        self.relay = ("127.0.0.1", free_port())
        self.etc = bench.folder("postfix/etc")
        self.spool = bench.folder("postfix/spool")
        bench.folder("postfix/data", owner=POSTFIX_USER)
        self._write_main_cf(milter, settings)
        self._write_master_cf()
        self._make_queue()
        # An smtpd that finds no Dovecot ends, and Postfix then waits for a minute before it starts another.
        self._start_dovecot()
        self._start_postfix()

    def sendmail(self, sender, recipients, message):
        """Submits by the sendmail command, not by SMTP."""
        subprocess.run([self.root / "usr/sbin/sendmail", "-C", self.etc, "-i", "-f", sender, *recipients],
                       input=message, check=True, env=self.env, timeout=30)

    def log_lines(self, queue_id):
        """What Postfix logged of one message, until it left the queue: the texts after the queue id."""
        def whole_story():
            lines = re.findall(rf"\]: {queue_id}: (.*)", self.log.read_text(errors="replace"))
            return "removed" in lines and lines
        return wait_for(whole_story, 10, f"Postfix to deliver {queue_id}")

    def _write_main_cf(self, milter, settings):
        bench, root, home = self.bench, self.root, self.bench.root / "postfix"
        environment = f"MAIL_CONFIG MAIL_LOGTAG TZ LD_LIBRARY_PATH={self.library_path}"
        lines = [
            "compatibility_level = 3.6",
            f"queue_directory = {self.spool}",
            f"data_directory = {home}/data",
            f"command_directory = {root}/usr/sbin",
            f"daemon_directory = {root}/usr/lib/postfix/sbin",
            f"shlib_directory = {root}/usr/lib/postfix",
            f"meta_directory = {root}/etc/postfix",
            f"sendmail_path = {root}/usr/sbin/sendmail",
            f"import_environment = {environment}",
            f"export_environment = {environment}",
            f"mail_owner = {POSTFIX_USER}",
            f"setgid_group = {POSTFIX_SETGID_GROUP}",
            f"maillog_file = {self.log}",
            f"maillog_file_prefixes = {bench.logs}",
            "myhostname = mx.test.invalid",
            "mydestination =",
            "alias_maps =",
            "inet_interfaces = 127.0.0.1" + (", [::1]" if has_ipv6() else ""),
            "inet_protocols = " + ("all" if has_ipv6() else "ipv4"),
            "mynetworks = 127.0.0.0/8 [::1]/128",
            "default_transport = discard:",
            "relay_transport = discard:",
            "local_transport = discard:",
            "notify_classes =",
            "smtpd_sasl_type = dovecot",
            "smtpd_sasl_path = private/auth",
            "smtpd_peername_lookup = no",
            "smtpd_client_port_logging = yes",
            "smtpd_authorized_xclient_hosts = 127.0.0.1, [::1]",
            "smtpd_client_connection_count_limit = 0",
            "smtpd_client_connection_rate_limit = 0",
            "smtpd_recipient_limit = 2000",
            f"smtpd_milters = {milter}",
            f"non_smtpd_milters = {milter}",
            *settings,
        ]
        (self.etc / "main.cf").write_text("\n".join(lines) + "\n")
        (self.etc / "recipients").write_text(
            "refused@example.com REJECT no such user here\ndeferred@example.com DEFER try later\n")

    def _write_master_cf(self):
        rules = f"check_recipient_access,texthash:{self.etc}/recipients"
        submission = (f"-o smtpd_sasl_auth_enable=yes "
                      f"-o smtpd_recipient_restrictions={rules},permit_sasl_authenticated,reject")
        relay = f"-o smtpd_recipient_restrictions={rules},permit_mynetworks,reject"
        port = self.submission[1]
        smtpd = [f"127.0.0.1:{port} inet n - n - - smtpd {submission}",
                 f"127.0.0.1:{self.relay[1]} inet n - n - - smtpd {relay}"]
        if has_ipv6():
            smtpd.append(f"[::1]:{port} inet n - n - - smtpd {submission}")
        (self.etc / "master.cf").write_text("\n".join(smtpd) + SERVICES)

    def _make_queue(self):
        # "check" makes the queue's folders; its complaints about a setgid program do not matter to root.
        check = subprocess.run([self.root / "usr/sbin/postfix", "-c", self.etc, "check"], env=self.env, timeout=30,
                               capture_output=True, text=True)
        if check.returncode != 0:
            raise Failure(f"postfix check: {check.stderr}")

    def _start_postfix(self):
        self.process = self.bench.start("postfix", [self.root / "usr/lib/postfix/sbin/master", "-c", self.etc, "-s"],
                                        env=self.env)
        wait_for(lambda: accepts(self.submission), 15, "Postfix to listen")

    def _start_dovecot(self):
        home = self.bench.folder("postfix/dovecot")
        users = home / "users"
        users.write_text("".join(f"{name}:{{PLAIN}}{password}\n" for name, password in USERS.items()))
        users.chmod(0o640)
        shutil.chown(users, group=DOVECOT_USER)
        listener = self.spool / "private/auth"
        config = home / "dovecot.conf"
        config.write_text(f"""\
base_dir = {home}/run
state_dir = {home}/state
libexec_dir = {self.root}/usr/lib/dovecot
import_environment = TZ LD_LIBRARY_PATH={self.library_path}
log_path = {self.bench.logs}/dovecot.log
default_internal_user = {DOVECOT_USER}
default_internal_group = {POSTFIX_SETGID_GROUP}
default_login_user = {DOVECOT_LOGIN_USER}
protocols =
ssl = no
auth_mechanisms = plain login
disable_plaintext_auth = no
auth_username_chars =
auth_username_format = %u
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {users}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {listener} {{
    mode = 0600
    user = {POSTFIX_USER}
  }}
}}
""")
        self.bench.start("dovecot", [self.root / "usr/bin/doveconf", "-c", config, "-e",
                                     self.root / "usr/sbin/dovecot", "-F", "-c", config], env=self.env)
        wait_for(lambda: listener.is_socket() and accepts(listener), 15, "Dovecot's auth socket")
