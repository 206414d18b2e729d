"""Several PostgreSQL majors on one host: each is offered, runs its own data, has its own rds.force_ssl, and rotates."""

from pathlib import Path

import engines
import pytest
from engines import Refused
from postgres import create, until_ca, until_status

MODULES = Path(__file__).parent / "node_modules"
OTHERS = {major: MODULES / f"pg{major}" / "native" / "bin" for major in ("13", "17")}  # beside Debian's 15
POSTGRES = engines.ALL["postgres"]
OLD, NEW = "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world():
    for folder in OTHERS.values():
        if not (folder / "postgres").exists():
            pytest.skip(f"{folder} is not there: npm ci --prefix tests/e2e gets it, on x86-64")
        if engines.closed(folder):
            pytest.skip(engines.closed(folder))
    with engines.running(POSTGRES, engine_folders=[str(folder) for folder in OTHERS.values()]) as sealwright:
        yield sealwright


@pytest.fixture(scope="module")
def bundle(world):
    return world.download("/us-east-1/us-east-1-bundle.pem")


@pytest.fixture(scope="module")
def instances(world):
    """{major: available instance}, made at the same time."""
    for major in ("13", "15", "17"):
        create(world.client, f"pg{major}", EngineVersion=major, CACertificateIdentifier=OLD)
    return {major: until_status(world.client, f"pg{major}", "available") for major in ("13", "15", "17")}


def test_all_are_offered(world):
    offered = world.client.call("describe-db-engine-versions", Engine="postgres")["DBEngineVersions"]
    families = {each["DBParameterGroupFamily"]: each["EngineVersion"].split(".")[0] for each in offered}
    assert {"postgres13": "13", "postgres15": "15", "postgres17": "17"}.items() <= families.items()
    (default,) = world.client.call("describe-db-engine-versions", Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
    assert default["DBParameterGroupFamily"] == "postgres17"


@pytest.mark.parametrize("major", ["13", "15", "17"])
def test_each_runs_its_own(instances, bundle, major):
    assert instances[major]["EngineVersion"].split(".")[0] == major
    assert POSTGRES.query(instances[major], bundle, "show server_version").split(".")[0] == major


@pytest.mark.parametrize("major", ["13", "15", "17"])
def test_force_ssl_is_the_default_from_15_on(instances, bundle, major):
    assert POSTGRES.encryption(instances[major], bundle) == "TLSv1.3"
    if int(major) < 15:
        assert POSTGRES.encryption(instances[major], None, secure=False) == ""
    else:
        with pytest.raises(Refused, match=POSTGRES.insecure):
            POSTGRES.query(instances[major], None, "select 1", secure=False)


def test_the_master_user_is_the_same_on_all(instances, bundle):
    for instance in instances.values():
        assert POSTGRES.query(instance, bundle, "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = 'app'") \
            == "f|t|t"
        assert POSTGRES.query(instance, bundle, "select pg_has_role('app', 'rds_superuser', 'member')") == "t"
        for allowed in ("create role reader", "grant pg_monitor to reader", "create database shop owner app"):
            POSTGRES.query(instance, bundle, allowed)
        for forbidden in ("grant pg_execute_server_program to app", "copy (select 1) to program 'true'",
                          "alter system set work_mem = '1MB'"):
            with pytest.raises(Refused):
                POSTGRES.query(instance, bundle, forbidden)


def test_each_rotates_under_an_open_session(world, instances, bundle):
    for instance in instances.values():
        identifier = instance["DBInstanceIdentifier"]
        before, process = POSTGRES.served(instance, bundle), POSTGRES.process(world, instance)
        with POSTGRES.session(instance, bundle) as session:
            number = session.ask(POSTGRES.connection)
            world.client.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier=NEW,
                              ApplyImmediately=True)
            until_ca(world.client, identifier, NEW)
            assert session.ask(POSTGRES.connection) == number
        assert POSTGRES.process(world, instance) == process
        after = POSTGRES.served(instance, bundle)
        assert after["serialNumber"] != before["serialNumber"] and "ECC384" in after["issuer"]["commonName"]
