"""The operator's terminal: fleet, forecast, rehearse, rotate against real instances."""

import json
import os
import pty
import subprocess
import threading

import pytest
from fleet import call, configure, create_all, described
from postgres import psql, served
from server import BINARY, Sealwright, eventually
from test_bridge import NEW, OLD, THIRD, roots


@pytest.fixture(scope="module")
def world():
    running = Sealwright()
    try:
        configure(running, guard_seconds=2, bridges=False)
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def instances(world):
    return create_all(world, 3, (OLD, OLD, THIRD))


def on_terminal(sealwright, *arguments):
    """What a command shows on a terminal, and its exit status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, *arguments, "--run-dir", sealwright.run_dir], stdout=theirs, stderr=theirs,
                               stdin=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    return shown.decode(), process.wait(60)


def test_fleet_counts_what_is_there(world, instances):
    seen = json.loads(world.command("fleet", "--json"))
    assert seen["Instances"] == 3
    assert seen["ByCA"] == {OLD: 2, THIRD: 1}
    assert seen["ByExpiry"] == {"180 days and more": 3}
    assert seen["ByRotation"] == {"scheduled": 2, "not by itself": 1}
    assert {each["DBInstanceIdentifier"] for each in seen["NextRotations"]} == {"fleet-0", "fleet-1"}
    text = world.command("fleet")
    assert "by CA" in text and "next rotations" in text and "fleet-0" in text
    assert "No rotation is under way" in world.command("fleet", "--watch")


def test_forecast_alarms_for_what_is_not_rotated(world, instances):
    near = world.command("forecast", "--at", "+100d", check=False)
    assert near.returncode == 0, near.stdout
    far = world.command("forecast", "--at", "+400d", check=False)
    assert far.returncode == 3, far.stdout
    assert "fleet-2" in far.stdout and "not rotated by themselves" in far.stdout
    assert "control CA" in far.stdout and "HTTPS endpoint" in far.stdout
    whole = json.loads(world.command("forecast", "--at", "+400d", "--json", check=False).stdout)
    assert whole["AtDate"]["Expired"] == 1 and 2 <= whole["AtDate"]["Rotations"] <= 4  # half of a year and the spread
    assert whole["AtDate"]["VerifiedByRootAlone"] == {OLD: 2, NEW: 0, THIRD: 0, "rds-ca-rsa4096-g1": 0}
    assert [alarm["DBInstanceIdentifier"] for alarm in whole["Alarms"]] == ["fleet-2"]
    assert whole["OverTime"][0]["Expired"] == 0 and len(whole["OverTime"]) > 5
    # Decades ahead the subordinates have had successors: who pinned them verifies nothing, who trusts roots all.
    decades = json.loads(world.command("forecast", "--at", "+11000d", "--json", check=False).stdout)
    assert decades["AtDate"]["VerifiedByTodaysSubordinates"] == 0
    assert decades["AtDate"]["VerifiedByTodaysBundle"] == 2
    assert world.command("forecast", "--at", "2001-01-01", check=False).returncode == 1
    assert world.command("forecast", check=False).returncode == 2


def test_rehearse_lists_who_refused(world, instances):
    trusted = roots(world)
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    serial = served(instances[0], bundle)["serialNumber"]
    outcome = {}

    def rehearse():
        outcome["done"] = world.command("rehearse", "--db-instance-identifier", "fleet-0", "--ca-certificate-identifier", NEW,
                                        "--seconds", "4", check=False)

    thread = threading.Thread(target=rehearse)
    thread.start()
    eventually(lambda: served(instances[0], bundle)["serialNumber"] != serial, 30, "the rehearsed certificate")
    assert psql(instances[0], trusted[OLD], "select 1", check=False).returncode != 0
    thread.join()
    assert outcome["done"].returncode == 3, outcome["done"]
    assert "1 connection refused it" in outcome["done"].stdout
    assert "127.0.0.1" in outcome["done"].stdout or "::1" in outcome["done"].stdout
    assert served(instances[0], bundle)["serialNumber"] == serial
    quiet = world.command("rehearse", "--db-instance-identifier", "fleet-1", "--ca-certificate-identifier", NEW, "--seconds", "1")
    assert "No client refused it" in quiet
    wrong = world.command("rehearse", "--db-instance-identifier", "nobody", "--ca-certificate-identifier", NEW, "--seconds", "1",
                          check=False)
    assert wrong.returncode == 1 and "DBInstance nobody not found" in wrong.stderr


def test_rotate_moves_many_at_once_with_a_progress_bar(world, instances):
    dry = world.command("rotate", "--all", "--from", OLD, "--to", NEW, "--dry-run")
    assert "2 instances" in dry and "fleet-0" in dry and "fleet-2" not in dry
    assert described(world, "fleet-0")["CACertificateIdentifier"] == OLD
    shown, status = on_terminal(world, "rotate", "--all", "--from", OLD, "--to", NEW, "--immediate")
    assert status == 0, shown
    assert "[########################################] 2 of 2 rotated" in shown
    for identifier in ("fleet-0", "fleet-1"):
        assert described(world, identifier)["CACertificateIdentifier"] == NEW
    waiting = world.command("rotate", "fleet-2", "--to", NEW)
    assert "in their maintenance windows" in waiting
    assert described(world, "fleet-2")["PendingCA"] == NEW
    world.command("rotate", "fleet-2", "--to", NEW, "--undo")
    assert not described(world, "fleet-2")["PendingCA"]
    assert "0 instances" in world.command("rotate", "--all")  # nothing is pending
    assert world.command("rotate", "--to", NEW, check=False).returncode == 2


def test_retired_cas_are_left_by_their_pending_action(world, instances):
    world.stop()
    configure(world, retiring_certificate_authorities=[THIRD])
    world.start()
    eventually(lambda: "ca-certificate-rotation" in call(world, "DescribePendingMaintenanceActions").text, 30,
               "the pending action should be offered")
    shown = world.command("rotate", "--all", "--immediate")
    assert "1 instance: pending maintenance, at once" in shown and "1 of 1 rotated" in shown
    eventually(lambda: described(world, "fleet-2")["CACertificateIdentifier"] == OLD, 30, "the default CA")
    assert "ca-certificate-rotation" not in call(world, "DescribePendingMaintenanceActions").text
