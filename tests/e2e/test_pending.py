"""A change of CA without --apply-immediately waits, and is shown as pending, until something applies it."""

from postgres import create, describe, served, until_ca, until_status


def test_a_change_of_ca_waits_for_the_window_or_for_apply_immediately(shared, javascript, identifier):
    create(javascript, identifier, CACertificateIdentifier="rds-ca-rsa2048-g1")
    instance = until_status(javascript, identifier, "available")
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    serial = served(instance, bundle)["serialNumber"]

    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    waiting = describe(javascript, identifier)
    assert waiting["PendingModifiedValues"] == {"CACertificateIdentifier": "rds-ca-ecc384-g1"}
    assert waiting["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert waiting["CertificateDetails"]["CAIdentifier"] == "rds-ca-rsa2048-g1"
    assert waiting["DBInstanceStatus"] == "available"
    assert served(instance, bundle)["serialNumber"] == serial

    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier="rds-ca-rsa2048-g1")
    assert not describe(javascript, identifier)["PendingModifiedValues"]  # taken back

    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    javascript.call("modify-db-instance", DBInstanceIdentifier=identifier, ApplyImmediately=True)
    until_ca(javascript, identifier, "rds-ca-ecc384-g1")
    assert served(instance, bundle)["serialNumber"] != serial
    assert not describe(javascript, identifier)["PendingModifiedValues"]
