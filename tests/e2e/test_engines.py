"""One body for every engine and every certificate authority: create, connect verified by name, refuse without TLS when
forced, change the CA under load and under an open session, stop, start, reboot, delete."""

import clients
import engines
import pytest
from engines import Refused
from fleet import configure
from postgres import create, delete, describe, until_ca, until_gone, until_status
from server import Sealwright, eventually

AUTHORITIES = ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1", "rds-ca-2019"]
# What the issuer's name holds of each.
ISSUERS = {"rds-ca-2019": "2019", "rds-ca-rsa2048-g1": "RSA2048", "rds-ca-rsa4096-g1": "RSA4096", "rds-ca-ecc384-g1": "ECC384"}


@pytest.fixture(scope="module", params=engines.ALL)
def engine(request):
    chosen = engines.ALL[request.param]
    reason = chosen.reason_to_skip()
    if reason:
        pytest.skip(reason)
    return chosen


@pytest.fixture(scope="module")
def world(engine):
    """A server and an agent that finds the engine, and a client."""
    running = Sealwright(regions=("us-east-1", "eu-central-1"))
    try:
        configure(running, **engine.settings())
        running.start()
        running.client = clients.JavaScript(running)
        yield running
    finally:
        if hasattr(running, "client"):
            running.client.close()
        running.close()


@pytest.fixture(scope="module")
def bundle(world):
    return world.download("/us-east-1/us-east-1-bundle.pem")


def force(client, engine, group, on):
    name, *values = engine.force
    client.call("modify-db-parameter-group", DBParameterGroupName=group,
                Parameters=[{"ParameterName": name, "ParameterValue": values[on], "ApplyMethod": "immediate"}])


@pytest.fixture
def instance(request, world, engine, identifier):
    """An available instance under the CA that the test names, which does not force TLS; gone afterwards."""
    (version,) = world.client.call("describe-db-engine-versions", Engine=engine.name, DefaultOnly=True)["DBEngineVersions"]
    world.client.call("create-db-parameter-group", DBParameterGroupName=identifier, Description="of a test",
                      DBParameterGroupFamily=version["DBParameterGroupFamily"])
    force(world.client, engine, identifier, False)
    create(world.client, identifier, Engine=engine.name, DBParameterGroupName=identifier, CACertificateIdentifier=request.param)
    try:
        yield until_status(world.client, identifier, "available")
    finally:
        if describe(world.client, identifier):
            delete(world.client, identifier)
        until_gone(world.client, identifier)
        world.client.call("delete-db-parameter-group", DBParameterGroupName=identifier)


def refusal(engine, *arguments, **options):
    with pytest.raises(Refused) as refused:
        engine.query(*arguments, **options)
    return str(refused.value)


def change_under_load(world, engine, instance, bundle, authority):
    """Changes the CA while clients connect; the certificate on the wire before and after."""
    identifier = instance["DBInstanceIdentifier"]
    before, process = engine.served(instance, bundle), engine.process(world, instance)
    with engine.session(instance, bundle) as session, engines.Load(engine, instance, bundle) as load:
        number = session.ask(engine.connection)
        assert number.isdigit()
        eventually(lambda: load.connections >= 3 or load.failures, 30, "the load should be under way")
        world.client.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier=authority,
                          ApplyImmediately=True)
        until_ca(world.client, identifier, authority)
        rotated = load.connections
        eventually(lambda: load.connections >= rotated + 3 or load.failures, 30, "the load should go on")
        assert session.ask(engine.connection) == number
    assert not load.failures, load.failures[:3]
    assert engine.process(world, instance) == process
    return before, engine.served(instance, bundle)


@pytest.mark.parametrize("instance", [AUTHORITIES[0], *(pytest.param(each, marks=pytest.mark.slow) for each in AUTHORITIES[1:])],
                         indirect=True)
def test_the_life_of_an_instance(world, engine, instance, bundle, identifier):
    authority = instance["CACertificateIdentifier"]
    address = instance["Endpoint"]["Address"]

    shown = engine.served(instance, bundle)
    assert ISSUERS[authority] in shown["issuer"]["commonName"]
    assert shown["subject"]["commonName"] == address and ("DNS", address) in shown["subjectAltName"]
    assert engine.tls_version(instance, bundle) in ("TLSv1.2", "TLSv1.3")
    # Not the whole bundle: rds-ca-2019 has one root for all regions.
    elsewhere = world.download("/eu-central-1/eu-central-1-rds-ca-rsa2048-g1.pem", "elsewhere.pem")
    assert engines.matches(engine.untrusted, refusal(engine, instance, elsewhere, "select 1"))
    assert engines.matches(engine.misnamed, refusal(engine, instance, bundle, "select 1", host="other.localhost"))

    assert engine.tls_version(instance, None, secure=False) == ""
    force(world.client, engine, identifier, True)
    plain = eventually(lambda: refused_or_none(engine, instance), 60, "a connection without TLS should be refused")
    assert engines.matches(engine.insecure, plain), plain
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

    world.client.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    eventually(lambda: engine.process(world, instance) not in (None, started) and
               describe(world.client, identifier)["DBInstanceStatus"] == "available", 60, "the engine should have been restarted")
    assert engine.query(instance, bundle, "select 1") == "1"
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
