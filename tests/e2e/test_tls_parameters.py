"""Every parameter of TLS that an engine's family has: the value set through the API is what the engine reports in SQL. SQL
Server reports none in SQL: there it is what the wire shows, and what stands in its mssql.conf for ciphers that this machine's
OpenSSL does not have. Oracle's are settings of an option."""

import re
import socket
import ssl

import engines
import pytest
import standins
from postgres import create, until_status
from server import eventually
from test_parameter_groups import shown, until_applied

CIPHERS = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"
# {parameter: (value, what is reported) one after the other}
REPORTED = {
    "postgres": {
        "rds.force_ssl": [("0", "0"), ("1", "1")],
        "ssl_min_protocol_version": [("TLSv1.3", "TLSv1.3"), ("TLSv1.2", "TLSv1.2")],
        "ssl_max_protocol_version": [("TLSv1.3", "TLSv1.3"), ("TLSv1.2", "TLSv1.2")],
        "ssl_ciphers": [(CIPHERS, CIPHERS)],
    },
    "mariadb": {
        "require_secure_transport": [("1", "1"), ("0", "0")],
        "ssl_cipher": [(CIPHERS, CIPHERS)],
        "tls_version": [("TLSv1.3", "TLSv1.3"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.2,TLSv1.3", "TLSv1.2,TLSv1.3")],
    },
    "mysql": {
        "require_secure_transport": [("1", "1"), ("0", "0")],
        "ssl_cipher": [(CIPHERS, CIPHERS)],
        "tls_ciphersuites": [("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384")],
        "tls_version": [("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3"), ("TLSv1.2,TLSv1.3", "TLSv1.2,TLSv1.3")],
    },
}
SQL = {"postgres": "show {}", "mariadb": "select @@global.{}", "mysql": "select @@global.{}"}


@pytest.fixture
def world(request):
    engine = engines.usable(standins.ALL[request.param])
    with engines.running(engine) as sealwright:
        yield sealwright, engine, sealwright.client


def tuned(client, engine):
    """An available instance with a parameter group of its name, and the group's parameters of TLS that can be changed."""
    engines.create_group(client, engine, "tuned")
    create(client, "tuned", Engine=engine.name, DBParameterGroupName="tuned", **engine.options(client, "tuned"))
    offered = {name: each for name, each in shown(client, "tuned").items()
               if re.search(r"ssl|tls|cipher|secure_transport|rds\.(3des|rc4|diffie|curve|fips)", name)}
    return until_status(client, "tuned", "available"), {name: each for name, each in offered.items() if each["IsModifiable"]}


def put(sealwright, client, offered, engine, instance, values):
    """Sets values and has them in force."""
    static = any(offered[name]["ApplyType"] == "static" for name in values)
    client.call("modify-db-parameter-group", DBParameterGroupName="tuned", Parameters=[
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot" if static else "immediate"}
        for name, value in values.items()])
    until_applied(client, "tuned", "pending-reboot" if static else "in-sync")
    if static:
        process = engine.process(sealwright, instance)
        client.call("reboot-db-instance", DBInstanceIdentifier="tuned")
        eventually(lambda: engine.process(sealwright, instance) not in (None, process), 60, "another process should serve")
        until_status(client, "tuned", "available")
        until_applied(client, "tuned")


@pytest.mark.parametrize("world", REPORTED, indirect=True)
def test_what_is_set_is_what_sql_reports(world):
    sealwright, engine, client = world
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem")
    instance, offered = tuned(client, engine)
    values = REPORTED[engine.name]
    assert set(values) == set(offered)
    for step in range(max(map(len, values.values()))):
        now = {name: steps[step] for name, steps in values.items() if step < len(steps)}
        for static in (False, True):
            wanted = {name: value for name, (value, _) in now.items() if (offered[name]["ApplyType"] == "static") == static}
            if wanted:
                put(sealwright, client, offered, engine, instance, wanted)
        reported = {name: engine.query(instance, bundle, SQL[engine.name].format(name)) for name in now}
        assert reported == {name: value for name, (_, value) in now.items()}


def accepts(engine, instance, version, ciphers="ALL"):
    """Whether the server speaks this version of TLS, with one of the ciphers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if engine.alpn:
        context.set_alpn_protocols([engine.alpn])
    with socket.create_connection((instance["Endpoint"]["Address"], engine.port(instance)), 10) as plain:
        try:
            with context.wrap_socket(plain) as stream:
                return stream.version() is not None
        except (ssl.SSLError, ConnectionError):
            return False


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("world", ["sqlserver-se"], indirect=True)
def test_what_is_set_is_what_sql_server_does(world):
    sealwright, engine, client = world
    instance, offered = tuned(client, engine)
    assert set(offered) == {"rds.force_ssl", "rds.tls10", "rds.tls11", "rds.3des168", "rds.rc4", "rds.diffie-hellman"}
    (configuration,) = (sealwright.run_dir / "instances" / instance["DbiResourceId"]).rglob("mssql.conf")
    ciphers = {"rds.3des168": "DES-CBC3-SHA", "rds.rc4": "RC4-SHA", "rds.diffie-hellman": "DHE-RSA-AES256-GCM-SHA384"}

    def is_plain():
        try:
            return engine.query(instance, None, "select 1", secure=False) == "1"
        except engines.Refused:
            return False

    def state():
        said = re.search(r"^tlsciphers = (.*)$", configuration.read_text(), re.M)
        there = said[1].split(":") if said else []
        return {"rds.force_ssl": not is_plain(), "rds.tls10": accepts(engine, instance, ssl.TLSVersion.TLSv1),
                "rds.tls11": accepts(engine, instance, ssl.TLSVersion.TLSv1_1),
                **{name: cipher in there for name, cipher in ciphers.items()}}

    assert accepts(engine, instance, ssl.TLSVersion.TLSv1_2)
    assert not any(state().values())
    enabled = {name: "1" if name == "rds.force_ssl" else "enabled" for name in offered}
    put(sealwright, client, offered, engine, instance, enabled)
    assert all(state().values()), state()
    put(sealwright, client, offered, engine, instance, {"rds.tls10": "disabled", "rds.rc4": "disabled", "rds.force_ssl": "0"})
    assert {name for name, on in state().items() if on} == {"rds.tls11", "rds.3des168", "rds.diffie-hellman"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("world", ["oracle-se2"], indirect=True)
def test_what_is_set_is_what_oracle_does(world):
    sealwright, engine, client = world
    instance, offered = tuned(client, engine)
    assert not offered  # its TLS is the option's
    network = sealwright.run_dir / "instances" / instance["DbiResourceId"] / "network/admin"
    old, new = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2

    def choose(**settings):
        client.call("modify-option-group", OptionGroupName="tuned", ApplyImmediately=True, OptionsToInclude=[
            {"OptionName": "SSL", "Port": engine.tls_port, "OptionSettings": [
                {"Name": name.replace("__", "."), "Value": value} for name, value in settings.items()]}])

    def spoken():
        try:
            return [accepts(engine, instance, old, "AES256-SHA"), accepts(engine, instance, new, "AES256-SHA"),
                    accepts(engine, instance, new, "ECDHE-RSA-AES256-GCM-SHA384")]
        except OSError:  # the listener is being restarted
            return None

    usual = "SSL_RSA_WITH_AES_256_CBC_SHA"
    for version, suites, expected in (
            ("1.0", usual, [True, False, False]), ("1.2 or 1.0", usual, [True, True, False]),
            ("1.2", usual, [False, True, False]), ("1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", [False, False, True])):
        choose(SQLNET__SSL_VERSION=version, SQLNET__CIPHER_SUITE=suites)
        eventually(lambda expected=expected: spoken() == expected, 60, lambda: f"{version}, {suites}: {spoken()}", 0.3)
    for value in ("TRUE", "FALSE"):
        choose(FIPS__SSLFIPS_140=value)
        eventually(lambda value=value: f"SSLFIPS_140 = {value}" in (network / "fips.ora").read_text(), 60,
                   lambda: (network / "fips.ora").read_text(), 0.3)
