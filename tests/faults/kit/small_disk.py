"""A small file system that a test may fill."""

import os
import pwd
import subprocess

from harness.bench import Skip

BLOCK = 65536


class SmallDisk:
    """Mounted while the context lasts; at its end everything of the bench is stopped first, so that it can go.

    @param size  as mount says it, such as "8m"
    """

    def __init__(self, bench, path, size, owner):
        self.bench, self.size, self.owner = bench, size, pwd.getpwnam(owner)
        self.path = bench.folder(path)
        self.ballast = self.path / "ballast"

    def __enter__(self):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=0755,uid={self.owner.pw_uid},"
                               f"gid={self.owner.pw_gid}", "tmpfs", self.path], capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"no file system of its own may be mounted here: {done.stderr.strip()}")
        return self

    def __exit__(self, *_):
        self.bench.stop_all()
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def fill(self):
        """To the last octet that there is for new blocks; what a file's last block has left is still its own."""
        with open(self.ballast, "ab", buffering=0) as file:
            block = BLOCK
            while block:
                try:
                    file.write(bytes(block))
                except OSError:
                    block //= 2

    def free(self):
        self.ballast.unlink()

    def octets_free(self):
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize
