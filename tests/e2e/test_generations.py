"""Certificates that live a minute: a fleet renews them by itself, generation after generation, and nobody notices."""

import os

import pytest
from fleet import Watch, call, configure, create_all, described, started_at
from server import PATIENCE, eventually

# The whole of it: SEALWRIGHT_FLEET=50 SEALWRIGHT_GENERATIONS=5, in `make soak`.
FLEET = int(os.environ.get("SEALWRIGHT_FLEET", "6"))
GENERATIONS = int(os.environ.get("SEALWRIGHT_GENERATIONS", "2"))
LIFE = int((30 + 2 * FLEET) * PATIENCE)


@pytest.mark.slow
def test_a_fleet_lives_through_generations_unattended(make_sealwright, record_property):
    sealwright = make_sealwright()
    configure(sealwright, server_certificate_seconds=LIFE, rotation_emergency_percent=40, guard_seconds=3)
    sealwright.start()
    instances = create_all(sealwright, FLEET, ("rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"))
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem")
    started = {each["DBInstanceIdentifier"]: started_at(each, bundle) for each in instances}
    watch = Watch(instances, bundle)
    try:
        eventually(lambda: watch.generations() > GENERATIONS, LIFE * (GENERATIONS + 2),
                   lambda: f"{GENERATIONS} generations should have passed: {watch.serials}", 1)
    finally:
        watch.end()
    assert {each["DBInstanceIdentifier"]: started_at(each, bundle) for each in instances} == started
    for each in instances:
        assert described(sealwright, each["DBInstanceIdentifier"])["DBInstanceStatus"] == "available"
    record_property("figures", f"{FLEET} instances with certificates of {LIFE} s: at least {watch.generations() - 1} renewals "
                    f"each, {watch.looks} verified connections, 0 failed, 0 restarts")
    assert "rotated" in call(sealwright, "DescribeEvents", Duration="60").text
