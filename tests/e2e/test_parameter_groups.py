"""Parameter groups: what is set through the API is what the engine says in SQL."""

import subprocess

import pytest
from clients import ClientError
from postgres import PASSWORD, create, delete, describe, environment, psql, until_gone, until_status
from server import PATIENCE, eventually

FAMILY = "postgres15"


def group_of(client, identifier):
    (group,) = describe(client, identifier)["DBParameterGroups"]
    return group["DBParameterGroupName"], group["ParameterApplyStatus"]


def until_applied(client, identifier, status="in-sync"):
    eventually(lambda: group_of(client, identifier)[1] == status, 60,
               lambda: f"{identifier} should be {status}: {group_of(client, identifier)}", 0.2)


def change(client, group, method, **values):
    parameters = [{"ParameterName": name.replace("__", "."), "ParameterValue": value, "ApplyMethod": method}
                  for name, value in values.items()]
    return client.call("modify-db-parameter-group", DBParameterGroupName=group, Parameters=parameters)


def shown(client, group, **more):
    """{name: parameter} of all pages."""
    found, marker = {}, {}
    while True:
        page = client.call("describe-db-parameters", DBParameterGroupName=group, **marker, **more)
        found.update({parameter["ParameterName"]: parameter for parameter in page["Parameters"]})
        if not page.get("Marker"):
            return found
        marker = {"Marker": page["Marker"]}


def tuned(client, name):
    return client.call("create-db-parameter-group", DBParameterGroupName=name, DBParameterGroupFamily=FAMILY,
                       Description="of a test")["DBParameterGroup"]


@pytest.fixture
def instance(shared, javascript, identifier):
    """An available instance with a parameter group of the same name; both are gone afterwards."""
    tuned(javascript, identifier)
    create(javascript, identifier, DBParameterGroupName=identifier)
    try:
        yield until_status(javascript, identifier, "available")
    finally:
        delete(javascript, identifier)
        until_gone(javascript, identifier)
        javascript.call("delete-db-parameter-group", DBParameterGroupName=identifier)


@pytest.fixture
def bundle(shared, identifier):
    return shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")


def test_a_group_through_each_client(client, identifier):
    made = tuned(client, identifier)
    assert made["DBParameterGroupArn"].endswith(f":pg:{identifier}")
    assert made["DBParameterGroupFamily"] == FAMILY
    changed = change(client, identifier, "immediate", work_mem="8192", log_connections="1")
    assert changed["DBParameterGroupName"] == identifier
    assert set(shown(client, identifier, Source="user")) == {"work_mem", "log_connections"}
    pages = shown(client, identifier, MaxRecords=20)
    assert len(pages) > 20
    assert pages["work_mem"]["ParameterValue"] == "8192"
    assert pages["work_mem"]["ApplyType"] == "dynamic"
    assert pages["ssl"]["IsModifiable"] is False
    defaults = client.call("describe-engine-default-parameters", DBParameterGroupFamily=FAMILY)["EngineDefaults"]
    assert len(defaults["Parameters"]) == len(pages)
    client.call("reset-db-parameter-group", DBParameterGroupName=identifier,
                Parameters=[{"ParameterName": "work_mem", "ApplyMethod": "immediate"}])
    assert set(shown(client, identifier, Source="user")) == {"log_connections"}
    client.call("reset-db-parameter-group", DBParameterGroupName=identifier, ResetAllParameters=True)
    assert not shown(client, identifier, Source="user")
    with pytest.raises(ClientError) as refused:
        change(client, identifier, "immediate", max_connections="200")
    assert refused.value.code == "InvalidParameterCombination"
    names = [group["DBParameterGroupName"] for group in client.call("describe-db-parameter-groups")["DBParameterGroups"]]
    assert {identifier, f"default.{FAMILY}"} <= set(names)
    client.call("delete-db-parameter-group", DBParameterGroupName=identifier)
    with pytest.raises(ClientError) as gone:
        client.call("describe-db-parameter-groups", DBParameterGroupName=identifier)
    assert gone.value.code == "DBParameterGroupNotFound"
    assert gone.value.typed_name == "DBParameterGroupNotFoundFault"


def test_dynamic_values_are_what_sql_reports(javascript, identifier, instance, bundle):
    values = {
        "ssl_min_protocol_version": ("TLSv1.3", "TLSv1.3"),
        "ssl_max_protocol_version": ("TLSv1.3", "TLSv1.3"),
        "ssl_ciphers": ("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384",) * 2,
        "work_mem": ("8192", "8MB"),
        "statement_timeout": ("45000", "45s"),
        "log_min_duration_statement": ("250", "250ms"),
    }
    started = psql(instance, bundle, "select pg_postmaster_start_time()")
    before = {name: psql(instance, bundle, f"show {name}") for name in values}
    assert before["ssl_min_protocol_version"] == "TLSv1.2"
    assert before["ssl_ciphers"] == "HIGH:!aNULL:!3DES"
    for name, (value, reported) in values.items():
        change(javascript, identifier, "immediate", **{name: value})
        until_applied(javascript, identifier)
        assert psql(instance, bundle, f"show {name}") == reported, name
    assert psql(instance, bundle, "select version from pg_stat_ssl where pid = pg_backend_pid()") == "TLSv1.3"
    javascript.call("reset-db-parameter-group", DBParameterGroupName=identifier, ResetAllParameters=True)
    until_applied(javascript, identifier)
    assert {name: psql(instance, bundle, f"show {name}") for name in values} == before
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started


def test_force_ssl_is_switched_while_the_instance_runs(javascript, identifier, instance, bundle):
    def plain():
        return psql(instance, None, "select 1", mode="disable", check=False)

    assert "no encryption" in plain().stderr
    change(javascript, identifier, "immediate", rds__force_ssl="0")
    until_applied(javascript, identifier)
    assert plain().stdout.strip() == "1"
    assert psql(instance, bundle, "show ssl") == "on"
    change(javascript, identifier, "immediate", rds__force_ssl="1")
    until_applied(javascript, identifier)
    assert "no encryption" in plain().stderr


def test_static_values_wait_for_a_reboot(javascript, identifier, instance, bundle):
    change(javascript, identifier, "pending-reboot", max_connections="57", work_mem="8192")
    until_applied(javascript, identifier, "pending-reboot")
    assert psql(instance, bundle, "show max_connections") == "100"
    assert psql(instance, bundle, "show work_mem") == "4MB"
    javascript.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    until_status(javascript, identifier, "available")
    assert group_of(javascript, identifier) == (identifier, "in-sync")
    assert psql(instance, bundle, "show max_connections") == "57"
    assert psql(instance, bundle, "show work_mem") == "8MB"
    events = javascript.call("describe-events", SourceType="db-parameter-group", SourceIdentifier=identifier)["Events"]
    assert "Updated parameter max_connections to 57 with apply method pending-reboot." in [
        event["Message"] for event in events]


def test_a_value_that_keeps_the_engine_down_can_be_taken_back(javascript, identifier, instance, bundle):
    change(javascript, identifier, "pending-reboot", shared_buffers="1073741823")  # 8 TiB
    until_applied(javascript, identifier, "pending-reboot")
    javascript.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    eventually(lambda: "did not start" in str(describe(javascript, identifier).get("StatusInfos")), 60,
               lambda: f"the problem should be told: {describe(javascript, identifier)}", 0.3)
    assert group_of(javascript, identifier) == (identifier, "applying")
    javascript.call("reset-db-parameter-group", DBParameterGroupName=identifier, ResetAllParameters=True)
    until_status(javascript, identifier, "available")
    until_applied(javascript, identifier)
    assert psql(instance, bundle, "show shared_buffers") == "32MB"


def test_an_instance_moves_to_another_group(javascript, identifier, instance, bundle):
    other = identifier + "-b"
    tuned(javascript, other)
    change(javascript, other, "pending-reboot", max_connections="58", shared_preload_libraries="pg_stat_statements")
    change(javascript, other, "immediate", work_mem="16384")
    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, DBParameterGroupName=other)
    assert group_of(javascript, identifier)[0] == other
    until_applied(javascript, identifier, "pending-reboot")
    assert psql(instance, bundle, "show work_mem") == "16MB"
    assert psql(instance, bundle, "show max_connections") == "100"
    with pytest.raises(ClientError) as refused:
        javascript.call("delete-db-parameter-group", DBParameterGroupName=other)
    assert refused.value.code == "InvalidDBParameterGroupState"
    javascript.call("stop-db-instance", DBInstanceIdentifier=identifier)
    until_status(javascript, identifier, "stopped")
    change(javascript, other, "immediate", statement_timeout="45000")
    javascript.call("start-db-instance", DBInstanceIdentifier=identifier)
    until_status(javascript, identifier, "available")
    assert group_of(javascript, identifier) == (other, "in-sync")
    assert psql(instance, bundle, "show max_connections") == "58"
    assert psql(instance, bundle, "show shared_preload_libraries") == "pg_stat_statements"
    assert psql(instance, bundle, "show statement_timeout") == "45s"
    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, DBParameterGroupName=f"default.{FAMILY}")
    until_applied(javascript, identifier, "pending-reboot")
    assert psql(instance, bundle, "show work_mem") == "4MB"
    javascript.call("delete-db-parameter-group", DBParameterGroupName=other)
    with pytest.raises(ClientError) as refused:
        javascript.call("modify-db-instance", DBInstanceIdentifier=identifier,
                        DBParameterGroupName="default.mysql8.4")
    assert refused.value.code == "InvalidParameterCombination"


def mariadb(instance, bundle, sql):
    endpoint = instance["Endpoint"]
    done = subprocess.run(["mariadb", "--no-defaults", "-NB", f"--ssl-ca={bundle}", "--ssl-verify-server-cert", "-uapp",
                           f"-h{endpoint['Address']}", f"-P{endpoint['Port']}", "-e", sql], capture_output=True, text=True,
                          env={**environment(), "MYSQL_PWD": PASSWORD}, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_mariadb_reports_what_was_set(shared, javascript, identifier):
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    javascript.call("create-db-parameter-group", DBParameterGroupName=identifier, DBParameterGroupFamily="mariadb10.11",
                    Description="of a test")
    create(javascript, identifier, Engine="mariadb", DBParameterGroupName=identifier)
    instance = until_status(javascript, identifier, "available")

    def reported(name):
        return mariadb(instance, bundle, f"select @@global.{name}")

    assert reported("require_secure_transport") == "0"
    assert reported("tls_version") == "TLSv1.2,TLSv1.3"
    change(javascript, identifier, "immediate", require_secure_transport="1", max_connections="57")
    until_applied(javascript, identifier)
    assert (reported("require_secure_transport"), reported("max_connections")) == ("1", "57")
    change(javascript, identifier, "pending-reboot", tls_version="TLSv1.3", ssl_cipher="ECDHE-RSA-AES256-GCM-SHA384")
    until_applied(javascript, identifier, "pending-reboot")
    assert reported("tls_version") == "TLSv1.2,TLSv1.3"
    javascript.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    until_status(javascript, identifier, "available")
    assert reported("tls_version") == "TLSv1.3"
    assert reported("ssl_cipher") == "ECDHE-RSA-AES256-GCM-SHA384"
    assert mariadb(instance, bundle, "show session status like 'Ssl_version'").split() == ["Ssl_version", "TLSv1.3"]
    javascript.call("reset-db-parameter-group", DBParameterGroupName=identifier,
                    Parameters=[{"ParameterName": "require_secure_transport", "ApplyMethod": "immediate"}])
    until_applied(javascript, identifier)
    assert reported("require_secure_transport") == "0"
    delete(javascript, identifier)
    until_gone(javascript, identifier)
    javascript.call("delete-db-parameter-group", DBParameterGroupName=identifier)
