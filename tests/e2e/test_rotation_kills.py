"""kill -9 of agent and server in the middle of rotations: the pair is always whole, the old one or the new one."""

import os
import random
import subprocess
import time

import pytest
from fleet import call, configure, create_all, described
from postgres import psql, served
from server import eventually

KILLS = int(os.environ.get("SEALWRIGHT_ROTATION_KILLS", "20"))  # 200 in `make soak`
TURNS = ("rds-ca-ecc384-g1", "rds-ca-rsa2048-g1")


def public_key(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def pair_is_whole(sealwright, instance):
    """The files that the engine would read at its next start or reload."""
    folder = sealwright.run_dir / "instances" / instance["DbiResourceId"] / "tls"
    certificate = public_key("x509", "-noout", "-pubkey", "-in", folder / "server.crt")
    return certificate == public_key("pkey", "-pubout", "-in", folder / "server.key")


@pytest.mark.slow
def test_kills_in_rotations_leave_whole_pairs(make_sealwright, record_property):
    sealwright = make_sealwright()
    configure(sealwright, guard_seconds=2)
    sealwright.start()
    instance = create_all(sealwright, 1, TURNS[1:])[0]
    identifier = instance["DBInstanceIdentifier"]
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem")
    chance = random.Random(KILLS)
    serials, wanted, looks = [served(instance, bundle)["serialNumber"]], TURNS[1], 0
    for number in range(KILLS):
        wanted = TURNS[number % 2]
        call(sealwright, "ModifyDBInstance", DBInstanceIdentifier=identifier, CACertificateIdentifier=wanted,
             ApplyImmediately="true")
        time.sleep(chance.uniform(0.0, 0.7))  # the random instant itself
        role = chance.choice(("agent", "agent", "server"))
        sealwright.kill(role)
        # Whatever was half done, clients get a certificate that verifies.
        serial = served(instance, bundle)["serialNumber"]
        looks += 1
        if serial != serials[-1]:
            serials.append(serial)
        if number % 10 == 9:
            # The hardest reader: an engine that starts from what is on disk.
            sealwright.start(role)
            call(sealwright, "RebootDBInstance", DBInstanceIdentifier=identifier) if available(sealwright, identifier) else None
        else:
            sealwright.start(role)
        eventually(lambda: arrived(sealwright, identifier, wanted), 90, lambda: described(sealwright, identifier)["Text"])
        assert pair_is_whole(sealwright, instance)
        assert psql(instance, bundle, "select 1") == "1"
    record_property("figures", f"{KILLS} kills of agent and server in the middle of rotations: {looks} looks at the wire, "
                    "each a certificate that verifies; 0 pairs that do not fit, 0 engines that did not come up")


def available(sealwright, identifier):
    return described(sealwright, identifier)["DBInstanceStatus"] == "available"


def arrived(sealwright, identifier, authority):
    instance = described(sealwright, identifier)
    return instance["CACertificateIdentifier"] == authority and instance["DBInstanceStatus"] == "available"
