"""SQL Server, played by a stand-in: an engine that must restart for a new certificate."""

import datetime
import os
import subprocess
from pathlib import Path

import pytest
from clients import ClientError, JavaScript
from postgres import create, delete, describe, until_ca, until_gone, until_status
from server import PATIENCE, Sealwright, eventually
from sqlserver import CLIENTS, PASSWORD, Refused, prepare, processes, started, tedious, tsql
from test_client_pages import blocks

AUTHORITIES = ["rds-ca-ecc384-g1", *(pytest.param(each, marks=pytest.mark.slow) for each in
                                     ("rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1"))]
SECURE = "select encrypt_option from sys.dm_exec_connections where session_id = @@spid"
VERSION = "16.00.4175.1.v1"
ODD = "it's[new];'--]"
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def host():
    """One server and agent with the stand-in, for the tests of this file. Two regions."""
    running = prepare(Sealwright(regions=("us-east-1", "eu-central-1")))
    try:
        yield running.start()
    finally:
        running.close(keep=bool(os.environ.get("KEEP")))


@pytest.fixture
def api(host):
    made = JavaScript(host)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def bundle(host, identifier):
    return host.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")


@pytest.fixture
def make(api, identifier):
    """Makes an available instance, which is gone afterwards."""
    made = []

    def make_one(engine="sqlserver-se", **params):
        name = f"{identifier}-{len(made)}"
        made.append(name)
        create(api, name, Engine=engine, **params)
        return until_status(api, name, "available")

    yield make_one
    for name in made:
        if describe(api, name):
            delete(api, name)
    for name in made:
        until_gone(api, name)


def texts(api, instance):
    name = instance["DBInstanceIdentifier"]
    events = api.call("describe-events", SourceIdentifier=name, SourceType="db-instance", Duration=60)["Events"]
    return [event["Message"] for event in events]


def change(api, instance, authority, **params):
    return api.call("modify-db-instance", DBInstanceIdentifier=instance["DBInstanceIdentifier"],
                    CACertificateIdentifier=authority, **params)["DBInstance"]


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_clients_verify_chain_and_name(host, make, bundle, authority):
    instance = make(CACertificateIdentifier=authority)
    elsewhere = host.download("/eu-central-1/eu-central-1-bundle.pem", f"{instance['DBInstanceIdentifier']}.other.pem")
    valid = datetime.datetime.fromisoformat(instance["CertificateDetails"]["ValidTill"].replace("Z", "+00:00"))
    until = valid - datetime.datetime.now(datetime.timezone.utc)
    legacy = authority == "rds-ca-2019"  # one root for all regions, which ends before the three years
    if not legacy:
        assert 3 * 365 * DAY - DAY < until < 3 * 366 * DAY  # it must restart for the next one
    for name, client in CLIENTS.items():
        assert client(instance, bundle, SECURE) == [["TRUE"]], name
        if not legacy:
            with pytest.raises(Refused):
                client(instance, elsewhere, SECURE)
        with pytest.raises(Refused):
            client(instance, bundle, SECURE, password="wrong-" + PASSWORD)
        with pytest.raises(Refused):  # the same server by a name that is not in its certificate
            client(instance, bundle, SECURE, host="elsewhere.localhost")


@pytest.mark.parametrize("engine, edition", [
    ("sqlserver-ee", "Enterprise Edition: Core-based Licensing"), ("sqlserver-se", "Standard Edition"),
    ("sqlserver-ex", "Express Edition"), ("sqlserver-web", "Web Edition")])
def test_an_instance_is_of_the_edition_that_was_asked_for(api, make, bundle, engine, edition):
    instance = make(engine)
    assert instance["Engine"] == engine
    assert instance["EngineVersion"] == VERSION
    assert tsql(instance, bundle, "select serverproperty('edition')") == [[edition]]
    (version,) = api.call("describe-db-engine-versions", Engine=engine)["DBEngineVersions"]
    assert version["EngineVersion"] == VERSION
    assert version["DBParameterGroupFamily"] == f"{engine}-16.0"
    assert not version["SupportsCertificateRotationWithoutRestart"]


def test_the_master_user_has_what_rds_gives_and_no_more(make, bundle):
    instance = make()
    asked = ", ".join(f"is_srvrolemember('{role}')" for role in ("processadmin", "setupadmin", "sysadmin"))
    assert tsql(instance, bundle, f"select {asked}") == [["1", "1", "0"]]
    assert tsql(instance, bundle, "create database orders") == []
    for statement in ("alter login sa with password = 'Mine-now-1'", "alter server role sysadmin add member app",
                      "grant control server to app"):
        with pytest.raises(Refused, match="permission"):
            tsql(instance, bundle, statement)


def test_a_change_of_ca_restarts_and_keeps_the_data(host, api, make, bundle):
    instance = make(CACertificateIdentifier="rds-ca-rsa2048-g1")
    tsql(instance, bundle, "create database orders")
    tsql(instance, bundle, "create login reader with password = 'Read-only-1'")
    before = started(instance, bundle)
    old_root = host.download("/us-east-1/us-east-1-rds-ca-rsa2048-g1.pem", "old-root.pem")
    status = change(api, instance, "rds-ca-ecc384-g1", ApplyImmediately=True)["DBInstanceStatus"]
    assert status == "modifying"
    instance = until_ca(api, instance["DBInstanceIdentifier"], "rds-ca-ecc384-g1")
    assert started(instance, bundle) > before
    for client in CLIENTS.values():
        assert client(instance, bundle, SECURE, user="reader", password="Read-only-1") == [["TRUE"]]
        assert client(instance, old_root, SECURE) == [["TRUE"]]  # by the bridge that is sent
    assert ["orders"] in names(instance, bundle)
    assert any("issued by rds-ca-ecc384-g1" in text for text in texts(api, instance))


def test_without_a_restart_the_certificate_waits_for_the_next(api, make, bundle):
    instance = make(CACertificateIdentifier="rds-ca-rsa2048-g1")
    name, before = instance["DBInstanceIdentifier"], started(instance, bundle)
    reply = change(api, instance, "rds-ca-ecc384-g1", ApplyImmediately=True, CertificateRotationRestart=False)
    assert reply["PendingModifiedValues"]["CACertificateIdentifier"] == "rds-ca-ecc384-g1"
    assert reply["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    # Nor does another change that is applied at once bring it along.
    api.call("modify-db-instance", DBInstanceIdentifier=name, AllocatedStorage=40, ApplyImmediately=True)
    waiting = until_status(api, name, "available")
    assert waiting["CertificateDetails"]["CAIdentifier"] == "rds-ca-rsa2048-g1"
    assert waiting["PendingModifiedValues"]["CACertificateIdentifier"] == "rds-ca-ecc384-g1"
    assert started(instance, bundle) == before
    api.call("reboot-db-instance", DBInstanceIdentifier=name)
    until_ca(api, name, "rds-ca-ecc384-g1")
    assert started(instance, bundle) > before
    assert "DB instance restarted" in texts(api, instance)


def test_a_stop_and_a_start_bring_what_waited_for_a_restart(api, make, bundle):
    instance = make(CACertificateIdentifier="rds-ca-rsa2048-g1")
    name = instance["DBInstanceIdentifier"]
    tsql(instance, bundle, "create database orders")
    change(api, instance, "rds-ca-rsa4096-g1", ApplyImmediately=True, CertificateRotationRestart=False)
    api.call("stop-db-instance", DBInstanceIdentifier=name)
    until_status(api, name, "stopped")
    with pytest.raises(Refused):
        tsql(instance, bundle, SECURE)
    api.call("start-db-instance", DBInstanceIdentifier=name)
    again = until_ca(api, name, "rds-ca-rsa4096-g1")
    assert again["Endpoint"] == instance["Endpoint"]
    assert ["orders"] in names(instance, bundle)


@pytest.mark.slow
def test_a_new_name_restarts_with_a_certificate_for_it(api, make, bundle):
    instance = make()
    name, before = instance["DBInstanceIdentifier"], started(instance, bundle)
    api.call("modify-db-instance", DBInstanceIdentifier=name, NewDBInstanceIdentifier=f"{name}-new", ApplyImmediately=True)
    try:
        renamed = until_status(api, f"{name}-new", "available")
        assert renamed["Endpoint"]["Address"].startswith(f"{name}-new.")
        assert started(renamed, bundle) > before
        with pytest.raises(Refused):  # still the same server, but no longer of that name
            started(instance, bundle)
    finally:
        delete(api, f"{name}-new")
        until_gone(api, f"{name}-new")


@pytest.mark.parametrize("params", [{}, pytest.param({"CertificateRotationRestart": True}, marks=pytest.mark.slow)],
                         ids=["absent", "true"])
def test_a_change_without_apply_immediately_waits_for_the_window(api, make, bundle, params):
    instance = make(CACertificateIdentifier="rds-ca-rsa2048-g1")
    name, before = instance["DBInstanceIdentifier"], started(instance, bundle)
    change(api, instance, "rds-ca-ecc384-g1", **params)
    waiting = describe(api, name)
    assert waiting["PendingModifiedValues"]["CACertificateIdentifier"] == "rds-ca-ecc384-g1"
    assert waiting["DBInstanceStatus"] == "available"
    assert started(instance, bundle) == before
    api.call("modify-db-instance", DBInstanceIdentifier=name, **window_now())
    until_ca(api, name, "rds-ca-ecc384-g1")
    assert started(instance, bundle) > before


def window_now():
    """A maintenance window that is open, and a backup window out of its way."""
    now = datetime.datetime.now(datetime.timezone.utc)
    edges = [f"{now + datetime.timedelta(minutes=minutes):%a:%H:%M}".lower() for minutes in (-10, 50)]
    backup = [f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (6, 7)]
    return {"PreferredMaintenanceWindow": "-".join(edges), "PreferredBackupWindow": "-".join(backup)}


def test_force_ssl_takes_a_reboot(api, make, bundle, identifier):
    api.call("create-db-parameter-group", DBParameterGroupName=identifier, DBParameterGroupFamily="sqlserver-se-16.0",
             Description="of a test")
    instance = make(DBParameterGroupName=identifier)
    name = instance["DBInstanceIdentifier"]
    assert tsql(instance, None, SECURE, encryption="off") == [["FALSE"]]
    with pytest.raises(ClientError):  # it is static
        force(api, identifier, "immediate")
    force(api, identifier, "pending-reboot")
    eventually(lambda: describe(api, name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot", 30,
               lambda: describe(api, name)["DBParameterGroups"])
    assert tsql(instance, None, SECURE, encryption="off") == [["FALSE"]]
    api.call("reboot-db-instance", DBInstanceIdentifier=name)
    until_status(api, name, "available")
    with pytest.raises(Refused):
        tsql(instance, None, SECURE, encryption="off")
    with pytest.raises(Refused, match="requires encryption"):
        tedious(instance, None, SECURE, encryption="off")
    for client in CLIENTS.values():
        assert client(instance, bundle, SECURE) == [["TRUE"]]
    assert describe(api, name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"


def force(api, group, method):
    api.call("modify-db-parameter-group", DBParameterGroupName=group,
             Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": method}])


def test_a_new_password_takes_effect_without_a_restart(api, make, bundle):
    instance = make()
    name, before = instance["DBInstanceIdentifier"], started(instance, bundle)
    api.call("modify-db-instance", DBInstanceIdentifier=name, MasterUserPassword=ODD)
    until_status(api, name, "available")
    assert tsql(instance, bundle, "select sqlserver_start_time from sys.dm_os_sys_info",
                password=ODD) == [[before]]
    with pytest.raises(Refused):
        tsql(instance, bundle, SECURE)


@pytest.mark.slow
def test_every_command_of_the_page_connects(host, api, tmp_path):
    for name, content in blocks("sqlserver"):
        if name:
            (tmp_path / name).write_text(content)
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node_modules")
    create(api, "orders", Engine="sqlserver-ex")
    until_status(api, "orders", "available")
    environment = host.environment(PASSWORD=PASSWORD, PATH=f"/usr/bin:/bin:{os.environ['PATH']}")
    commands = [content for written, content in blocks("sqlserver") if not written]
    assert len(commands) > 3
    for command in commands:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=120 * PATIENCE, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        if command is not commands[0]:
            assert done.stdout.count("TRUE") == max(1, command.count("node ")), f"{command}\nprinted {done.stdout!r}"
    delete(api, "orders")
    until_gone(api, "orders")


@pytest.fixture
def short_lived(make_sealwright):
    """A Sealwright of the test's own whose certificates live for three quarters of a minute."""
    return prepare(make_sealwright(), restart_certificate_seconds=int(45 * PATIENCE), rotation_emergency_percent=1,
                   rotation_spread_percent=0).start()


@pytest.mark.slow
def test_it_runs_on_alone_and_down_all_stops_it(make_sealwright):
    own = prepare(make_sealwright()).start()
    api = JavaScript(own)
    try:
        create(api, "orders", Engine="sqlserver-se")
        instance = until_status(api, "orders", "available")
        bundle = own.download("/us-east-1/us-east-1-bundle.pem")
        tsql(instance, bundle, "create database orders")
        before = started(instance, bundle)
        own.stop()
        assert started(instance, bundle) == before
        assert len(processes(own)) == 1
        own.command("down", "--all")
        assert not processes(own)
        own.start()
        eventually(lambda: processes(own), 60, "the agent should start the database again")
        until_status(api, "orders", "available")
        eventually(lambda: ["orders"] in names(instance, bundle), 30, "the database should be there")
    finally:
        api.close()


def names(instance, bundle):
    try:
        return tsql(instance, bundle, "select name from sys.databases")
    except Refused:
        return []


@pytest.mark.slow
def test_a_renewal_is_a_pending_maintenance_action(short_lived):
    """Events 0501 and 0502 of RDS; the restart is in the window that the operator said yes to."""
    own, api = short_lived, JavaScript(short_lived)
    try:
        create(api, "orders", Engine="sqlserver-ex")
        instance = until_status(api, "orders", "available")
        bundle = own.download("/us-east-1/us-east-1-bundle.pem")
        before, serial = started(instance, bundle), instance["CertificateDetails"]["ValidTill"]
        arn = instance["DBInstanceArn"]
        raised = eventually(lambda: pending(api, arn), 90, "an action should be pending", 0.5)
        assert raised["Action"] == "server-certificate-rotation"
        assert "requires rotation through a pending maintenance action" in "\n".join(texts(api, instance))
        assert started(instance, bundle) == before
        api.call("apply-pending-maintenance-action", ResourceIdentifier=arn, ApplyAction="server-certificate-rotation",
                 OptInType="next-maintenance")
        assert pending(api, arn)["OptInStatus"] == "next-maintenance"
        assert "This maintenance will require a database reboot" in "\n".join(texts(api, instance))
        api.call("modify-db-instance", DBInstanceIdentifier="orders", **window_now())
        eventually(lambda: describe(api, "orders")["CertificateDetails"]["ValidTill"] > serial, 60,
                   lambda: f"the certificate should be renewed: {describe(api, 'orders')}", 0.3)
        until_status(api, "orders", "available")
        assert started(instance, bundle) > before
        delete(api, "orders")
        until_gone(api, "orders")
    finally:
        api.close()


def pending(api, arn):
    actions = api.call("describe-pending-maintenance-actions", ResourceIdentifier=arn)["PendingMaintenanceActions"]
    return actions[0]["PendingMaintenanceActionDetails"][0] if actions else None


def test_nothing_is_offered_whose_license_was_not_accepted(make_sealwright, monkeypatch):
    own = prepare(make_sealwright())
    monkeypatch.delenv("ACCEPT_EULA")
    api = JavaScript(own.start())
    try:
        with pytest.raises(ClientError, match="sqlserver-se") as refused:
            create(api, "orders", Engine="sqlserver-se")
        assert refused.value.code == "InsufficientDBInstanceCapacity"
        assert not processes(own)
    finally:
        api.close()
