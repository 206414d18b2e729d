"""Option groups through the clients. No Oracle can be installed here: how options reach an instance is told by the unit
tests, what an instance of PostgreSQL makes of a group without options by this one."""

import json

import pytest
from clients import ClientError, CommandLine
from postgres import create, delete, describe, until_gone, until_status


def command(client, name, *arguments):
    """A command that the CLI makes of ModifyOptionGroup, which it does not show under its own name."""
    done = client._run(["--endpoint-url", client.server.endpoint, "rds", name, "--output", "json", *arguments])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["OptionGroup"]


def add_ssl(client, group, **settings):
    options = [{"OptionName": "SSL", "Port": 2485, "OptionSettings": [
        {"Name": name.replace("__", "."), "Value": value} for name, value in settings.items()]}]
    if isinstance(client, CommandLine):
        return command(client, "add-option-to-option-group", "--option-group-name", group, "--apply-immediately",
                       "--options", json.dumps(options))
    return client.call("modify-option-group", OptionGroupName=group, OptionsToInclude=options,
                       ApplyImmediately=True)["OptionGroup"]


def remove_ssl(client, group):
    if isinstance(client, CommandLine):
        return command(client, "remove-option-from-option-group", "--option-group-name", group, "--options", "SSL")
    return client.call("modify-option-group", OptionGroupName=group, OptionsToRemove=["SSL"])["OptionGroup"]


def settings_of(group):
    (option,) = group["Options"]
    assert option["Port"] == 2485
    return {setting["Name"]: setting["Value"] for setting in option["OptionSettings"]}


def test_oracles_ssl_through_each_client(client, identifier):
    made = client.call("create-option-group", OptionGroupName=identifier, EngineName="oracle-ee",
                       MajorEngineVersion="19", OptionGroupDescription="of a test")["OptionGroup"]
    assert made["OptionGroupArn"].endswith(f":og:{identifier}")
    assert made["Options"] == []
    (offered,) = client.call("describe-option-group-options", EngineName="oracle-ee",
                             MajorEngineVersion="19")["OptionGroupOptions"]
    assert (offered["Name"], offered["DefaultPort"]) == ("SSL", 2484)
    assert offered["OptionsConflictsWith"] == ["NATIVE_NETWORK_ENCRYPTION"]
    changed = settings_of(add_ssl(client, identifier, SQLNET__SSL_VERSION="1.2"))
    assert changed == {"SQLNET.SSL_VERSION": "1.2", "SQLNET.CIPHER_SUITE": "SSL_RSA_WITH_AES_256_CBC_SHA",
                       "FIPS.SSLFIPS_140": "FALSE"}
    (shown,) = client.call("describe-option-groups", OptionGroupName=identifier)["OptionGroupsList"]
    assert settings_of(shown) == changed
    assert remove_ssl(client, identifier)["Options"] == []
    client.call("delete-option-group", OptionGroupName=identifier)
    with pytest.raises(ClientError) as gone:
        client.call("describe-option-groups", OptionGroupName=identifier)
    assert gone.value.code == "OptionGroupNotFoundFault"


def memberships(client, identifier):
    return [(group["OptionGroupName"], group["Status"]) for group in describe(client, identifier)["OptionGroupMemberships"]]


def test_an_instance_has_an_option_group(javascript, identifier):
    javascript.call("create-option-group", OptionGroupName=identifier, EngineName="postgres", MajorEngineVersion="15",
                    OptionGroupDescription="without options")
    create(javascript, identifier, OptionGroupName=identifier)
    until_status(javascript, identifier, "available")
    assert memberships(javascript, identifier) == [(identifier, "in-sync")]
    with pytest.raises(ClientError) as refused:
        javascript.call("delete-option-group", OptionGroupName=identifier)
    assert refused.value.code == "InvalidOptionGroupStateFault"
    default = "default:postgres-15"
    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, OptionGroupName=default,
                    ApplyImmediately=True)
    assert memberships(javascript, identifier) == [(default, "in-sync")]
    javascript.call("delete-option-group", OptionGroupName=identifier)
    delete(javascript, identifier)
    until_gone(javascript, identifier)
