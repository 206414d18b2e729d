"""Oracle instances over their life, both editions: a stand-in for the database (tests/standin/oracle), a real client
(node-oracledb, thin). What only a real Oracle could show stands in docs/oracle.md."""

import os
import re
import socket
import subprocess

import clients
import pytest
from fleet import configure
from oracle import PASSWORD, Clients, Refused, connect_string, make_homes, make_option_group, processes, subject
from postgres import delete, describe, until_ca, until_gone, until_status
from server import PATIENCE, ROOT, eventually, free_port
from test_client_pages import blocks

SUITES = "SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
AUTHORITIES = ("rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")


@pytest.fixture
def oracle(make_sealwright):
    """A Sealwright whose host has a home of each edition."""
    sealwright = make_sealwright()
    configure(sealwright, engine_folders=make_homes(sealwright.top))
    return sealwright.start()


@pytest.fixture
def client(oracle):
    made = clients.JavaScript(oracle)
    try:
        yield made
    finally:
        made.close()


def option_group(client, edition, port):
    """A group with the option SSL; its name."""
    name = f"tls-{edition}-{port}"
    make_option_group(client, name, f"oracle-{edition}", port, **{"SQLNET.CIPHER_SUITE": SUITES})
    return name


def create(client, identifier, edition="se2", **params):
    return client.call("create-db-instance", DBInstanceIdentifier=identifier, Engine=f"oracle-{edition}",
                       DBInstanceClass="db.t3.small", AllocatedStorage=20, MasterUsername="app", MasterUserPassword=PASSWORD,
                       **params)["DBInstance"]


def modify(client, identifier, **params):
    return client.call("modify-db-instance", DBInstanceIdentifier=identifier, ApplyImmediately=True, **params)["DBInstance"]


def listens(instance, port):
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def refusal(users, where, **more):
    with pytest.raises(Refused) as refused:
        users.connect("refused", where, **more)
    return str(refused.value)


def test_the_option_brings_tls_and_takes_it_away(oracle, client):
    port = free_port()
    create(client, "orders", Port=free_port())
    instance = until_status(client, "orders", "available")
    assert instance["DBName"] == "ORCL"
    assert instance["EngineVersion"] == "19.0.0.0.ru-2023-10.rur-2023-10.r1"
    group = option_group(client, "se2", port)
    before = processes(oracle, instance["DbiResourceId"])
    bundle = oracle.download("/us-east-1/us-east-1-bundle.pem")
    tls = connect_string(instance, port)
    with Clients(bundle) as users, Clients() as strangers:
        users.connect("plain", connect_string(instance, instance["Endpoint"]["Port"], security="", protocol="TCP"))
        assert not listens(instance, port)
        modify(client, "orders", OptionGroupName=group)
        eventually(lambda: listens(instance, port), 60, "the option's port should be there", 0.3)
        until_status(client, "orders", "available")
        assert users.connect("tls", tls)["service"] == "ORCL"
        users.connect("by SID", connect_string(instance, port, by="SID"))
        users.connect("by subject", connect_string(instance, port, security="(SSL_SERVER_DN_MATCH=ON)"
                                                   f"(SSL_SERVER_CERT_DN=\"{subject(instance)}\")"))
        other = subject(instance).replace("CN=orders", "CN=other")
        assert "NJS-506" in refusal(users, connect_string(instance, port, security="(SSL_SERVER_DN_MATCH=ON)"
                                                          f"(SSL_SERVER_CERT_DN=\"{other}\")"))
        assert "NJS-506" in refusal(users, tls.replace(instance["Endpoint"]["Address"], "localhost"))
        assert "NJS-506" in refusal(strangers, tls)
        assert "NJS-518" in refusal(users, connect_string(instance, port, service="OTHER"))
        assert "ORA-01017" in refusal(users, tls, password="wrong")
        users.ping("plain")
        database, listener = processes(oracle, instance["DbiResourceId"])
        assert database == before[0] and listener != before[1]
        client.call("modify-option-group", OptionGroupName=group, OptionsToRemove=["SSL"], ApplyImmediately=True)
        eventually(lambda: not listens(instance, port), 60, "the option's port should be gone", 0.3)
        users.ping("tls")
    assert processes(oracle, instance["DbiResourceId"])[0] == database


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["ee", "se2"])
def test_a_life_under_each_authority(oracle, client, edition):
    """As far as it is Oracle's alone: test_engines.py has what all engines do."""
    port = free_port()
    create(client, "orders", edition, Port=free_port(), DBName="SALES", CACertificateIdentifier=AUTHORITIES[0],
           OptionGroupName=option_group(client, edition, port))
    instance = until_status(client, "orders", "available")
    resource = instance["DbiResourceId"]
    bundle = oracle.download("/us-east-1/us-east-1-bundle.pem")
    tls = connect_string(instance, port, service="SALES")
    with Clients(bundle) as users:
        users.connect("open", tls)
        for authority in AUTHORITIES[1:]:
            database, listener = processes(oracle, resource)
            modify(client, "orders", CACertificateIdentifier=authority)
            until_ca(client, "orders", authority)
            after = processes(oracle, resource)
            assert after[0] == database, f"the database was restarted for {authority}"
            assert after[1] != listener, f"the listener was not restarted for {authority}"
            users.ping("open")
            users.connect(authority, tls)
        modify(client, "orders", CACertificateIdentifier=AUTHORITIES[1], CertificateRotationRestart=False)
        waiting = describe(client, "orders")
        assert waiting["PendingModifiedValues"]["CACertificateIdentifier"] == AUTHORITIES[1]
        assert processes(oracle, resource) == after
        client.call("reboot-db-instance", DBInstanceIdentifier="orders")
        until_ca(client, "orders", AUTHORITIES[1])
        assert processes(oracle, resource)[0] != database
        users.connect("after the reboot", tls)
    client.call("stop-db-instance", DBInstanceIdentifier="orders")
    until_status(client, "orders", "stopped")
    assert processes(oracle, resource) == (0, 0)
    client.call("start-db-instance", DBInstanceIdentifier="orders")
    until_status(client, "orders", "available")
    modify(client, "orders", MasterUserPassword="Another-horse-2")
    until_status(client, "orders", "available")
    with Clients(bundle) as users:
        assert "ORA-01017" in refusal(users, tls)
        users.connect("new password", tls, password="Another-horse-2")
    logs = subprocess.run(["grep", "-rlE", f"{PASSWORD}|Another-horse-2", oracle.top, "--exclude-dir=dbs"], capture_output=True,
                          text=True, check=False).stdout
    assert not logs, f"passwords in {logs}"
    delete(client, "orders")
    until_gone(client, "orders")
    assert not listens(instance, port) and not listens(instance, instance["Endpoint"]["Port"])


@pytest.mark.slow
def test_every_command_of_the_page_connects(oracle, client, tmp_path):
    port = free_port()
    create(client, "orders", OptionGroupName=option_group(client, "se2", port))
    until_status(client, "orders", "available")
    (tmp_path / "node_modules").symlink_to(ROOT / "tests" / "e2e" / "node_modules")
    environment = oracle.environment(PASSWORD=PASSWORD, TLS_PORT=str(port), PATH=f"/usr/bin:/bin:{os.environ['PATH']}")
    printed = ""
    for name, content in blocks("oracle"):
        if name:
            (tmp_path / name).write_text(content)
    commands = [content for name, content in blocks("oracle") if not name]
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=120 * PATIENCE, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        printed = done.stdout
    assert len(re.findall("connected to ORCL", printed)) == 2
