"""Processes are killed: databases run on, nothing acknowledged is lost, and nobody has to tidy up."""

import signal

import pytest
from clients import JavaScript
from postgres import create, delete, describe, psql, served, until_ca, until_gone, until_status
from server import alive, end, eventually


@pytest.fixture
def watcher(own):
    made = JavaScript(own)
    try:
        yield made
    finally:
        made.close()


def test_databases_run_on_while_server_and_agent_are_down(own, watcher):
    create(watcher, "orders")
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    psql(instance, bundle, "create table kept as select 42 as answer")
    started = psql(instance, bundle, "select pg_postmaster_start_time()")
    serial = served(instance, bundle)["serialNumber"]

    own.kill("server")
    own.kill("agent")
    assert psql(instance, bundle, "select answer from kept") == "42"
    own.start()
    again = until_status(watcher, "orders", "available")
    assert {name: again[name] for name in ("Endpoint", "DBInstanceArn", "DbiResourceId", "InstanceCreateTime")} == {
        name: instance[name] for name in ("Endpoint", "DBInstanceArn", "DbiResourceId", "InstanceCreateTime")}
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started
    assert served(instance, bundle)["serialNumber"] == serial

    own.restart()
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started
    delete(watcher, "orders")
    until_gone(watcher, "orders")


def test_what_was_acknowledged_is_done_after_a_kill(own, watcher):
    create(watcher, "orders")
    own.kill("agent")
    own.kill("server")
    own.start()
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    watcher.call("modify-db-instance", DBInstanceIdentifier="orders", CACertificateIdentifier="rds-ca-ecc384-g1",
                 ApplyImmediately=True)
    own.kill("server")
    own.start("server")
    until_ca(watcher, "orders", "rds-ca-ecc384-g1")
    assert "ECC384" in served(instance, bundle)["issuer"]["commonName"]
    delete(watcher, "orders")
    own.kill("agent")
    own.start("agent")
    until_gone(watcher, "orders")
    eventually(lambda: not own.database_pids(), 20, "the database's process should have ended")


@pytest.mark.parametrize("role", ["worker", "signer"])
def test_a_killed_child_of_the_server_is_replaced(own, watcher, role):
    killed = own.kill(role)
    eventually(lambda: not alive(killed), 5, f"{role} {killed} should be gone")
    eventually(lambda: [pid for pid in own.role_pids(role) if pid != killed], 20, f"a new {role} should run")
    eventually(own.answers, 20, "the server should answer")
    create(watcher, "orders", CACertificateIdentifier="rds-ca-rsa2048-g1")
    until_status(watcher, "orders", "available")


def test_a_killed_database_is_started_again(own, watcher):
    create(watcher, "orders")
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    psql(instance, bundle, "create table kept as select 42 as answer")
    killed = own.database_pids()
    assert len(killed) == 1
    end(killed[0], signal.SIGQUIT)
    eventually(lambda: not alive(killed[0]), 10, "the database should be gone")
    eventually(lambda: psql(instance, bundle, "select answer from kept", check=False).stdout.strip() == "42", 90,
               "the agent should start the database again")
    assert describe(watcher, "orders")["DBInstanceStatus"] == "available"


def test_down_leaves_the_databases_and_down_all_does_not(own, watcher):
    create(watcher, "orders")
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    own.stop()
    said = own.command("down")
    assert "database" in said.lower()
    assert psql(instance, bundle, "select 1") == "1"
    own.command("down", "--all")
    eventually(lambda: not own.database_pids(), 20, "`down --all` should end the databases")


def test_init_keeps_what_is_there(own):
    before = own.environment()["AWS_ACCESS_KEY_ID"], own.raw().call("DescribeCertificates").element("Thumbprint")
    own.stop()
    own.command("init", "--port", str(own.port))
    own.start()
    own._environment = None
    assert (own.environment()["AWS_ACCESS_KEY_ID"], own.raw().call("DescribeCertificates").element("Thumbprint")) == before
