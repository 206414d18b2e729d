"""Bridged migration: clients that trust the old CA's root alone go on, those that trust the new one's alone come in."""

import subprocess
import threading
from pathlib import Path

import pytest
from fleet import call, create_all, described, messages
from postgres import psql
from server import PATIENCE, eventually

OLD, NEW, THIRD = "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-2019"
LABELS = {OLD: "Root CA RSA2048", NEW: "Root CA ECC384", THIRD: "Root 2019"}


def openssl(*arguments, text):
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=True).stdout


def roots(sealwright):
    """{CA identifier: file with its root alone}, out of the regional bundle."""
    files = {}
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem").read_text()
    for pem in [part + "-----END CERTIFICATE-----\n" for part in bundle.split("-----END CERTIFICATE-----\n") if part.strip()]:
        subject, issuer = (openssl("x509", "-noout", f"-{side}", text=pem).partition("=")[2] for side in ("subject", "issuer"))
        for authority, label in LABELS.items():
            if subject == issuer and label in subject:
                files[authority] = sealwright.top / f"{authority}.pem"
                files[authority].write_text(pem)
    return files


def with_psql(instance, root):
    return psql(instance, root, "select 1", check=False).stdout.strip() == "1"


def with_node(instance, root):
    endpoint = instance["Endpoint"]
    done = subprocess.run(["node", Path(__file__).with_name("pg_tls.mjs"), endpoint["Address"], endpoint["Port"], root],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    return done.stdout.strip() == "authorized"


VERIFIERS = {"psql": with_psql, "node": with_node}


class Client(threading.Thread):
    """Connects again and again until it is ended; counts."""

    def __init__(self, instance, root):
        super().__init__(daemon=True)
        self.instance, self.root, self.stop = instance, root, threading.Event()
        self.good = self.bad = 0
        self.start()

    def run(self):
        while not self.stop.is_set():
            if with_psql(self.instance, self.root):
                self.good += 1
            else:
                self.bad += 1

    def end(self):
        self.stop.set()
        self.join()


def move(sealwright, instance, authority):
    identifier = instance["DBInstanceIdentifier"]
    call(sealwright, "ModifyDBInstance", DBInstanceIdentifier=identifier, CACertificateIdentifier=authority,
         ApplyImmediately="true")
    eventually(lambda: described(sealwright, identifier)["CACertificateIdentifier"] == authority, 60,
               lambda: described(sealwright, identifier)["Text"])


@pytest.fixture(scope="module")
def world():
    from server import Sealwright  # one server for this file's tests

    running = Sealwright()
    try:
        running.start()
        yield running
    finally:
        running.close()


def test_who_trusts_the_old_root_alone_goes_on(world, record_property):
    instance = create_all(world, 1, (OLD,))[0]
    trusted = roots(world)
    assert set(trusted) == set(LABELS)
    for name, verifies in VERIFIERS.items():
        assert verifies(instance, trusted[OLD]), name
        assert not verifies(instance, trusted[NEW]), name
    client = Client(instance, trusted[OLD])
    eventually(lambda: client.good > 2, 30, "the client should connect")
    move(world, instance, NEW)
    eventually(lambda: client.good > 20, 60, "the client should go on")
    client.end()
    assert client.bad == 0
    for name, verifies in VERIFIERS.items():
        assert verifies(instance, trusted[OLD]), name
        assert verifies(instance, trusted[NEW]), name
        assert not verifies(instance, trusted[THIRD]), name
    # A second move: both old roots are still good, by two bridges in a row.
    move(world, instance, THIRD)
    for name, verifies in VERIFIERS.items():
        for root in trusted.values():
            assert verifies(instance, root), (name, root)
    record_property("figures", f"bridged migration: {client.good} connections that trust the old root alone, 0 refused")
    assert "BEGIN CERTIFICATE" in trusted[OLD].read_text()
    delete(world, instance)


def test_without_the_bridge_the_old_root_fails(world):
    instance = create_all(world, 1, (OLD,))[0]
    trusted = roots(world)
    call(world, "AddTagsToResource", ResourceName=instance["DBInstanceArn"], **{"Tags.Tag.1.Key": "sealwright:bridge",
                                                                              "Tags.Tag.1.Value": "off"})
    move(world, instance, NEW)
    for name, verifies in VERIFIERS.items():
        assert not verifies(instance, trusted[OLD]), name
        assert verifies(instance, trusted[NEW]), name
    # Saying so later takes the bridge out of a chain that has it.
    call(world, "RemoveTagsFromResource", ResourceName=instance["DBInstanceArn"], **{"TagKeys.member.1": "sealwright:bridge"})
    move(world, instance, OLD)
    assert with_psql(instance, trusted[NEW])
    call(world, "AddTagsToResource", ResourceName=instance["DBInstanceArn"], **{"Tags.Tag.1.Key": "sealwright:bridge",
                                                                              "Tags.Tag.1.Value": "off"})
    eventually(lambda: not with_psql(instance, trusted[NEW]), 60, "the bridge should go")
    assert with_psql(instance, trusted[OLD])
    delete(world, instance)


def test_bundles_carry_no_bridges(world):
    bundle = world.download("/us-east-1/us-east-1-bundle.pem").read_text()
    assert bundle.count("BEGIN CERTIFICATE") == 8


def delete(sealwright, instance):
    identifier = instance["DBInstanceIdentifier"]
    call(sealwright, "DeleteDBInstance", DBInstanceIdentifier=identifier, SkipFinalSnapshot="true")
    eventually(lambda: sealwright.raw().call("DescribeDBInstances", {"DBInstanceIdentifier": identifier}).status == 404, 60,
               f"{identifier} should be gone")
    assert messages(sealwright, identifier)
