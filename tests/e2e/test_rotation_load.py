"""Rotations under load: pgbench opens a verified TLS connection for each transaction, others stay open."""

import os
import re
import subprocess

import pytest
from fleet import call, configure, create_all, described, started_at
from postgres import Session, connection, environment
from server import PATIENCE, eventually

# A hundred in `make soak`.
ROTATIONS = int(os.environ.get("SEALWRIGHT_ROTATIONS", "30"))
TURNS = ("rds-ca-ecc384-g1", "rds-ca-rsa2048-g1")
SESSIONS = 5


def start_pgbench(instance, bundle, folder):
    script = folder / "one.sql"
    script.write_text("select 1;\n")
    return subprocess.Popen(["pgbench", "-n", "-C", "-c", "2", "-j", "2", "-T", "3600", "-P", "1", "-f", script, connection(instance, bundle)],
                            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rotate(sealwright, identifier, authority):
    call(sealwright, "ModifyDBInstance", DBInstanceIdentifier=identifier, CACertificateIdentifier=authority,
         ApplyImmediately="true")

    def done():
        instance = described(sealwright, identifier)
        return instance["CACertificateIdentifier"] == authority and instance["DBInstanceStatus"] == "available"

    eventually(done, 60, f"{identifier} should be under {authority}", 0.05)


@pytest.mark.slow
def test_rotations_in_a_row_fail_no_transaction(make_sealwright, record_property):
    sealwright = make_sealwright()
    configure(sealwright, guard_seconds=1)
    sealwright.start()
    instance = create_all(sealwright, 1, TURNS[1:])[0]
    bundle = sealwright.download("/us-east-1/us-east-1-bundle.pem")
    before = started_at(instance, bundle)
    sessions = [Session(instance, bundle) for _ in range(SESSIONS)]
    load = start_pgbench(instance, bundle, sealwright.top)
    try:
        for number in range(ROTATIONS):
            rotate(sealwright, instance["DBInstanceIdentifier"], TURNS[number % 2])
            assert load.poll() is None, load.stdout.read()
            assert sessions[number % SESSIONS].ask(f"select {number};") == str(number)
        load.terminate()
        said, _ = load.communicate(timeout=30 * PATIENCE)
    finally:
        load.kill()
        load.wait()
        for session in sessions:
            session.close()
    assert started_at(instance, bundle) == before
    assert "error" not in said.lower(), said
    record_property("figures", f"{ROTATIONS} rotations in a row under pgbench -C (verify-full) and {SESSIONS} open connections: "
                    f"0 failed transactions, 0 broken connections, 0 restarts{counted(said)}")


def counted(said):
    """pgbench tells each second's rate and failures."""
    seconds = re.findall(r"progress: [\d.]+ s, ([\d.]+) tps.*?, (\d+) failed", said)
    assert seconds and not any(int(failed) for _, failed in seconds), said
    return f", about {sum(float(rate) for rate, _ in seconds):.0f} transactions"
