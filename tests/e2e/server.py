"""One Sealwright of its own for a test: init, server and agent from the built binary, in a short temporary folder."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from raw import Raw
from templates import template

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SEALWRIGHT_BINARY", ROOT / "build/src/sealwright")).resolve()
PATIENCE = float(os.environ.get("SEALWRIGHT_PATIENCE", "1"))  # a factor on every deadline, for slow builds

living = []  # the instances whose logs a failing test shows


class NotReady(AssertionError):
    """Something did not come about within its deadline."""


def eventually(condition, seconds, what, interval=0.1):
    """Waits for a condition to be true and returns its value."""
    until = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise NotReady(f"not within {seconds * PATIENCE:.0f} s: {what() if callable(what) else what}")
        time.sleep(interval)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def parent_of(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(pid):
    parents = {int(name): parent_of(name) for name in os.listdir("/proc") if name.isdigit()}
    found, pending = [], [pid]
    while pending:
        above = pending.pop()
        below = [child for child, parent in parents.items() if parent == above]
        found += below
        pending += below
    return found


def end(pid, sign=signal.SIGKILL):
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        pass


def make_template(regions, target):
    """The run folder of a Sealwright whose authorities are made."""
    origin = Sealwright(regions, fresh=True)
    try:
        origin.start("server")
        eventually(origin.all_made, 60 * len(regions), "the authorities should be made")
        origin.stop()
        subprocess.run(["cp", "-a", origin.run_dir, target], check=True)
    finally:
        origin.close()


class Sealwright:
    """regions, workers and options go to `init`; start() starts server and agent. Without options it has authorities already,
    which other tests have too; `fresh`: they are to be made."""

    def __init__(self, regions=("us-east-1",), workers=2, options=(), fresh=False):
        # Names of Unix sockets are at most 107 bytes long: the folder's own name stays short.
        self.top = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
        self.top.chmod(0o755)  # the server and the databases run as users of their own when root starts them
        self.run_dir = self.top / "run"
        self.home = self.top / "home"
        self.home.mkdir()
        self.port = free_port()
        self.processes = {}
        self.orphans = []
        self._environment = None
        living.append(self)
        if fresh or options or not regions:
            regions = ["--regions", ",".join(regions)] if regions else []
            self.command("init", "--port", str(self.port), "--workers", str(workers), *regions, *options)
        else:
            self._copy(template(regions, lambda target: make_template(regions, target)), workers)

    def _copy(self, made, workers):
        subprocess.run(["cp", "-a", made, self.run_dir], check=True)
        settings = json.loads((self.run_dir / "sealwright.json").read_text())
        shell = (self.run_dir / "env.sh").read_text()
        origin = re.search(r"SEALWRIGHT_RUN_DIR='(.*)'", shell).group(1)
        shell = shell.replace(origin, str(self.run_dir)).replace(f":{settings['port']}'", f":{self.port}'")
        (self.run_dir / "env.sh").write_text(shell)
        settings.update(port=self.port, workers=workers)
        (self.run_dir / "sealwright.json").write_text(json.dumps(settings, indent=2))

    # -- commands ------------------------------------------------------------------------------------------------------

    def command(self, name, *arguments, check=True, **options):
        """Runs `sealwright NAME... --run-dir DIR` and returns what it prints."""
        done = subprocess.run([BINARY, *name.split(), "--run-dir", self.run_dir, *arguments], capture_output=True,
                              text=True, timeout=120 * PATIENCE, stdin=subprocess.DEVNULL, check=False, **options)
        if check and done.returncode:
            raise AssertionError(f"sealwright {name} {' '.join(arguments)}: status {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout if check else done

    def access_key(self, *options):
        """(key id, secret) of a new access key; options such as --read-only."""
        key = json.loads(self.command("access-key create", "--json", *options))
        return key["AccessKeyId"], key["SecretAccessKey"]

    # -- processes -----------------------------------------------------------------------------------------------------

    def start(self, *roles):
        for pid in self.orphans:
            eventually(lambda pid=pid: not alive(pid), 10, f"process {pid} should have ended with its parent")
        self.orphans.clear()
        for role in roles or ("server", "agent"):
            with open(self.top / f"{role}.log", "ab") as log:
                self.processes[role] = subprocess.Popen([BINARY, role, "--run-dir", self.run_dir], stdout=log, stderr=log,
                                                        stdin=subprocess.DEVNULL, cwd=self.top, start_new_session=True)
        if "server" in self.processes:
            eventually(self.answers, 90, lambda: f"the server on port {self.port} should answer\n{self.log_tail()}")
        return self

    def answers(self):
        """True once a signed call succeeds (the home region's keys are made then) and the agent, if any, has enrolled."""
        for role, process in self.processes.items():
            if process.poll() is not None:
                raise AssertionError(f"the {role} ended with status {process.returncode}\n{self.log_tail()}")
        try:
            if self.raw().call("DescribeCertificates").status != 200:
                return False
            health = json.loads(self.raw().get("/health").body)
            return health["authorities"]["home_region_ready"] and ("agent" not in self.processes or health["hosts"] > 0)
        except OSError:
            return False

    def all_made(self):
        """Whether every authority of every region is made."""
        authorities = json.loads(self.raw().get("/health").body)["authorities"]
        return authorities["made"] == authorities["wanted"]

    def stop(self, *roles, seconds=20):
        """Asks the roles to end and waits for them; their exit status must be 0."""
        for role in roles or ("agent", "server"):
            process = self.processes.pop(role, None)
            if not process or process.poll() is not None:
                continue
            children = descendants(process.pid)
            process.send_signal(signal.SIGTERM)
            try:
                status = process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired:
                self._end_all(process, children, role)
                raise NotReady(f"the {role} did not end within {seconds * PATIENCE:.0f} s of SIGTERM") from None
            if status:
                raise AssertionError(f"the {role} ended with status {status} after SIGTERM\n{self.log_tail()}")

    def restart(self, *roles):
        self.stop(*roles)
        return self.start(*roles)

    def kill(self, role):
        """SIGKILL: of the server (its parent process), the agent, or one worker or the signer under the server."""
        if role in self.processes:
            process = self.processes.pop(role)
            if role == "server":
                self.orphans += descendants(process.pid)
            process.kill()
            process.wait()
            return process.pid
        pids = self.role_pids(role)
        if not pids:
            raise AssertionError(f"there is no {role} under the server to kill")
        end(pids[0])
        return pids[0]

    def role_pids(self, role):
        """The living processes of a role under the server, by what they say of themselves in the log."""
        said = set(re.findall(rf"role={role}\S* pid=(\d+)", self.log("server")))
        return [pid for pid in descendants(self.processes["server"].pid) if str(pid) in said and alive(pid)]

    def database_pids(self):
        """The postmasters of this run's instances."""
        found = []
        for path in self.top.rglob("postmaster.pid"):
            try:
                pid = int(path.read_text().splitlines()[0])
                if str(self.top) in os.readlink(f"/proc/{pid}/cwd"):  # no stale file's reused id
                    found.append(pid)
            except (OSError, ValueError, IndexError):
                continue
        return found

    def engine_pids(self):
        """All processes that work in this run's folder: whatever engines left."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/cwd").startswith(f"{self.run_dir.resolve()}/instances/"):
                    found.append(int(name))
            except OSError:
                continue
        return found

    def close(self, keep=False):
        """Ends every process of this run, then removes its folder."""
        if self in living:
            living.remove(self)
        problems = []
        try:
            self.stop()
        except AssertionError as problem:
            problems.append(problem)
        if self.run_dir.exists():
            self.command("down", "--all", check=False)
        for pid in [*self.engine_pids(), *self.orphans]:
            if alive(pid):
                end(pid)
                eventually(lambda pid=pid: not alive(pid), 20, f"process {pid} should end")
        if keep:
            print(f"kept: {self.top}")
        else:
            shutil.rmtree(self.top, ignore_errors=True)
        if problems:
            raise problems[0]

    def _end_all(self, process, children, role):
        del role
        for pid in [process.pid, *children]:
            end(pid)
        process.wait()

    # -- what clients need -----------------------------------------------------------------------------------------------

    @property
    def endpoint(self):
        return f"https://localhost:{self.port}"

    def environment(self, **changes):
        """What `. run/env.sh` gives in a bare shell; never the caller's own AWS settings or home."""
        if self._environment is None:
            bare = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "TERM": "dumb"}
            done = subprocess.run(["bash", "-c", f". '{self.run_dir}/env.sh' && env -0"], env=bare, capture_output=True,
                                  text=True, check=True)
            pairs = (line.partition("=") for line in done.stdout.split("\0") if line)
            self._environment = {name: value for name, _, value in pairs}
            # A retry would hide what the first answer was.
            self._environment["AWS_MAX_ATTEMPTS"] = "1"
        return {**self._environment, **changes}

    @property
    def ca_file(self):
        return self.environment()["SEALWRIGHT_CA"]

    def raw(self, key=None, region="us-east-1", server_name=None):
        """A sender of hand-made requests, with the administrator's key or another (id, secret)."""
        environment = self.environment()
        key_id, secret = key or (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        return Raw(self.endpoint, self.ca_file, key_id, secret, region, server_name)

    def download(self, path, name="bundle.pem"):
        """Fetches a path of the trust store into a file of the temporary folder, when its authorities are made."""
        def answered():
            reply = self.raw().get(path)
            return reply if reply.status != 503 else None
        reply = eventually(answered, 60, f"the authorities of {path} should be made")
        assert reply.status == 200, f"{path}: {reply.status} {reply.text[:200]}"
        target = self.top / name
        target.write_bytes(reply.body)
        return target

    # -- logs ------------------------------------------------------------------------------------------------------------

    def log(self, role):
        path = self.top / f"{role}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_tail(self, lines=40):
        parts = []
        for path in sorted(self.top.rglob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append("\n".join([f"--- {path}", *tail]))
        return "\n".join(parts)
