"""One body for every engine and every certificate authority: create, connect verified by name, refuse without TLS when
forced, change the CA under load and under an open session, stop, start, reboot, delete. PostgreSQL, MariaDB and MySQL are
real, SQL Server and Oracle stand-ins."""

import os

import engines
import pytest
import standins
from engines import RELOAD, RESTART, Refused
from postgres import create, delete, describe, until_ca, until_gone, until_status
from server import eventually

# Each life is under one authority and then the next. SEALWRIGHT_ALL_AUTHORITIES=1, as in `make soak`: a life for each.
AUTHORITIES = ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1", "rds-ca-2019"]
FIRST = [AUTHORITIES[0], *(pytest.param(each, marks=pytest.mark.slow) for each in
                           (AUTHORITIES[1:] if os.environ.get("SEALWRIGHT_ALL_AUTHORITIES") else AUTHORITIES[2:3]))]
# What the issuer's name holds of each.
ISSUERS = {"rds-ca-2019": "2019", "rds-ca-rsa2048-g1": "RSA2048", "rds-ca-rsa4096-g1": "RSA4096", "rds-ca-ecc384-g1": "ECC384"}


@pytest.fixture(scope="module", params=standins.ALL)
def engine(request):
    return engines.usable(standins.ALL[request.param])


@pytest.fixture(scope="module")
def world(engine):
    with engines.running(engine, regions=("us-east-1", "eu-central-1")) as sealwright:
        yield sealwright


@pytest.fixture(scope="module")
def bundle(world):
    return world.download("/us-east-1/us-east-1-bundle.pem")


def force(client, engine, group, on):
    """Oracle has no such parameter: its plain port stays."""
    if engine.force:
        name, *values = engine.force
        client.call("modify-db-parameter-group", DBParameterGroupName=group, Parameters=[
            {"ParameterName": name, "ParameterValue": values[on], "ApplyMethod": engine.force_method}])


@pytest.fixture
def instance(request, world, engine, identifier):
    """An available instance under the CA that the test names, which does not force TLS; gone afterwards."""
    engines.create_group(world.client, engine, identifier)
    force(world.client, engine, identifier, False)
    options = engine.options(world.client, identifier)
    create(world.client, identifier, Engine=engine.name, DBParameterGroupName=identifier, CACertificateIdentifier=request.param,
           **options)
    try:
        yield until_status(world.client, identifier, "available")
    finally:
        if describe(world.client, identifier):
            delete(world.client, identifier)
        until_gone(world.client, identifier)
        world.client.call("delete-db-parameter-group", DBParameterGroupName=identifier)
        engine.remove_options(world.client, identifier)


def refusal(engine, *arguments, **options):
    with pytest.raises(Refused) as refused:
        engine.query(*arguments, **options)
    return str(refused.value)


def change_under_load(world, engine, instance, bundle, authority):
    """Changes the CA while clients connect; the certificate on the wire before and after. What reloads loses nothing; what
    restarts is away for a moment, but shows no client a certificate that it must refuse."""
    identifier = instance["DBInstanceIdentifier"]
    before, process = engine.served(instance, bundle), engine.process(world, instance)
    with engine.session(instance, bundle) as session, engines.Load(engine, instance, bundle) as load:
        number = session.ask(engine.connection)
        assert number.isdigit()
        eventually(lambda: load.connections >= 3 or load.failures, 30, "the load should be under way")
        world.client.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier=authority,
                          ApplyImmediately=True)
        until_ca(world.client, identifier, authority)
        away, rotated = list(load.failures), load.connections
        eventually(lambda: load.connections >= rotated + 3 or load.failures != away, 30, "the load should go on")
        if engine.rotation != RESTART:
            assert session.ask(engine.connection) == number
    assert load.failures == away and (not away or engine.rotation != RELOAD), load.failures[:3]
    assert all(engines.matches(engine.away, each) for each in away), away[:3]
    assert (engine.process(world, instance) == process) == (engine.rotation != RESTART)
    return before, engine.served(instance, bundle)


def reboot(world, engine, instance):
    process, identifier = engine.process(world, instance), instance["DBInstanceIdentifier"]
    world.client.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    eventually(lambda: engine.process(world, instance) not in (None, process) and
               describe(world.client, identifier)["DBInstanceStatus"] == "available", 60, "the engine should have been restarted")


def force_at_last(world, engine, instance, bundle):
    """Makes TLS a must; what a client without it is told from then on."""
    identifier = instance["DBInstanceIdentifier"]
    force(world.client, engine, identifier, True)
    if engine.force_method == "pending-reboot":
        eventually(lambda: describe(world.client, identifier)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot",
                   30, "the parameter should wait for a restart")
        assert refused_or_none(engine, instance) is None
        reboot(world, engine, instance)
    plain = eventually(lambda: refused_or_none(engine, instance), 60, "a connection without TLS should be refused")
    assert engines.matches(engine.insecure, plain), plain


@pytest.mark.parametrize("instance", FIRST, indirect=True)
def test_the_life_of_an_instance(world, engine, instance, bundle, identifier):
    authority = instance["CACertificateIdentifier"]
    address = instance["Endpoint"]["Address"]

    shown = engine.served(instance, bundle)
    assert ISSUERS[authority] in shown["issuer"]["commonName"]
    assert shown["subject"]["commonName"] == address and ("DNS", address) in shown["subjectAltName"]
    assert engine.encryption(instance, bundle) in engine.encrypted
    probed = engine.probe(world, instance)
    assert (probed["Status"], probed["Verified"], probed["CAIdentifier"]) == ("ok", True, authority), probed
    # Not the whole bundle: rds-ca-2019 has one root for all regions.
    elsewhere = world.download("/eu-central-1/eu-central-1-rds-ca-rsa2048-g1.pem", "elsewhere.pem")
    assert engines.matches(engine.untrusted, refusal(engine, instance, elsewhere, "select 1"))
    assert engines.matches(engine.misnamed, refusal(engine, instance, bundle, "select 1", host="other.localhost"))

    assert engine.encryption(instance, None, secure=False) == ""
    if engine.force:
        force_at_last(world, engine, instance, bundle)
    if engine.tells:
        assert (probed["Unencrypted"], engine.probe(world, instance)["Unencrypted"]) == ("accepted", "refused")
    assert engine.query(instance, bundle, "select 1") == "1"

    other = AUTHORITIES[(AUTHORITIES.index(authority) + 1) % len(AUTHORITIES)]
    before, after = change_under_load(world, engine, instance, bundle, other)
    assert before["serialNumber"] != after["serialNumber"]
    assert ISSUERS[other] in after["issuer"]["commonName"]

    process = engine.process(world, instance)
    world.client.call("stop-db-instance", DBInstanceIdentifier=identifier)
    until_status(world.client, identifier, "stopped")
    assert engine.process(world, instance) is None
    refusal(engine, instance, bundle, "select 1")
    world.client.call("start-db-instance", DBInstanceIdentifier=identifier)
    until_status(world.client, identifier, "available")
    started = engine.process(world, instance)
    assert started not in (None, process)
    assert engine.served(instance, bundle)["serialNumber"] == after["serialNumber"]

    reboot(world, engine, instance)
    assert engine.query(instance, bundle, "select 1") == "1"
    if engine.force:
        assert engines.matches(engine.insecure, refusal(engine, instance, None, "select 1", secure=False))

    delete(world.client, identifier)
    until_gone(world.client, identifier)
    assert engine.process(world, instance) is None


def refused_or_none(engine, instance):
    try:
        engine.query(instance, None, "select 1", secure=False)
    except Refused as refused:
        return str(refused)
    return None
