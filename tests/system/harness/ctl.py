"""smtpauthctl, as somebody calls it."""

import json
import pwd
import shutil
import subprocess

from harness.bench import PROJECT


class Ctl:
    def __init__(self, daemons, build):
        self.program = shutil.copy(PROJECT / build / "ctl/smtpauthctl", daemons.bench.folder("bin"))
        self.config = daemons.config_file

    def __call__(self, *arguments, user=None):
        """@return  the exit status and what went to the two outputs."""
        account = pwd.getpwnam(user) if user else None
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=20,
                              **({"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if user else {}))
        return done.returncode, done.stdout, done.stderr

    def ask(self, command, *arguments, user=None):
        return self(command, "-c", self.config, *arguments, user=user)

    def status(self, *arguments, user=None):
        return self.ask("status", *arguments, user=user)

    def figures(self, daemon):
        """What the daemon says, or None where it is down."""
        entries = json.loads(self.status("--json")[1])["daemons"]
        return next(e.get("status") for e in entries if e["daemon"] == daemon)

    def filter(self):
        return self.figures("smtpauth-filter")

    def collector(self):
        return self.figures("smtpauth-log-collector")
