"""MariaDB and MySQL: accounts, parameters, what a master user may, and the guard over a change of CA."""

import socket

import engines
import pytest
from engines import Refused
from fleet import described, messages
from postgres import PASSWORD, create, until_status
from server import PATIENCE, end, eventually
from test_bridge import NEW, OLD, roots

GUARD = int(20 * PATIENCE)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def engine(request):
    return engines.usable(engines.ALL[request.param])


@pytest.fixture(scope="module")
def world(engine):
    with engines.running(engine, guard_seconds=GUARD, guard_refusals=2, bridges=False) as sealwright:
        yield sealwright


@pytest.fixture(scope="module")
def bundle(world):
    return world.download("/us-east-1/us-east-1-bundle.pem")


@pytest.fixture(scope="module")
def instance(world, engine):
    """One for all of these tests, with a parameter group of its own."""
    engines.create_group(world.client, engine, "tuned")
    create(world.client, "orders", Engine=engine.name, DBName="shop", DBParameterGroupName="tuned", CACertificateIdentifier=OLD)
    return until_status(world.client, "orders", "available")


def refusal(engine, *arguments, **options):
    with pytest.raises(Refused) as refused:
        engine.query(*arguments, **options)
    return str(refused.value)


def modify(world, method, **values):
    parameters = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method} for name, value in values.items()]
    world.client.call("modify-db-parameter-group", DBParameterGroupName="tuned", Parameters=parameters)


def variable(engine, instance, bundle, name):
    return engine.query(instance, bundle, f"select @@global.{name}")


def test_an_account_may_require_tls(engine, instance, bundle):
    engine.query(instance, bundle, "create user strict@'%' identified by 'A-secret-1' require ssl")
    assert engine.query(instance, bundle, "select current_user()", user=("strict", "A-secret-1")) == "strict@%"
    assert engine.query(instance, None, "select current_user()", secure=False) == "app@%"
    assert "Access denied" in refusal(engine, instance, None, "select 1", secure=False, user=("strict", "A-secret-1"))


def test_the_master_user_is_no_superuser(engine, instance, bundle):
    grants = engine.query(instance, bundle, "show grants")
    assert "WITH GRANT OPTION" in grants and "CREATE USER" in grants
    assert not any(each in grants for each in ("SUPER", "FILE,", "SHUTDOWN", "SYSTEM_USER"))
    assert engine.query(instance, bundle, "show databases like 'shop'") == "shop"
    for sql in ("shutdown", "select 1 into outfile '/tmp/out'", "set global init_file = '/tmp/x'"):
        refusal(engine, instance, bundle, sql)
    assert engine.query(instance, bundle, "select user from mysql.user where user in ('root', '')") == ""
    assert "rdsadmin" in engine.query(instance, bundle, "select user from mysql.user where user = 'rdsadmin' and host = 'localhost'")
    refusal(engine, instance, bundle, "select 1", user=("rdsadmin", ""))


def test_a_mysql_master_cannot_make_itself_one(engine, instance, bundle):
    if engine.name != "mysql":
        pytest.skip("MariaDB cannot keep a user with global privileges out of the database mysql (docs/mariadb.md)")
    for sql in ("update mysql.user set Super_priv = 'Y'", "grant update on mysql.* to app@'%'", "drop user rdsadmin@localhost",
                "alter user rdsadmin@localhost identified by 'x'", "create user x@'%'; grant super on *.* to x@'%'"):
        refusal(engine, instance, bundle, sql)


def test_passwords_are_in_no_log(world, engine, instance, bundle):
    modify(world, "immediate", general_log="1", slow_query_log="1")
    eventually(lambda: variable(engine, instance, bundle, "general_log") == "1", 60, "the general log should be on")
    odd = "it's-not\\simple-2"
    world.client.call("modify-db-instance", DBInstanceIdentifier="orders", MasterUserPassword=odd, ApplyImmediately=True)
    eventually(lambda: works(engine, instance, bundle, odd), 60, "the new password should be in force")
    assert not works(engine, instance, bundle, PASSWORD)
    world.client.call("modify-db-instance", DBInstanceIdentifier="orders", MasterUserPassword=PASSWORD, ApplyImmediately=True)
    eventually(lambda: works(engine, instance, bundle, PASSWORD), 60, "the first password should be in force again")
    engine.query(instance, bundle, "select 'a statement of the client'")
    folder = world.run_dir.resolve() / "instances" / instance["DbiResourceId"]
    logs = {path.name: path.read_text(errors="replace") for path in (folder / "log").iterdir()}
    assert "a statement of the client" in logs["general.log"]
    for name, text in {**logs, "agent.log": world.log("agent"), "state.json": (folder / "state.json").read_text()}.items():
        assert odd not in text and PASSWORD not in text and "simple-2" not in text, name
    modify(world, "immediate", general_log="0", slow_query_log="0")


def works(engine, instance, bundle, password):
    try:
        return engine.query(instance, bundle, "select 1", user=("app", password)) == "1"
    except Refused as refused:
        assert "Access denied" in str(refused)
        return False


def test_parameters_are_what_sql_reports(world, engine, instance, bundle):
    process = engine.process(world, instance)
    modify(world, "immediate", max_connections="77", wait_timeout="1234", long_query_time="3", event_scheduler="ON")
    eventually(lambda: variable(engine, instance, bundle, "max_connections") == "77", 60, "max_connections should be 77")
    assert variable(engine, instance, bundle, "wait_timeout") == "1234"
    assert float(variable(engine, instance, bundle, "long_query_time")) == 3
    assert variable(engine, instance, bundle, "event_scheduler") == "ON"
    world.client.call("reset-db-parameter-group", DBParameterGroupName="tuned",
                      Parameters=[{"ParameterName": "wait_timeout", "ApplyMethod": "immediate"}])
    eventually(lambda: variable(engine, instance, bundle, "wait_timeout") == "28800", 60, "wait_timeout should be the default")
    assert engine.process(world, instance) == process

    modify(world, "pending-reboot", tls_version="TLSv1.2", ssl_cipher="ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
           performance_schema="1")
    assert engine.encryption(instance, bundle) == "TLSv1.3"
    world.client.call("reboot-db-instance", DBInstanceIdentifier="orders")
    eventually(lambda: engine.process(world, instance) not in (None, process) and
               described(world, "orders")["DBInstanceStatus"] == "available", 60, "the engine should have been restarted")
    assert engine.encryption(instance, bundle) == "TLSv1.2"
    assert variable(engine, instance, bundle, "tls_version") == "TLSv1.2"
    assert variable(engine, instance, bundle, "ssl_cipher").startswith("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA")
    assert variable(engine, instance, bundle, "performance_schema") == "1"
    assert variable(engine, instance, bundle, "max_connections") == "77"


def test_a_killed_server_comes_back_with_its_data(world, engine, instance, bundle):
    engine.query(instance, bundle, "create table shop.kept select 42 as number")
    process = engine.process(world, instance)
    end(process)
    eventually(lambda: engine.process(world, instance) not in (None, process), 60, "another process should serve")
    assert eventually(lambda: answer(engine, instance, bundle, "select number from shop.kept"), 60, "it should answer") == "42"
    eventually(lambda: any("was not running" in text for text in messages(world, "orders")), 60, lambda: messages(world, "orders"))
    # The driver's account is what it was: the next change of the CA goes through it.
    assert engine.query(instance, bundle, "select count(*) from mysql.user where user in ('rdsadmin', 'app')") == "3"


def answer(engine, instance, bundle, sql):
    try:
        return engine.query(instance, bundle, sql)
    except Refused:
        return None


@pytest.mark.slow
def test_a_client_that_looks_undoes_nothing(world, engine, instance, bundle):
    change(world, NEW)
    for _ in range(3):
        assert engine.query(instance, bundle, "select 1") == "1"
        engine.served(instance, bundle)  # a handshake without a login
        socket.create_connection((instance["Endpoint"]["Address"], int(instance["Endpoint"]["Port"]))).close()
    refusal(engine, instance, bundle, "select 1", user=("app", "wrong"))
    refusal(engine, instance, None, "select 1", secure=False, user=("app", "wrong"))
    eventually(lambda: described(world, "orders")["Rotation"] == "scheduled", GUARD + 60, lambda: described(world, "orders")["Text"])
    assert described(world, "orders")["CACertificateIdentifier"] == NEW
    assert not any("stays, though" in text for text in messages(world, "orders"))


def test_a_client_that_refuses_a_new_ca_brings_the_old_one_back(world, engine, instance, bundle):
    trusted = roots(world)
    old = described(world, "orders")["CACertificateIdentifier"]
    serial, process = engine.served(instance, bundle)["serialNumber"], engine.process(world, instance)
    change(world, OLD if old == NEW else NEW)
    assert engine.served(instance, bundle)["serialNumber"] != serial
    for _ in range(2):
        assert engines.matches(engine.untrusted, refusal(engine, instance, trusted[old], "select 1"))
    eventually(lambda: described(world, "orders")["Rotation"] == "undone", GUARD + 30, lambda: described(world, "orders")["Text"])
    assert engine.served(instance, bundle)["serialNumber"] == serial
    assert engine.query(instance, trusted[old], "select 1") == "1"
    assert engine.process(world, instance) == process
    (event,) = [text for text in messages(world, "orders") if "undone" in text]
    assert "2 connections" in event
    addresses = ["an unknown address"] if engine.name == "mysql" else ["127.0.0.1", "::1"]
    assert any(each in event for each in addresses), event


def change(world, authority):
    world.client.call("modify-db-instance", DBInstanceIdentifier="orders", CACertificateIdentifier=authority, ApplyImmediately=True)
    eventually(lambda: described(world, "orders")["Rotation"] == "guarded", 60, lambda: described(world, "orders")["Text"])
