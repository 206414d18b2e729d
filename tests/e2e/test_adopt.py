"""A PostgreSQL that pg_createcluster made, under load: adopted, rotated and released without a restart or a lost connection,
its configuration byte for byte what it was."""

import os
import random
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from adopted import Load, run, self_signed, tree
from fleet import call, configure, described, messages
from postgres import served
from server import BINARY, PATIENCE, Sealwright, alive, end, eventually, free_port
from test_bridge import NEW, OLD, roots

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="pg_createcluster and databases of another user need root"),
    pytest.mark.skipif(not shutil.which("pg_createcluster"), reason="Debian's postgresql-common is not installed"),
]
GUARD = int(60 * PATIENCE)
PASSWORD = "correct-horse-battery-1"
NAME = "db.example.test"


class Cluster:
    """A cluster in the system's own folders, with a self-signed certificate of its owner's."""

    def __init__(self):
        self.version = max(os.listdir("/usr/lib/postgresql"), key=int)
        self.name = "sw" + uuid.uuid4().hex[:8]
        self.port = free_port()
        self.config = Path(f"/etc/postgresql/{self.version}/{self.name}")
        self.data = Path(f"/var/lib/postgresql/{self.version}/{self.name}")
        run("pg_createcluster", self.version, self.name, "-p", self.port)
        self_signed(self.config / "own.crt", self.config / "own.key", "postgres")
        settings = self.config / "conf.d" / "own.conf"
        settings.write_text(f"ssl = on\nssl_cert_file = '{self.config}/own.crt'\nssl_key_file = '{self.config}/own.key'\n"
                            "log_line_prefix = '%m [%p] %q%u@%d %h '\nlc_messages = 'C'\n")
        shutil.chown(settings, "postgres", "postgres")
        self.control("start")
        self.sql(f"create role app login password '{PASSWORD}'")

    def control(self, action):
        run("pg_ctlcluster", self.version, self.name, action, *(["-m", "fast"] if action == "stop" else []))

    def sql(self, text):
        return run("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-p", self.port, "-c", text, "postgres", cwd="/")

    def started_at(self):
        return self.sql("select pg_postmaster_start_time()")

    def connection(self, more="sslmode=require"):
        return f"host=localhost port={self.port} user=app dbname=postgres connect_timeout=10 {more}"

    def shown(self):
        """The serial number of the certificate on the wire, unverified."""
        return run("openssl", "s_client", "-starttls", "postgres", "-connect", f"localhost:{self.port}").split(
            "-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]

    def drop(self):
        run("pg_dropcluster", "--stop", self.version, self.name, check=False)


ENVIRONMENT = {"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "HOME": "/nonexistent", "LANG": "C.UTF-8"}


class OpenSession:
    """A session of an application that stays."""

    def __init__(self, cluster, more="sslmode=require"):
        self.process = subprocess.Popen(["psql", "-XAtq", cluster.connection(more)], env=ENVIRONMENT, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.backend = self.ask("select pg_backend_pid()")

    def ask(self, sql):
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def check(self):
        assert self.ask("select pg_backend_pid()") == self.backend

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture(scope="module")
def world():
    running = Sealwright(options=("--customer-domain", "example.test"))
    try:
        configure(running, guard_seconds=GUARD, guard_refusals=2, bridges=False, agent_check_seconds=1)
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    try:
        yield made
    finally:
        made.drop()


def adopt(world, cluster, *options, **more):
    return world.command("adopt", "--data-dir", str(cluster.data), "--identifier", "orders", "--yes", *options, **more)


def refused(world, action, code, **params):
    reply = world.raw().call(action, {"DBInstanceIdentifier": "orders", **params})
    assert reply.status == 400 and f"<Code>{code}</Code>" in reply.text and "adopted" in reply.text, reply.text


def until_ca(world, authority):
    def reached():
        instance = described(world, "orders")
        return (instance["CACertificateIdentifier"] == authority and instance["DBInstanceStatus"] == "available" and
                not instance["PendingCA"] and instance)
    return eventually(reached, 60, lambda: described(world, "orders")["Text"], 0.3)


def dry_run_changes_nothing(world, cluster):
    before = tree(cluster.config)
    plan = world.command("adopt", "--config-file", str(cluster.config / "postgresql.conf"), "--dry-run")
    assert str(cluster.config / "postgresql.conf") in plan and f"ssl_cert_file: {cluster.config}/own.crt -> " in plan
    assert tree(cluster.config) == before and "<DBInstance>" not in call(world, "DescribeDBInstances").text


def adoption_is_shown(world, cluster, bundle):
    said = adopt(world, cluster, "--ca-certificate-identifier", OLD, "--server-name", NAME)
    assert "Adopted: DB instance orders" in said, said
    instance = described(world, "orders")
    assert instance["DBInstanceStatus"] == "available" and instance["Endpoint"]["Port"] == str(cluster.port)
    assert f"<CAIdentifier>{OLD}</CAIdentifier>" in instance["Text"] and instance["ValidTill"]
    assert "<StatusType>adopted</StatusType>" in instance["Text"]
    shown = served(instance, bundle)
    assert shown["subject"]["commonName"] == instance["Endpoint"]["Address"]
    assert ("DNS", NAME) in shown["subjectAltName"]
    assert psql_verified(instance, bundle) == "1"
    assert "DB instance adopted" in messages(world, "orders")
    assert "agent of user postgres: running" in world.command("status")
    return instance


def what_is_its_owners_is_refused(world):
    for action in ("StopDBInstance", "StartDBInstance", "RebootDBInstance"):
        refused(world, action, "InvalidDBInstanceState")
    for name, value in (("DBPortNumber", "6000"), ("MasterUserPassword", PASSWORD), ("NewDBInstanceIdentifier", "young")):
        refused(world, "ModifyDBInstance", "InvalidParameterCombination", **{name: value})


def a_rotation_is_undone_and_repeated(world, instance, bundle):
    old_root = roots(world)[OLD]
    serial = served(instance, bundle)["serialNumber"]
    world.command("rotate", "orders", "--to", NEW, "--immediate", "--no-wait")
    until_ca(world, NEW)
    assert served(instance, bundle)["serialNumber"] != serial
    for _ in range(2):
        done = run("psql", "-XAtq", "-c", "select 1", connection(instance, old_root), check=False, env=ENVIRONMENT)
        assert "certificate verify failed" in done.stderr, done.stderr
    eventually(lambda: described(world, "orders")["Rotation"] == "undone", GUARD + 30, lambda: described(world, "orders")["Text"])
    assert served(instance, bundle)["serialNumber"] == serial
    assert any("was undone" in text and "2 connections" in text for text in messages(world, "orders"))
    call(world, "ModifyDBInstance", DBInstanceIdentifier="orders", CACertificateIdentifier=NEW, ApplyImmediately="true")
    until_ca(world, NEW)


def test_adopted_rotated_and_released_under_load(world, cluster):
    before, started, own = tree(cluster.config), cluster.started_at(), cluster.shown()
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    dry_run_changes_nothing(world, cluster)
    sessions = [OpenSession(cluster), OpenSession(cluster, "sslmode=disable")]
    with Load(["psql", "-XAtq", "-c", "select 1", cluster.connection()], ENVIRONMENT) as load:
        instance = adoption_is_shown(world, cluster, bundle)
        load.more()
        what_is_its_owners_is_refused(world)
        a_rotation_is_undone_and_repeated(world, instance, bundle)
        load.more()
        world.command("release", "orders", "--yes")
        load.more()
    load.check()
    for session in sessions:
        session.check()
        session.close()
    assert tree(cluster.config) == before
    assert cluster.shown() == own
    assert cluster.started_at() == started
    assert "DB instance released" in messages(world, "orders")
    assert "<DBInstance>" not in call(world, "DescribeDBInstances").text
    assert not list((Path(world.run_dir) / "agents" / "postgres" / "instances").glob("db-*"))


def connection(instance, root):
    endpoint = instance["Endpoint"]
    return (f"host={endpoint['Address']} port={endpoint['Port']} user=app dbname=postgres sslmode=verify-full sslrootcert={root} "
            "connect_timeout=10")


def psql_verified(instance, bundle):
    return run("psql", "-XAtq", "-c", "select 1", connection(instance, bundle), env=ENVIRONMENT)


def test_a_server_that_its_owner_stops_is_not_started(world, cluster):
    before = tree(cluster.config)
    adopt(world, cluster)
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    instance = described(world, "orders")
    cluster.control("stop")
    eventually(lambda: described(world, "orders")["DBInstanceStatus"] == "stopped", 30, lambda: described(world, "orders")["Text"])
    assert "does not run" in described(world, "orders")["Text"]
    assert messages(world, "orders")[-1] == "DB instance stopped"
    refused(world, "StartDBInstance", "InvalidDBInstanceState")
    time.sleep(3)
    assert not (cluster.data / "postmaster.pid").exists()
    cluster.control("start")
    eventually(lambda: described(world, "orders")["DBInstanceStatus"] == "available", 30,
               lambda: described(world, "orders")["Text"])
    assert messages(world, "orders")[-1] == "DB instance started"
    assert psql_verified(instance, bundle) == "1"
    # Released by the API, and while it is down.
    cluster.control("stop")
    eventually(lambda: described(world, "orders")["DBInstanceStatus"] == "stopped", 30, "stopped once more")
    call(world, "DeleteDBInstance", DBInstanceIdentifier="orders", SkipFinalSnapshot="true")
    eventually(lambda: "<DBInstance>" not in call(world, "DescribeDBInstances").text, 60, "released by the API")
    assert tree(cluster.config) == before
    cluster.control("start")
    assert cluster.sql("show ssl_cert_file") == f"{cluster.config}/own.crt"


def agent_pid(world):
    try:
        return int((Path(world.run_dir) / "agents" / "postgres.pid").read_text())
    except (OSError, ValueError):
        return 0


def interrupted(world, command, delay, victim):
    """A command in whose middle the agent (or the command itself) is killed; the agent is started again."""
    process = subprocess.Popen([BINARY, *command, "--run-dir", world.run_dir], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    time.sleep(delay)
    pid = process.pid if victim == "command" else agent_pid(world)
    if pid and alive(pid):
        end(pid, signal.SIGKILL)
    world.command("up")
    said, _ = process.communicate(timeout=240 * PATIENCE)
    return process.returncode, said


@pytest.mark.parametrize("victim", ["agent", "command"])
def test_kills_in_the_middle(world, cluster, victim):
    before, started, own = tree(cluster.config), cluster.started_at(), cluster.shown()
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    taking = ["adopt", "--data-dir", str(cluster.data), "--identifier", "orders", "--yes"]
    giving = ["release", "orders", "--yes"]
    with Load(["psql", "-XAtq", "-c", "select 1", cluster.connection()], ENVIRONMENT, threads=1) as load:
        for _ in range(4):
            status, said = interrupted(world, taking, random.random() * 2.5 * PATIENCE, victim)
            assert victim == "command" or status == 0, said
            adopt(world, cluster)
            assert psql_verified(described(world, "orders"), bundle) == "1"
            status, said = interrupted(world, giving, random.random() * 2 * PATIENCE, victim)
            assert victim == "command" or status == 0, said
            again = world.command("release", "orders", "--yes", check=False)
            assert again.returncode == 0 or "no adopted server" in again.stderr, again.stderr
            eventually(lambda: "<DBInstance>" not in call(world, "DescribeDBInstances").text, 60, "released")
            assert tree(cluster.config) == before
            assert cluster.shown() == own
    load.check()
    assert cluster.started_at() == started


def test_what_stands_in_the_way_is_told(world, cluster):
    before = tree(cluster.config)
    cluster.sql("alter system set ssl_cert_file = 'own.crt'")
    done = adopt(world, cluster, check=False)
    assert done.returncode == 1 and "ALTER SYSTEM RESET ssl_cert_file" in done.stderr, done.stderr
    cluster.sql("alter system reset ssl_cert_file")
    for options, reason in ((["--engine", "sqlserver-ee"], "cannot be adopted"), (["--port", "1"], f"port {cluster.port}"),
                            (["--region", "nowhere-1"], "no region"), (["--ca-certificate-identifier", "rds-ca-1999"], "rds-ca-1999")):
        done = adopt(world, cluster, *options, check=False)
        assert done.returncode == 1 and reason in done.stderr, (options, done.stderr)
    other = world.command("adopt", "--data-dir", "/etc", check=False)
    assert other.returncode != 0
    assert tree(cluster.config) == before
    assert "<DBInstance>" not in call(world, "DescribeDBInstances").text
