"""The MariaDB of the Debian package, started by the package's own script, under load: adopted, rotated and released without a
restart or a lost connection, its configuration byte for byte what it was. Its files are root's, its processes are not."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from adopted import Load, run, self_signed, tree
from fleet import call, configure, described, messages
from server import BINARY, PATIENCE, Sealwright, alive, end, eventually, free_port
from test_bridge import NEW, OLD, roots

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="the package's own server needs root"),
    pytest.mark.skipif(not Path("/etc/init.d/mariadb").exists(), reason="Debian's mariadb-server is not installed"),
]
GUARD = int(60 * PATIENCE)
PASSWORD = "correct-horse-battery-1"
CONFIG = Path("/etc/mysql")
ENVIRONMENT = {"PATH": os.environ["PATH"], "MYSQL_PWD": PASSWORD, "HOME": "/nonexistent", "LANG": "C.UTF-8"}


class Package:
    """The server of the package, with settings and a certificate of its owner's in /etc/mysql. One at a time on a machine."""

    def __init__(self):
        self.lock = open("/tmp/sealwright-test-mariadb.lock", "w", encoding="utf-8")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.port = free_port()
        self.pair = CONFIG / "sealwright-test"
        self.settings = CONFIG / "mariadb.conf.d" / "99-sealwright-test.cnf"
        self.log = Path("/var/lib/mysql/sealwright-test.err")  # /var/log/mysql may be missing
        if run("/etc/init.d/mariadb", "status", check=False).returncode == 0:
            pytest.skip("this machine's own MariaDB runs already")
        self.pair.mkdir(exist_ok=True)
        self_signed(self.pair / "server.crt", self.pair / "server.key", "mysql")
        self.settings.write_text(f"[mariadbd]\nport = {self.port}\nssl_cert = {self.pair}/server.crt\nssl_key = {self.pair}/server.key\n"
                                 f"log_warnings = 4\n[mariadbd-safe]\nskip-syslog\nlog_error = {self.log}\n")

    def start(self):
        self.control("start")
        self.sql(f"create or replace user app@'%' identified by '{PASSWORD}'")

    def control(self, action):
        # The script waits for nobody, but its children keep its output open.
        done = subprocess.run(["/etc/init.d/mariadb", action], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, check=False, timeout=120 * PATIENCE)
        assert done.returncode == 0, f"/etc/init.d/mariadb {action}: {done.returncode}"

    def sql(self, text):
        return run("mariadb", "--no-defaults", "-N", "-e", text)

    def process(self):
        path = Path("/run/mysqld/mysqld.pid")
        return int(path.read_text()) if path.exists() else 0

    def client(self, host="127.0.0.1", *options):
        return ["mariadb", "--no-defaults", "-h", host, "-P", str(self.port), "--protocol=tcp", "-u", "app", "-N", *options]

    def shown(self):
        """The certificate on the wire, unverified."""
        return run("openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{self.port}").split(
            "-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]

    def remove(self):
        if self.process():
            self.sql("drop user if exists app@'%'")
        self.control("stop")
        shutil.rmtree(self.pair, ignore_errors=True)
        self.settings.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        self.lock.close()


@pytest.fixture(scope="module")
def package():
    made = Package()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def world():
    running = Sealwright()
    try:
        configure(running, guard_seconds=GUARD, guard_refusals=2, bridges=False, agent_check_seconds=1)
        running.start()
        yield running
    finally:
        running.close()


class OpenSession:
    """A session of an application that stays."""

    def __init__(self, package):
        self.process = subprocess.Popen(package.client("127.0.0.1", "--ssl", "--unbuffered"), env=ENVIRONMENT, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.number = self.ask("select connection_id()")

    def ask(self, sql):
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def check(self):
        assert self.ask("select connection_id()") == self.number

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def verified(package, instance, bundle):
    return run(*package.client(instance["Endpoint"]["Address"], f"--ssl-ca={bundle}", "--ssl-verify-server-cert", "-e", "select 1"),
               env=ENVIRONMENT)


def until_ca(world, authority):
    def reached():
        instance = described(world, "shop")
        return (instance["CACertificateIdentifier"] == authority and instance["DBInstanceStatus"] == "available" and
                not instance["PendingCA"] and instance)
    return eventually(reached, 60, lambda: described(world, "shop")["Text"], 0.3)


def adopt(world, *options, **more):
    return world.command("adopt", "--config-file", "/etc/mysql/my.cnf", "--identifier", "shop", "--yes", *options, **more)


def refuse(package, instance, root):
    done = run(*package.client(instance["Endpoint"]["Address"], f"--ssl-ca={root}", "--ssl-verify-server-cert", "-e", "select 1"),
               env=ENVIRONMENT, check=False)
    assert done.returncode and "certificate" in done.stderr.lower(), done.stderr


def test_adopted_rotated_and_released_under_load(world, package):
    before, process, own = tree(CONFIG), package.process(), package.shown()
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    trusted = roots(world)
    session = OpenSession(package)
    with Load(package.client("127.0.0.1", "--ssl", "-e", "select 1"), ENVIRONMENT) as load:
        assert "Adopted: DB instance shop" in adopt(world, "--ca-certificate-identifier", OLD)
        instance = described(world, "shop")
        assert f"<CAIdentifier>{OLD}</CAIdentifier>" in instance["Text"] and "<Engine>mariadb</Engine>" in instance["Text"]
        assert instance["Endpoint"]["Port"] == str(package.port)
        assert verified(package, instance, bundle) == "1"
        assert "DB instance adopted" in messages(world, "shop")
        for action in ("StopDBInstance", "RebootDBInstance"):
            reply = world.raw().call(action, {"DBInstanceIdentifier": "shop"})
            assert reply.status == 400 and "adopted" in reply.text, reply.text
        load.more()
        first = package.shown()
        world.command("rotate", "shop", "--to", NEW, "--immediate", "--no-wait")
        until_ca(world, NEW)
        for _ in range(2):
            refuse(package, instance, trusted[OLD])
        eventually(lambda: described(world, "shop")["Rotation"] == "undone", GUARD + 30, lambda: described(world, "shop")["Text"])
        assert package.shown() == first
        call(world, "ModifyDBInstance", DBInstanceIdentifier="shop", CACertificateIdentifier=NEW, ApplyImmediately="true")
        until_ca(world, NEW)
        assert verified(package, instance, trusted[NEW]) == "1"
        load.more()
        world.command("release", "shop", "--yes")
        load.more()
    load.check()
    session.check()
    session.close()
    assert tree(CONFIG) == before
    assert package.shown() == own and package.process() == process
    assert "DB instance released" in messages(world, "shop")


def test_it_serves_the_same_after_its_owners_restart(world, package):
    before = tree(CONFIG)
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    adopt(world)
    instance = described(world, "shop")
    serial = package.shown()
    package.control("stop")
    eventually(lambda: described(world, "shop")["DBInstanceStatus"] == "stopped", 30, lambda: described(world, "shop")["Text"])
    package.control("start")
    assert package.shown() == serial  # before the agent has looked
    eventually(lambda: described(world, "shop")["DBInstanceStatus"] == "available", 30, lambda: described(world, "shop")["Text"])
    assert verified(package, instance, bundle) == "1"
    # The API gives the certificate back; the files are root's, so root's command is waited for.
    call(world, "DeleteDBInstance", DBInstanceIdentifier="shop", SkipFinalSnapshot="true")
    eventually(lambda: "run as root: sealwright release shop" in described(world, "shop")["Text"], 30,
               lambda: described(world, "shop")["Text"])
    world.command("release", "shop", "--yes")
    assert tree(CONFIG) == before


def test_files_that_somebody_else_changed_stay(world, package):
    before = tree(CONFIG)
    adopt(world)
    certificate = package.pair / "server.crt"
    certificate.unlink()
    certificate.write_text("renewed by a tool\n")
    said = world.command("release", "shop", "--yes", check=False)
    assert said.returncode == 3 and "replaced by somebody else" in said.stderr, said
    eventually(lambda: "replaced by somebody else" in described(world, "shop")["Text"], 30, lambda: described(world, "shop")["Text"])
    assert certificate.read_text() == "renewed by a tool\n"
    (package.pair / "server.crt.before-sealwright").rename(certificate)
    world.command("release", "shop", "--yes", check=False)
    eventually(lambda: "<DBInstance>" not in call(world, "DescribeDBInstances").text, 60, "released")
    assert tree(CONFIG) == before


def interrupted(world, command, delay):
    """A command in whose middle the agent is killed; it is started again."""
    process = subprocess.Popen([BINARY, *command, "--run-dir", world.run_dir], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    time.sleep(delay)
    try:
        pid = int((Path(world.run_dir) / "agents" / "mysql.pid").read_text())
        if alive(pid):
            end(pid, signal.SIGKILL)
    except (OSError, ValueError):
        pass
    world.command("up")
    said, _ = process.communicate(timeout=240 * PATIENCE)
    assert process.returncode == 0, said


def test_kills_in_the_middle(world, package):
    before, process, own = tree(CONFIG), package.process(), package.shown()
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    with Load(package.client("127.0.0.1", "--ssl", "-e", "select 1"), ENVIRONMENT, threads=1) as load:
        for _ in range(3):
            interrupted(world, ["adopt", "--data-dir", "/var/lib/mysql", "--identifier", "shop", "--yes"],
                        random.random() * 2.5 * PATIENCE)
            assert verified(package, described(world, "shop"), bundle) == "1"
            interrupted(world, ["release", "shop", "--yes"], random.random() * 2 * PATIENCE)
            assert tree(CONFIG) == before
            assert package.shown() == own
    load.check()
    assert package.process() == process
