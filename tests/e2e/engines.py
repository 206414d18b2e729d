"""The engines as their users see them, each behind the same few calls: tests/e2e/test_engines.py has one body for all."""

import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import clients
import postgres
import pytest
from fleet import configure
from postgres import PASSWORD, names
from server import BINARY, PATIENCE, ROOT, Sealwright

DEADLINE = 60 * PATIENCE  # seconds for one command


class Refused(Exception):
    """A client got no connection, or an error; its own words."""


def run(command, environment=None):
    done = subprocess.run(command, env=environment or {"PATH": os.environ["PATH"]}, capture_output=True, text=True,
                          timeout=DEADLINE, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Refused(done.stderr.strip())
    return done.stdout.strip()


class Session:
    """A client that stays connected: the first line that it prints for each statement."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, env=environment or {"PATH": os.environ["PATH"]}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask(self, sql):
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        watch = threading.Timer(DEADLINE, self.process.kill)  # one that does not answer must not hold up the test
        watch.start()
        try:
            return self.process.stdout.readline().strip()
        finally:
            watch.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


# What a new certificate takes: nothing that clients notice; a moment without new connections; every connection.
RELOAD, LISTENER, RESTART = "reload", "listener", "restart"


class Engine:
    """What is asked of each. `force` is the parameter that makes TLS a must, with its values for no and yes."""

    name = None
    rotation = RELOAD
    force = None  # (name, off, on)
    force_method = "immediate"
    encrypted = ("TLSv1.2", "TLSv1.3")  # what encryption() may say
    alpn = None  # the protocol that start_tls() counts on
    probed = None  # what `sealwright probe` calls it
    tells = False  # whether it tells a stranger that it takes no connection without TLS
    connection = None  # SQL for the number of a connection
    untrusted = None  # a pattern of what a client says of a certificate that it does not trust
    misnamed = None  # the same, of one for another name
    insecure = None  # the same, of a server that takes no connection without TLS
    away = None  # the same, of one that is being restarted

    def reason_to_skip(self):
        """Why it cannot be tested here, or None."""
        return None

    def prepare(self, sealwright, **settings):
        """Lets the agent of a Sealwright that is not started yet find it; more of sealwright.json's settings."""
        configure(sealwright, **settings)

    def options(self, client, identifier):
        """What create-db-instance is told besides, for an instance with TLS."""
        return {}

    def remove_options(self, client, identifier):
        """Once the instance is gone."""

    def query(self, instance, bundle, sql, secure=True, host=None, user=("app", PASSWORD)):
        """What the engine's own client prints. It verifies certificate and host name; not `secure`: it asks for no TLS.
        `host` is another name of the instance's address."""
        raise NotImplementedError

    def encryption(self, instance, bundle, secure=True):
        """The connection's version of TLS by the engine's own account; "" without TLS."""
        raise NotImplementedError

    def session(self, instance, bundle):
        raise NotImplementedError

    def start_tls(self, plain):
        """Says on a fresh connection what comes before TLS."""
        raise NotImplementedError

    def port(self, instance):
        """Where it speaks TLS."""
        return int(instance["Endpoint"]["Port"])

    def handshake(self, instance, bundle):
        """(the certificate on the wire, verified, as ssl.getpeercert() gives it; the version of TLS)."""
        address = instance["Endpoint"]["Address"]
        context = ssl.create_default_context(cafile=bundle)
        if self.alpn:
            context.set_alpn_protocols([self.alpn])
        with socket.create_connection((address, self.port(instance)), 10) as plain:
            self.start_tls(plain)
            with context.wrap_socket(plain, server_hostname=address) as stream:
                return stream.getpeercert(), stream.version()

    def served(self, instance, bundle):
        """The certificate on the wire, verified, with plain names."""
        shown = self.handshake(instance, bundle)[0]
        return {**shown, "subject": names(shown["subject"]), "issuer": names(shown["issuer"])}

    def probe(self, sealwright, instance):
        """What `sealwright probe` says."""
        target = f"{instance['Endpoint']['Address']}:{self.port(instance)}"
        return json.loads(run([BINARY, "probe", "--json", "--engine", self.probed, "--run-dir", sealwright.run_dir,
                               "--region", "us-east-1", target]))

    def process(self, sealwright, instance):
        """The number of the engine's own process: another one after a restart. None when it does not run."""
        folder = str(sealwright.run_dir.resolve() / "instances" / instance["DbiResourceId"] / "data")
        found = {pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if works_in(pid, folder)}
        return next((pid for pid in sorted(found) if parent(pid) not in found), None)


def works_in(pid, folder):
    try:
        return os.readlink(f"/proc/{pid}/cwd") == folder
    except OSError:
        return False


def parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Postgres(Engine):
    name = probed = "postgres"
    tells = True
    force = ("rds.force_ssl", "0", "1")
    connection = "select pg_backend_pid()"
    untrusted = "certificate verify failed"
    misnamed = "does not match host name"
    insecure = "no encryption"

    @staticmethod
    def _command(instance, bundle, secure=True, host=None, user="app"):
        root = f"sslmode=verify-full sslrootcert={bundle}" if secure else "sslmode=disable"
        endpoint = instance["Endpoint"]
        return ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                f"host={host or endpoint['Address']} port={endpoint['Port']} user={user} dbname=postgres {root} connect_timeout=20"]

    def query(self, instance, bundle, sql, secure=True, host=None, user=("app", PASSWORD)):
        environment = {**postgres.environment(), "PGPASSWORD": user[1]}
        return run([*self._command(instance, bundle, secure, host, user[0]), "-c", sql], environment)

    def encryption(self, instance, bundle, secure=True):
        return self.query(instance, bundle, "select version from pg_stat_ssl where pid = pg_backend_pid()", secure)

    def session(self, instance, bundle):
        return Session(self._command(instance, bundle), postgres.environment())

    def start_tls(self, plain):
        plain.sendall(struct.pack("!II", 8, 80877103))  # SSLRequest
        answer = plain.recv(1)
        assert answer == b"S", f"the server answered {answer!r} to the request for TLS"


class MariaDB(Engine):
    name = probed = "mariadb"
    force = ("require_secure_transport", "0", "1")
    connection = "select connection_id()"
    untrusted = "unable to get local issuer certificate|self-signed certificate in certificate chain"
    misnamed = "Validation of SSL server certificate failed|[Hh]ost ?name"
    insecure = "ERROR 1045 .*Access denied"  # of a right password, too

    def client(self):
        return "mariadb"

    def _verify(self, bundle):
        return [f"--ssl-ca={bundle}", "--ssl-verify-server-cert"]

    def _plain(self):
        return ["--skip-ssl"]

    def _command(self, instance, bundle, secure=True, host=None, user="app"):
        endpoint = instance["Endpoint"]
        return [self.client(), "--no-defaults", f"--host={host or endpoint['Address']}", f"--port={endpoint['Port']}",
                "--protocol=tcp", f"--user={user}", "--connect-timeout=20", "--batch", "--skip-column-names", "--unbuffered",
                *(self._verify(bundle) if secure else self._plain())]

    @staticmethod
    def _environment(password=PASSWORD):
        return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MYSQL_PWD": password}

    def query(self, instance, bundle, sql, secure=True, host=None, user=("app", PASSWORD)):
        return run([*self._command(instance, bundle, secure, host, user[0]), "-e", sql], self._environment(user[1]))

    def encryption(self, instance, bundle, secure=True):
        return self.query(instance, bundle, "show session status like 'Ssl_version'", secure).removeprefix("Ssl_version").strip()

    def session(self, instance, bundle):
        return Session(self._command(instance, bundle), self._environment())

    def start_tls(self, plain):
        header = read(plain, 4)
        greeting = read(plain, int.from_bytes(header[:3], "little"))
        assert greeting[0] == 10, f"the server greets with {greeting!r}"
        # SSLRequest: capabilities (protocol 4.1, TLS, secure connection), largest packet, character set
        body = struct.pack("<IIB23x", 0x200 | 0x800 | 0x8000, 1 << 24, 45)
        plain.sendall(len(body).to_bytes(3, "little") + b"\x01" + body)


class MySQL(MariaDB):
    """From build/mysql, where tests/get-mysql puts it."""

    name = probed = "mysql"
    untrusted = "certificate verify failed"
    misnamed = "certificate verify failed|[Hh]ost ?name"
    insecure = "ERROR 3159 .*insecure transport are prohibited"

    def reason_to_skip(self):
        return mysql_folder()[1]

    def prepare(self, sealwright, **settings):
        configure(sealwright, engine_folders=list(filter(None, [mysql_folder()[0]])), **settings)

    def client(self):
        return f"{mysql_folder()[0]}/mysql"

    def _verify(self, bundle):
        return ["--ssl-mode=VERIFY_IDENTITY", f"--ssl-ca={bundle}"]

    def _plain(self):
        # Without TLS the password is encrypted by a key of the server's.
        return ["--ssl-mode=DISABLED", "--get-server-public-key"]


@cache
def mysql_folder():
    """(the folder of MySQL's programs, None) or (None, why there is none)."""
    done = subprocess.run([ROOT / "tests" / "get-mysql"], capture_output=True, text=True, timeout=1200, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        return None, f"MySQL cannot be had: {done.stderr.strip()}"
    reason = closed(done.stdout.strip())
    return (None, f"MySQL cannot be run: {reason}") if reason else (done.stdout.strip(), None)


def closed(folder):
    """Why the agent, which runs as a user of its own when root starts it, cannot get there; or None."""
    for path in Path(folder).resolve().parents if os.geteuid() == 0 else []:
        if not path.stat().st_mode & 0o001:
            return f"{path} is closed to other users"
    return None


def read(plain, length):
    received = b""
    while len(received) < length:
        more = plain.recv(length - len(received))
        assert more, f"the connection ended after {received!r}"
        received += more
    return received


ALL = {engine.name: engine for engine in (Postgres(), MariaDB(), MySQL())}


def create_group(client, engine, name):
    """A parameter group for the version that an instance gets by default."""
    (version,) = client.call("describe-db-engine-versions", Engine=engine.name, DefaultOnly=True)["DBEngineVersions"]
    client.call("create-db-parameter-group", DBParameterGroupName=name, Description="of a test",
                DBParameterGroupFamily=version["DBParameterGroupFamily"])


def usable(engine):
    """The engine; skips the test where it cannot be had."""
    reason = engine.reason_to_skip()
    if reason:
        pytest.skip(reason)
    return engine


@contextmanager
def running(engine, regions=("us-east-1",), **settings):
    """A server, an agent that finds the engine, and the quickest of the clients, as `client`."""
    sealwright = Sealwright(regions=regions)
    try:
        engine.prepare(sealwright, **settings)
        sealwright.start()
        sealwright.client = clients.JavaScript(sealwright)
        yield sealwright
    finally:
        if hasattr(sealwright, "client"):
            sealwright.client.close()
        sealwright.close()


class Load:
    """A client that connects all the time, each time anew, verified by name and bundle."""

    def __init__(self, engine, instance, bundle):
        self.engine, self.instance, self.bundle = engine, instance, bundle
        self.connections, self.failures = 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stop.is_set():
            try:
                assert self.engine.query(self.instance, self.bundle, "select 1") == "1"
                self.connections += 1
            except (Refused, AssertionError, subprocess.TimeoutExpired) as problem:
                self.failures.append(str(problem))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def matches(pattern, text):
    return re.search(pattern, text) is not None
