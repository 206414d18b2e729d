"""Fleets under rotation: made quickly, watched on the wire all the time."""

import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from postgres import PASSWORD, psql, served
from server import eventually


def configure(sealwright, **settings):
    """Writes settings into the run folder's sealwright.json, before the server is started."""
    path = Path(sealwright.run_dir) / "sealwright.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}, indent=2))


def call(sealwright, action, **params):
    """A call whose success is taken for granted; the reply."""
    reply = sealwright.raw().call(action, params)
    assert reply.status == 200, f"{action} {params}: {reply.status} {reply.text}"
    return reply


def create_all(sealwright, count, authorities, names=()):
    """Creates instances under the authorities in turn, waits for all, answers them as describe shows them."""
    wanted = names or [f"fleet-{number}" for number in range(count)]
    for number, identifier in enumerate(wanted):
        call(sealwright, "CreateDBInstance", DBInstanceIdentifier=identifier, Engine="postgres",
             DBInstanceClass="db.t3.micro", AllocatedStorage="20", MasterUsername="app", MasterUserPassword=PASSWORD,
             CACertificateIdentifier=authorities[number % len(authorities)])
    eventually(lambda: all(described(sealwright, each)["DBInstanceStatus"] == "available" for each in wanted), 60 + 4 * count,
               lambda: f"{count} instances should be available", 0.5)
    return [described(sealwright, each) for each in wanted]


def element(text, name):
    return text.split(f"<{name}>")[1].split("<")[0] if f"<{name}>" in text else None


def described(sealwright, identifier):
    """What describe-db-instances says of one instance, as far as these tests need it; "Text" is all of it."""
    text = call(sealwright, "DescribeDBInstances", DBInstanceIdentifier=identifier).text
    pending = text.split("<PendingModifiedValues>")[1].split("</PendingModifiedValues>")[0] if \
        "<PendingModifiedValues>" in text else ""
    infos = {element(part, "StatusType"): element(part, "Status") for part in text.split("<DBInstanceStatusInfo>")[1:]}
    return {"DBInstanceIdentifier": identifier, "DBInstanceStatus": element(text, "DBInstanceStatus"),
            "CACertificateIdentifier": element(text.replace(pending, ""), "CACertificateIdentifier"),
            "Endpoint": {"Address": element(text, "Address"), "Port": element(text, "Port")},
            "DbiResourceId": element(text, "DbiResourceId"), "DBInstanceArn": element(text, "DBInstanceArn"),
            "ValidTill": element(text, "ValidTill"), "PendingCA": element(pending, "CACertificateIdentifier"),
            "Rotation": infos.get("certificate-rotation"), "Text": text}


def messages(sealwright, identifier):
    """The texts of an instance's events, oldest first."""
    text = call(sealwright, "DescribeEvents", SourceIdentifier=identifier, SourceType="db-instance", Duration="60").text
    return [part.split("<")[0] for part in text.split("<Message>")[1:]]


def started_at(instance, bundle):
    return psql(instance, bundle, "select pg_postmaster_start_time()")


class Watch:
    """Connects to all instances again and again, verified by name and bundle, until it is ended."""

    def __init__(self, instances, bundle, threads=4):
        self.instances, self.bundle = instances, bundle
        self.serials = {each["DBInstanceIdentifier"]: [] for each in instances}
        self.looks, self.failures = 0, []
        self.stop = threading.Event()
        self.pool = ThreadPoolExecutor(threads)
        self.parts = [self.pool.submit(self._run, instances[number::threads]) for number in range(threads)]

    def _look(self, instance):
        name = instance["DBInstanceIdentifier"]
        try:
            serial = served(instance, self.bundle)["serialNumber"]
        except (OSError, ssl.SSLError, AssertionError) as problem:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {name}: {problem}")
            return
        if not self.serials[name] or self.serials[name][-1] != serial:
            self.serials[name].append(serial)
        self.looks += 1

    def _run(self, instances):
        while not self.stop.is_set():
            for instance in instances:
                self._look(instance)
            self.stop.wait(0.05)

    def generations(self):
        """The fewest certificates that an instance has served so far."""
        return min(len(each) for each in self.serials.values())

    def end(self):
        self.stop.set()
        for part in self.parts:
            part.result()
        self.pool.shutdown()
        assert not self.failures, self.failures[:10]
