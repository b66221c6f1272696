"""What the daemons say of themselves, by smtpauthctl. They have to be up."""

import json
import subprocess

from harness.bench import PROJECT, wait_for


class Status:
    def __init__(self, daemons, build):
        self.argv = [PROJECT / build / "ctl/smtpauthctl", "status", "--json", "-c", daemons.config_file]

    def filter(self):
        return self._of("smtpauth-filter")

    def collector(self):
        return self._of("smtpauth-log-collector")

    def _of(self, daemon):
        """Its figures. A daemon that starts listens for mail or records a little earlier than for this."""
        return wait_for(lambda: self._ask(daemon), 5, f"{daemon} to answer")

    def _ask(self, daemon):
        said = subprocess.run(self.argv, capture_output=True, text=True, timeout=20).stdout
        return next(entry.get("status") for entry in json.loads(said)["daemons"] if entry["daemon"] == daemon)
