"""A browser that looks at the web console: Debian's Chromium, which trusts the server's control CA as a user would make it."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from server import PATIENCE, ROOT, eventually

HERE = Path(__file__).resolve().parent
CONSOLE = ROOT / "console/dist"


class PageError(AssertionError):
    """Something is not on the page, or could not be done there."""


def build_console():
    """The built files are those of the sources; two test processes do not build at once."""
    with open(Path(tempfile.gettempdir()) / f"sealwright-console-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "scripts/build-console"], check=True, timeout=900 * PATIENCE)
    assert (CONSOLE / "index.html").exists(), "the web console was not built"


class Browser:
    """Verbs of browser.mjs as methods: browser.click("button", "Sign in")."""

    def __init__(self, sealwright):
        self.sealwright = sealwright
        self.home = Path(tempfile.mkdtemp(prefix="sw-browser-", dir="/tmp"))
        self._trust(sealwright.ca_file)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "TZ": "UTC",
                       "PROFILE": str(self.home / "profile"), "ORIGIN": sealwright.endpoint, "PATIENCE": str(PATIENCE)}
        self.log = open(self.home / "browser.log", "wb")
        self.process = subprocess.Popen(["node", str(HERE / "browser.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, env=environment, cwd=HERE, text=True)

    def _trust(self, ca_file):
        """Chromium on Linux takes the user's own authorities from NSS's database in the home folder."""
        database = self.home / ".pki/nssdb"
        database.mkdir(parents=True)
        for command in (["-N", "--empty-password"], ["-A", "-n", "control-ca", "-t", "C,,", "-i", ca_file]):
            subprocess.run(["certutil", "-d", f"sql:{database}", *command], check=True, capture_output=True, timeout=60 * PATIENCE)

    def ask(self, verb, *arguments):
        self.process.stdin.write(json.dumps({"verb": verb, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise PageError(f"the browser ended: {(self.home / 'browser.log').read_text(errors='replace')[-2000:]}")
        reply = json.loads(line)
        if "error" in reply:
            raise PageError(reply["error"])
        return reply["result"]

    def __getattr__(self, name):
        return lambda *arguments: self.ask(name.replace("_", "-"), *arguments)

    def tell(self):
        """Prints what somebody would see, for a test that has failed."""
        try:
            print(f"{self.url()}\n{self.text('body')}\n{self.seen()['errors']}")
        except (OSError, PageError) as problem:
            print(f"the page cannot be told: {problem}")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # -- what users do -------------------------------------------------------------------------------------------------

    def sign_in(self, key=None, path="/"):
        """With the administrator's key, or another (id, secret)."""
        environment = self.sealwright.environment()
        key_id, secret = key or (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        self.go(path)
        self.fill("Access key ID", key_id)
        self.fill("Secret access key", secret)
        self.click("button", "Sign in")
        self.until(lambda: self.count("#top") == 1, 60, "the console should open")

    def until(self, condition, seconds, what):
        """Waits for a condition on the page, which may not be there yet."""

        def reached():
            try:
                return condition()
            except PageError:
                return False

        return eventually(reached, seconds, what, 0.3)


@contextmanager
def browser_for(sealwright):
    """A browser that has the page's own faults reported: nothing may be broken in the course of a test, no policy be
    violated, no other host be asked."""
    browser = Browser(sealwright)
    try:
        yield browser
        seen = browser.seen()
    except BaseException:
        browser.tell()
        raise
    finally:
        browser.close()
    assert not seen["errors"], seen["errors"]
    assert not seen["sockets"], seen["sockets"]
    policy = [line for line in seen["console"] if "Content Security Policy" in line or "violates" in line]
    assert not policy, policy
    elsewhere = {request["url"] for request in seen["requests"]
                 if not request["url"].startswith((sealwright.endpoint + "/", "data:image/", "blob:" + sealwright.endpoint))}
    assert elsewhere <= {"about:blank"}, elsewhere
