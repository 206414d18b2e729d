"""Kills server, workers, signer and agent at random instants under load: what was acknowledged is carried out."""

import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field

import pytest

from server import Sealwright, eventually

KILLS = int(os.environ.get("SEALWRIGHT_KILLS", "50"))
CALLERS = 3
CAS = ("rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-2019")  # RSA 4096 keys cost seconds of this machine each
PASSWORD = "a-long-password"


@dataclass
class Wanted:
    """What a caller was told of one instance. None: the call that would tell had no answer."""

    name: str
    exists: bool | None = True
    ca: set = field(default_factory=set)  # the CAs that may be in force; one when all calls were answered


class Caller(threading.Thread):
    """Creates, changes and deletes instances of its own, and remembers what was acknowledged."""

    def __init__(self, sealwright, number, stop):
        super().__init__(daemon=True)
        self.sealwright, self.number, self.stop = sealwright, number, stop
        self.random = random.Random(number)
        self.instances = []
        self.acknowledged = self.unanswered = self.refused = 0
        self.failures = []

    def call(self, action, **params):
        """True: acknowledged. False: refused by a rule. None: no answer, so it may have happened or not."""
        try:
            reply = self.sealwright.raw().call(action, params)
        except OSError:
            self.unanswered += 1
            return None
        if reply.status == 200:
            self.acknowledged += 1
            return True
        if reply.status >= 500:
            self.unanswered += 1
            if reply.status != 503:
                self.failures.append(f"{action}: {reply.status} {reply.text}")
            return None
        self.refused += 1
        return False

    def create(self):
        wanted = Wanted(f"kill-{self.number}-{len(self.instances)}", None, {self.random.choice(CAS)})
        done = self.call("CreateDBInstance", DBInstanceIdentifier=wanted.name, Engine="postgres",
                         DBInstanceClass="db.t3.micro", AllocatedStorage="20", MasterUsername="app",
                         MasterUserPassword=PASSWORD, CACertificateIdentifier=next(iter(wanted.ca)))
        if done is not False:
            wanted.exists = done
            self.instances.append(wanted)

    def modify(self, wanted):
        ca = self.random.choice(CAS)
        done = self.call("ModifyDBInstance", DBInstanceIdentifier=wanted.name, CACertificateIdentifier=ca,
                         ApplyImmediately="true")
        if done:
            wanted.exists, wanted.ca = True, {ca}
        elif done is None:
            wanted.ca.add(ca)

    def delete(self, wanted):
        done = self.call("DeleteDBInstance", DBInstanceIdentifier=wanted.name, SkipFinalSnapshot="true")
        if done:
            wanted.exists = False
        elif done is None:
            wanted.exists = None

    def run(self):
        while not self.stop.is_set():
            there = [each for each in self.instances if each.exists]
            if len(there) < 2:
                self.create()
            elif self.random.random() < 0.2:
                self.delete(self.random.choice(there))
            else:
                self.modify(self.random.choice(there))
            self.stop.wait(self.random.uniform(0.1, 0.6))


def kill_at_random(sealwright, count):
    """Kills one role after the other; what has no supervisor here (parent, agent) is started again at once."""
    chance = random.Random(count)
    killed = {role: 0 for role in ("server", "worker", "signer", "agent")}
    for _ in range(count):
        time.sleep(chance.uniform(0.05, 0.9))  # the random instant itself
        role = chance.choice(list(killed))
        if role in ("server", "agent"):
            sealwright.kill(role)
            sealwright.start(role)
        else:  # the parent may still be at the start of the last one's successor
            eventually(lambda role=role: sealwright.role_pids(role), 20, f"a {role} to kill")
            sealwright.kill(role)
        killed[role] += 1
    return killed


def describe(sealwright):
    """{identifier: text of its DBInstance element}."""
    found, marker = {}, None
    while True:
        reply = sealwright.raw().call("DescribeDBInstances", {"Marker": marker} if marker else {})
        assert reply.status == 200, reply.text
        for part in reply.text.split("<DBInstance>")[1:]:
            found[part.split("<DBInstanceIdentifier>")[1].split("<")[0]] = part
        marker = reply.element("Marker")
        if not marker:
            return found


def member(text, name):
    return text.split(f"<{name}>")[1].split("<")[0] if f"<{name}>" in text else None


def settled(sealwright):
    return all(member(text, "DBInstanceStatus") in ("available", "failed") for text in describe(sealwright).values())


def served_ca(sealwright, text):
    """The issuer's name that a client sees on the wire."""
    address, port = member(text, "Address"), member(text, "Port")
    done = subprocess.run(["openssl", "s_client", "-starttls", "postgres", "-connect", f"{address}:{port}", "-servername",
                           address], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout


LABELS = {"rds-ca-rsa2048-g1": "RSA2048", "rds-ca-ecc384-g1": "ECC384", "rds-ca-2019": "2019 CA"}


def lost_actions(sealwright, callers):
    """Acknowledged actions whose outcome is not there."""
    lost = []
    there = describe(sealwright)
    for wanted in (each for caller in callers for each in caller.instances):
        text = there.get(wanted.name)
        if wanted.exists and not text:
            lost.append(f"{wanted.name} was created and is not there")
        elif wanted.exists is False and text:
            lost.append(f"{wanted.name} was deleted and is still there")
        elif text and wanted.exists is not None:
            if member(text, "DBInstanceStatus") != "available":
                lost.append(f"{wanted.name} is {member(text, 'DBInstanceStatus')}")
            said = member(text, "CACertificateIdentifier")
            if said not in wanted.ca:
                lost.append(f"{wanted.name} has {said}, acknowledged was {wanted.ca}")
            elif LABELS[said] not in served_ca(sealwright, text):
                lost.append(f"{wanted.name} does not serve {said}")
    return lost


def orphans(sealwright):
    """Folders and engines that belong to no instance."""
    known = {member(text, "DbiResourceId") for text in describe(sealwright).values()}
    folders = [path.name for path in (sealwright.run_dir / "instances").iterdir() if path.name.startswith("db-")]
    return [name for name in folders if name not in known]


@pytest.mark.slow
def test_random_kills_lose_nothing(record_property):
    sealwright = Sealwright(fresh=True)
    stop = threading.Event()
    try:
        sealwright.start()
        callers = [Caller(sealwright, number, stop) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        killed = kill_at_random(sealwright, KILLS)
        stop.set()
        for caller in callers:
            caller.join(60)
        eventually(lambda: settled(sealwright), 120, lambda: f"all instances at rest: {describe(sealwright)}")
        eventually(lambda: not lost_actions(sealwright, callers), 60,
                   lambda: f"lost: {lost_actions(sealwright, callers)}")
        eventually(lambda: not orphans(sealwright), 30, lambda: f"orphaned: {orphans(sealwright)}")
        assert not [text for caller in callers for text in caller.failures]
        acknowledged = sum(caller.acknowledged for caller in callers)
        record_property("figures", f"{sum(killed.values())} kills ({', '.join(f'{role} {n}' for role, n in killed.items())}): "
                        f"{acknowledged} actions acknowledged, {acknowledged} carried out, 0 lost, 0 orphaned, "
                        f"{sum(caller.unanswered for caller in callers)} calls without an answer, "
                        f"{sum(caller.refused for caller in callers)} refused by a rule")
        assert acknowledged >= KILLS / 2
    finally:
        stop.set()
        sealwright.close()
