"""A customer's own name in front of an endpoint: from an allowed domain it becomes a name of the certificate, without a restart."""

import json
import subprocess

from clients import JavaScript, ClientError
from postgres import create, psql, until_status
from server import eventually

import pytest


@pytest.fixture
def allowed(make_sealwright):
    return make_sealwright(options=("--customer-domain", "example.test")).start()


def verifies(instance, bundle, name):
    """True when a client that connects by this name accepts the certificate."""
    endpoint = instance["Endpoint"]
    done = subprocess.run(["openssl", "s_client", "-starttls", "postgres", "-connect", f"{endpoint['Address']}:{endpoint['Port']}",
                           "-verify_hostname", name, "-verify_return_error", "-x509_strict", "-CAfile", bundle],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    return "Verify return code: 0 (ok)" in done.stdout


def test_a_tag_adds_names_of_allowed_domains_only(allowed):
    client = JavaScript(allowed)
    create(client, "orders")
    instance = until_status(client, "orders", "available")
    bundle = allowed.download("/us-east-1/us-east-1-bundle.pem")
    started = psql(instance, bundle, "select pg_postmaster_start_time()")
    arn = instance["DBInstanceArn"]
    assert not verifies(instance, bundle, "db.example.test")

    client.call("add-tags-to-resource", ResourceName=arn,
                Tags=[{"Key": "sealwright:server-names", "Value": "db.example.test orders.example.test"}])
    eventually(lambda: verifies(instance, bundle, "db.example.test"), 30, "the certificate should have the new name")
    assert verifies(instance, bundle, "orders.example.test")
    assert verifies(instance, bundle, instance["Endpoint"]["Address"])
    assert not verifies(instance, bundle, "other.example.test")

    with pytest.raises(ClientError) as refused:
        client.call("add-tags-to-resource", ResourceName=arn,
                    Tags=[{"Key": "sealwright:server-names", "Value": "db.example.org"}])
    assert refused.value.code == "InvalidParameterValue"

    client.call("remove-tags-from-resource", ResourceName=arn, TagKeys=["sealwright:server-names"])
    eventually(lambda: not verifies(instance, bundle, "db.example.test"), 30, "the certificate should lose the name")
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started
    client.close()


def test_a_change_of_the_allowed_domains_makes_new_subordinates(allowed):
    before = allowed.download("/us-east-1/us-east-1-bundle.pem", "before.pem").read_text()
    allowed.stop()
    settings = allowed.run_dir / "sealwright.json"
    changed = json.loads(settings.read_text())
    changed["customer_domains"].append("example.org")
    settings.write_text(json.dumps(changed))
    allowed.start()

    def count():
        return allowed.download("/us-east-1/us-east-1-bundle.pem", "after.pem").read_text().count("BEGIN CERTIFICATE")

    old = before.count("BEGIN CERTIFICATE")
    eventually(lambda: count() == old + 4, 60, "each of the four CAs should have a second subordinate")
    after = allowed.download("/us-east-1/us-east-1-bundle.pem", "after.pem").read_text()
    assert all(part in after for part in before.split("-----END CERTIFICATE-----\n") if part)
