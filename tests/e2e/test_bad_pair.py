"""A key and a certificate that do not fit, put on disk behind the agent's back: clients never see it, the operator is told."""

import shutil
import signal
import subprocess

from postgres import create, psql, served, until_status
from server import end, eventually


def events(client):
    return [each["Message"] for each in client.call("describe-events", Duration=60)["Events"]]


def tls_folder(sealwright, instance):
    return sealwright.run_dir / "instances" / instance["DbiResourceId"] / "tls"


def foreign_key(sealwright):
    path = sealwright.top / "foreign.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", path], check=True,
                   capture_output=True)
    return path


def test_a_bad_pair_on_disk_never_reaches_clients_and_is_reported(shared, javascript, identifier):
    create(javascript, identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    instance = until_status(javascript, identifier, "available")
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    serial = served(instance, bundle)["serialNumber"]
    started = psql(instance, bundle, "select pg_postmaster_start_time()")
    key = tls_folder(shared, instance) / "server.key"
    good = key.read_bytes()

    shutil.copyfile(foreign_key(shared), key)
    for pid in shared.database_pids():
        end(pid, signal.SIGHUP)

    def restored():
        assert served(instance, bundle)["serialNumber"] == serial  # every client in the meantime verifies
        return key.read_bytes() == good

    eventually(restored, 60, "the agent should put the installed key back")
    told = eventually(lambda: [text for text in events(javascript) if "certificate" in text and "changed" in text.lower()
                               or "put back" in text.lower()], 30, lambda: f"an event should say so: {events(javascript)}")
    assert told
    assert served(instance, bundle)["serialNumber"] == serial
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started


def test_a_bad_pair_before_a_reboot_does_not_stop_the_database(shared, javascript, identifier):
    create(javascript, identifier, CACertificateIdentifier="rds-ca-ecc384-g1")
    instance = until_status(javascript, identifier, "available")
    bundle = shared.download("/us-east-1/us-east-1-bundle.pem", f"{identifier}.pem")
    serial = served(instance, bundle)["serialNumber"]
    shutil.copyfile(foreign_key(shared), tls_folder(shared, instance) / "server.key")
    javascript.call("reboot-db-instance", DBInstanceIdentifier=identifier)
    instance = until_status(javascript, identifier, "available")
    assert served(instance, bundle)["serialNumber"] == serial
