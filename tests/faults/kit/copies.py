"""Files and folders of a daemon, kept and put back later, with their owners."""

import shutil
import subprocess


class Copies:
    """Of one file or folder, the oldest first."""

    def __init__(self, bench, path):
        self.path = path
        self.folder = bench.folder(f"copies/{path.parent.name}-{path.name}")
        self.count = 0

    def keep(self):
        if self.path.exists():
            self._copy(self.path, self.folder / str(self.count))
            self.count += 1

    def delete(self):
        if self.path.is_dir():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)

    def put_back(self, number):
        self.delete()
        self._copy(self.folder / str(number), self.path)

    @staticmethod
    def _copy(source, to):
        subprocess.run(["cp", "-a", source, to], check=True)
