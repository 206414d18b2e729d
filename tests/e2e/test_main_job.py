"""The main job, with the commands that the README prints, typed into a shell."""

import os
import subprocess

import pytest
from postgres import PASSWORD, Session, psql, served, until_ca, until_gone, until_status
from server import PATIENCE, eventually


class Shell:
    """A bash in which `. run/env.sh` was typed: each run is a shell of its own, as a newcomer's would be."""

    def __init__(self, sealwright):
        self.sealwright = sealwright
        # Debian's aws stands in /usr/bin; another may come first in this machine's own PATH.
        self.environment = {"PATH": f"/usr/bin:/bin:{os.environ['PATH']}", "HOME": str(sealwright.home), "LANG": "C.UTF-8",
                            "PGPASSWORD": PASSWORD, "PASSWORD": PASSWORD}

    def run(self, script):
        script = 'set -euo pipefail\n. run/env.sh\naws() { command aws --endpoint-url "$SEALWRIGHT_ENDPOINT" "$@"; }\n' + script
        done = subprocess.run(["bash", "-c", script], cwd=self.sealwright.top, env=self.environment, capture_output=True,
                              text=True, timeout=300 * PATIENCE, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, f"{script}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()


@pytest.fixture
def shell(own):
    return Shell(own)


@pytest.fixture
def watcher(own):
    """A client that follows what the shell started."""
    from clients import JavaScript

    made = JavaScript(own)
    try:
        yield made
    finally:
        made.close()


def test_the_main_job(own, shell, watcher):
    shell.run("""
        aws rds create-db-instance --db-instance-identifier orders --engine postgres --db-instance-class db.t3.micro \
            --allocated-storage 20 --master-username app --master-user-password "$PASSWORD" \
            --ca-certificate-identifier rds-ca-ecc384-g1
        aws rds wait db-instance-available --db-instance-identifier orders
        curl -sf --cacert "$SEALWRIGHT_CA" "$SEALWRIGHT_ENDPOINT/us-east-1/us-east-1-bundle.pem" -o bundle.pem""")
    bundle = own.top / "bundle.pem"
    address, port = shell.run("""
        aws rds describe-db-instances --db-instance-identifier orders --output text \
            --query 'DBInstances[0].Endpoint.[Address,Port]'""").split()
    assert address.startswith("orders.") and address.endswith(".us-east-1.rds.localhost")
    verified = shell.run(f"""psql "host={address} port={port} user=app dbname=postgres sslmode=verify-full \
        sslrootcert=bundle.pem" -XAtc "select version from pg_stat_ssl where pid = pg_backend_pid()" """)
    assert verified in ("TLSv1.2", "TLSv1.3")
    assert not os.path.exists(own.home / ".aws")

    instance = until_status(watcher, "orders", "available")
    before = served(instance, bundle)
    assert "ECC384" in before["issuer"]["commonName"]
    assert before["subject"]["commonName"] == address
    assert before["subjectAltName"][0] == ("DNS", address)

    with Session(instance, bundle) as session:
        backend = session.ask("select pg_backend_pid();")
        started = session.ask("select pg_postmaster_start_time();")
        assert backend.isdigit()
        shell.run("""
            aws rds modify-db-instance --db-instance-identifier orders --ca-certificate-identifier rds-ca-rsa4096-g1 \
                --apply-immediately""")
        eventually(lambda: "RSA4096" in served(instance, bundle)["issuer"]["commonName"], 60,
                   "the wire should show a certificate of rds-ca-rsa4096-g1")
        # The open session answers still, under the same process, and the database was not restarted.
        assert session.ask("select pg_backend_pid();") == backend
        assert session.ask("select pg_postmaster_start_time();") == started
    instance = until_ca(watcher, "orders", "rds-ca-rsa4096-g1")
    after = served(instance, bundle)
    assert after["serialNumber"] != before["serialNumber"]
    assert psql(instance, bundle, "select pg_postmaster_start_time()") == started


def test_data_survives_stop_start_and_reboot(own, shell, watcher):
    shell.run("""
        aws rds create-db-instance --db-instance-identifier orders --engine postgres --db-instance-class db.t3.micro \
            --allocated-storage 20 --master-username app --master-user-password "$PASSWORD" --db-name shop""")
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    psql(instance, bundle, "create table orders as select generate_series(1, 1000) as number")
    started = psql(instance, bundle, "select pg_postmaster_start_time()")
    assert psql(instance, bundle, "select count(*) from pg_database where datname = 'shop'") == "1"

    shell.run("aws rds stop-db-instance --db-instance-identifier orders")
    until_status(watcher, "orders", "stopped")
    assert psql(instance, bundle, "select 1", check=False).returncode != 0
    shell.run("aws rds start-db-instance --db-instance-identifier orders")
    instance = until_status(watcher, "orders", "available")
    assert psql(instance, bundle, "select count(*) from orders") == "1000"
    restarted = psql(instance, bundle, "select pg_postmaster_start_time()")
    assert restarted != started

    shell.run("aws rds reboot-db-instance --db-instance-identifier orders")
    eventually(lambda: until_status(watcher, "orders", "available") and
               psql(instance, bundle, "select pg_postmaster_start_time()", check=False).stdout.strip() not in ("", restarted),
               60, "the database should have been restarted")
    assert psql(instance, bundle, "select count(*) from orders") == "1000"

    pids = own.database_pids()
    assert len(pids) == 1
    shell.run("aws rds delete-db-instance --db-instance-identifier orders --skip-final-snapshot")
    until_gone(watcher, "orders")
    eventually(lambda: not own.database_pids(), 20, "the database's process should have ended")


def test_the_master_user_is_no_superuser(own, shell, watcher):
    shell.run("""
        aws rds create-db-instance --db-instance-identifier orders --engine postgres --db-instance-class db.t3.micro \
            --allocated-storage 20 --master-username app --master-user-password "$PASSWORD" """)
    instance = until_status(watcher, "orders", "available")
    bundle = own.download("/us-east-1/us-east-1-bundle.pem")
    assert psql(instance, bundle, "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = 'app'") == "f|t|t"
    assert psql(instance, bundle, "select pg_has_role('app', 'rds_superuser', 'member')") == "t"
    assert psql(instance, bundle, "show password_encryption") == "scram-sha-256"
    assert psql(instance, bundle, "show ssl_min_protocol_version") == "TLSv1.2"


def test_two_runs_live_side_by_side(own, make_sealwright):
    other = make_sealwright(fresh=True).start()
    assert other.port != own.port
    for running in (own, other):
        assert Shell(running).run("aws rds describe-db-instances --query 'length(DBInstances)'") == "0"
    key, wrong = own.environment()["AWS_ACCESS_KEY_ID"], other.environment()["AWS_ACCESS_KEY_ID"]
    assert key != wrong
