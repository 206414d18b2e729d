"""Instances as their users see them: created through a client, reached by psql and by TLS."""

import os
import socket
import ssl
import struct
import subprocess
import threading

from clients import ClientError
from server import PATIENCE, eventually

PASSWORD = "correct-horse-battery-1"


def create(client, identifier, **params):
    """Asks for a PostgreSQL instance and returns the reply's DBInstance."""
    asked = {"DBInstanceIdentifier": identifier, "Engine": "postgres", "DBInstanceClass": "db.t3.micro",
             "AllocatedStorage": 20, "MasterUsername": "app", "MasterUserPassword": PASSWORD, **params}
    return client.call("create-db-instance", **asked)["DBInstance"]


def delete(client, identifier):
    return client.call("delete-db-instance", DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)["DBInstance"]


def describe(client, identifier):
    """The instance as describe-db-instances shows it; None once it is gone."""
    try:
        return client.call("describe-db-instances", DBInstanceIdentifier=identifier)["DBInstances"][0]
    except ClientError as error:
        if error.code in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            return None
        raise


def until_status(client, identifier, status, seconds=120):
    """Waits for a status and returns the instance (the clients' own waiters ask every 30 s only)."""
    seen = {}

    def reached():
        seen["instance"] = describe(client, identifier)
        return seen["instance"] and seen["instance"]["DBInstanceStatus"] == status and seen["instance"]

    return eventually(reached, seconds, lambda: f"{identifier} should be {status}: {seen.get('instance')}", 0.3)


def until_gone(client, identifier, seconds=60):
    eventually(lambda: describe(client, identifier) is None, seconds, f"{identifier} should be gone", 0.3)


def until_ca(client, identifier, authority, seconds=120):
    """Waits until the instance is available with a certificate of this CA and nothing pending."""

    def reached():
        instance = describe(client, identifier)
        return (instance["DBInstanceStatus"] == "available" and instance["CACertificateIdentifier"] == authority and
                instance["CertificateDetails"]["CAIdentifier"] == authority and
                not (instance.get("PendingModifiedValues") or {}).get("CACertificateIdentifier") and instance)

    return eventually(reached, seconds, lambda: f"{identifier} should be under {authority}: {describe(client, identifier)}",
                      0.3)


def connection(instance, bundle, mode="verify-full", database="postgres"):
    """A libpq connection string; the password goes through the environment."""
    endpoint = instance["Endpoint"]
    root = f" sslrootcert={bundle}" if bundle else ""
    return (f"host={endpoint['Address']} port={endpoint['Port']} user=app dbname={database} sslmode={mode}{root} "
            "connect_timeout=10")


def environment():
    return {"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "HOME": "/nonexistent", "LANG": "C.UTF-8"}


def psql(instance, bundle, sql, mode="verify-full", check=True):
    """What psql prints for a statement, without decoration; with check=False the finished process."""
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, connection(instance, bundle, mode)],
                          env=environment(), capture_output=True, text=True, timeout=60 * PATIENCE, check=False,
                          stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise AssertionError(f"psql failed with status {done.returncode}: {done.stderr}")
    return done.stdout.strip() if check else done


class Session:
    """An open psql session."""

    def __init__(self, instance, bundle):
        self.process = subprocess.Popen(["psql", "-XAtq", connection(instance, bundle)], env=environment(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask(self, sql, seconds=30):
        """The first line that psql prints for a statement."""
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        # A session that does not answer must not hold up the test for ever.
        watch = threading.Timer(seconds * PATIENCE, self.process.kill)
        watch.start()
        try:
            return self.process.stdout.readline().strip()
        finally:
            watch.cancel()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def names(distinguished):
    """{"commonName": ...} of the tuples in which the ssl module gives a name."""
    return {key: value for part in distinguished for key, value in part}


def served(instance, bundle):
    """The certificate that the server shows on the wire, verified against the bundle and the endpoint's name: what
    ssl.getpeercert() gives, with subject and issuer as plain mappings."""
    endpoint = instance["Endpoint"]
    context = ssl.create_default_context(cafile=bundle)
    with socket.create_connection((endpoint["Address"], int(endpoint["Port"])), 10) as plain:
        plain.sendall(struct.pack("!II", 8, 80877103))  # SSLRequest
        answer = plain.recv(1)
        assert answer == b"S", f"the server answered {answer!r} to the request for TLS"
        with context.wrap_socket(plain, server_hostname=endpoint["Address"]) as stream:
            shown = stream.getpeercert()
    return {**shown, "subject": names(shown["subject"]), "issuer": names(shown["issuer"])}
