"""Debian's aws CLI, AWS CLI v2 and the SDK for JavaScript each drive the whole way."""

import pytest
from clients import ClientError
from postgres import create, delete, describe, until_ca, until_gone, until_status

AUTHORITIES = {"rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}


def refused(client, operation, **params):
    with pytest.raises(ClientError) as caught:
        client.call(operation, **params)
    return caught.value


def test_an_instance_from_its_creation_to_its_end(client, identifier):
    created = create(client, identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    assert created["DBInstanceStatus"] == "creating"
    assert created["CACertificateIdentifier"] == "rds-ca-ecc384-g1"

    instance = until_status(client, identifier, "available")
    client.wait("db-instance-available", DBInstanceIdentifier=identifier)
    assert instance["Engine"] == "postgres"
    assert instance["Endpoint"]["Address"].startswith(identifier + ".")
    assert instance["Endpoint"]["Port"] > 1023
    assert instance["CertificateDetails"]["CAIdentifier"] == "rds-ca-ecc384-g1"
    assert instance["CertificateDetails"]["ValidTill"]
    listed = client.call("describe-db-instances")["DBInstances"]
    assert identifier in [one["DBInstanceIdentifier"] for one in listed]

    client.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier="rds-ca-rsa2048-g1",
                ApplyImmediately=True)
    until_ca(client, identifier, "rds-ca-rsa2048-g1")

    assert delete(client, identifier)["DBInstanceStatus"] == "deleting"
    until_gone(client, identifier)
    client.wait("db-instance-deleted", DBInstanceIdentifier=identifier)
    error = refused(client, "describe-db-instances", DBInstanceIdentifier=identifier)
    assert error.code == "DBInstanceNotFound"
    assert error.typed_name == "DBInstanceNotFoundFault"


def test_certificates_are_described(client):
    reply = client.call("describe-certificates")
    certificates = {one["CertificateIdentifier"]: one for one in reply["Certificates"]}
    assert set(certificates) == AUTHORITIES
    for one in certificates.values():
        assert one["CertificateType"] == "CA"
        assert len(one["Thumbprint"]) == 40
        assert one["ValidFrom"] < one["ValidTill"]
        assert one["CertificateArn"] == f"arn:aws:rds:us-east-1::cert:{one['CertificateIdentifier']}"
        assert not one.get("CustomerOverride")
    if client.name != "cli-debian":  # its model does not know the member yet
        assert reply["DefaultCertificateForNewLaunches"] == "rds-ca-rsa2048-g1"
    one = client.call("describe-certificates", CertificateIdentifier="RDS-CA-ecc384-g1")["Certificates"]
    assert [found["CertificateIdentifier"] for found in one] == ["rds-ca-ecc384-g1"]


def test_the_default_certificate_is_overridden_and_given_back(client):
    try:
        changed = client.call("modify-certificates", CertificateIdentifier="rds-ca-rsa4096-g1")["Certificate"]
        assert changed["CertificateIdentifier"] == "rds-ca-rsa4096-g1"
        assert changed["CustomerOverride"] is True
        assert changed["CustomerOverrideValidTill"] == changed["ValidTill"]
        shown = {one["CertificateIdentifier"]: one for one in client.call("describe-certificates")["Certificates"]}
        assert shown["rds-ca-rsa4096-g1"]["CustomerOverride"] is True
    finally:
        client.call("modify-certificates", RemoveCustomerOverride=True)
    shown = client.call("describe-certificates")["Certificates"]
    assert not any(one.get("CustomerOverride") for one in shown)


def test_engine_versions_tell_of_certificates(client):
    versions = client.call("describe-db-engine-versions", Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
    assert len(versions) == 1
    assert versions[0]["Engine"] == "postgres"
    assert set(versions[0]["SupportedCACertificateIdentifiers"]) == AUTHORITIES
    assert versions[0]["SupportsCertificateRotationWithoutRestart"] is True


@pytest.mark.parametrize("operation", ["describe-certificates", "modify-certificates"])
def test_an_unknown_authority_is_a_typed_404(client, operation):
    error = refused(client, operation, CertificateIdentifier="rds-ca-2099")
    assert error.code == "CertificateNotFound"
    assert error.typed_name == "CertificateNotFoundFault"
    assert error.status in (404, None)  # the CLIs do not tell it
    assert "rds-ca-2099" in error.message


def test_an_instance_under_an_unknown_authority_is_not_made(client, identifier):
    with pytest.raises(ClientError) as caught:
        create(client, identifier, CACertificateIdentifier="rds-ca-2099")
    assert caught.value.code == "CertificateNotFound"
    assert caught.value.typed_name == "CertificateNotFoundFault"
    assert describe(client, identifier) is None


def test_an_unknown_authority_is_404_on_the_wire(shared):
    reply = shared.raw().call("DescribeCertificates", {"CertificateIdentifier": "rds-ca-2099"})
    assert (reply.status, reply.code) == (404, "CertificateNotFound")
    assert reply.headers["x-amzn-requestid"] == reply.element("RequestId")
