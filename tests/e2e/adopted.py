"""Servers that were there before Sealwright: under load, and with an eye on every file of their owners."""

import os
import stat
import subprocess
import threading
from pathlib import Path

from server import PATIENCE, eventually


def tree(*roots):
    """Everything below the roots: kind, mode, owner and content of each path."""
    found = {}
    for root in roots:
        for path in [Path(root), *sorted(Path(root).rglob("*"))]:
            status = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path)] = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content)
    return found


def run(*command, check=True, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=120 * PATIENCE, **options)
    if check and done.returncode:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip() if check else done


def self_signed(certificate, key, owner, name="old.example.test"):
    """A pair as owners make one: the key is the server's, mode 0600, the certificate is root's, mode 0644."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext",
        f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate)
    run("chown", f"{owner}:{owner}", key)
    os.chmod(key, 0o600)
    os.chmod(certificate, 0o644)


class Load:
    """New connections all the time, until the block ends; each command must succeed."""

    def __init__(self, command, environment, threads=2):
        self.command, self.environment = command, environment
        self.done, self.failures = 0, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        eventually(lambda: self.done or self.failures, 30, "a first connection under load")
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        while not self.stop.is_set():
            done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            if done.returncode:
                self.failures.append(done.stderr)
            self.done += 1
            self.stop.wait(0.02)

    def more(self, count=10):
        """Waits for connections that begin from now on."""
        until = self.done + count
        eventually(lambda: self.done >= until, 60, "further connections")

    def check(self):
        assert not self.failures, (self.done, self.failures[:5])
