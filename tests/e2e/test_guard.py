"""A client that refuses the new certificate makes the guard undo the rotation; a rehearsal only counts and returns."""

import time

import pytest
from fleet import call, configure, create_all, described, messages, started_at
from postgres import psql, served
from server import PATIENCE, Sealwright, eventually
from test_bridge import NEW, OLD, roots

GUARD = int(20 * PATIENCE)


@pytest.fixture(scope="module")
def world():
    running = Sealwright()
    try:
        configure(running, guard_seconds=GUARD, guard_refusals=2, bridges=False)
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def fleet(world):
    return create_all(world, 3, (OLD,))


def refuse(instance, root, times):
    for _ in range(times):
        done = psql(instance, root, "select 1", check=False)
        assert "certificate verify failed" in done.stderr, done.stderr


def move(world, identifier, authority):
    call(world, "ModifyDBInstance", DBInstanceIdentifier=identifier, CACertificateIdentifier=authority, ApplyImmediately="true")


def test_refusing_clients_undo_a_change_of_ca(world, fleet):
    instance, identifier = fleet[0], fleet[0]["DBInstanceIdentifier"]
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    trusted = roots(world)
    serial, started = served(instance, bundle)["serialNumber"], started_at(instance, bundle)
    move(world, identifier, NEW)
    assert described(world, identifier)["PendingCA"] in (NEW, None)
    eventually(lambda: described(world, identifier)["Rotation"] == "guarded", 60, lambda: described(world, identifier)["Text"])
    watched = described(world, identifier)
    assert watched["CACertificateIdentifier"] == NEW and not watched["PendingCA"]
    assert served(instance, bundle)["serialNumber"] != serial
    begun = time.monotonic()
    refuse(instance, trusted[OLD], 2)  # it knows the old root alone, and there is no bridge
    eventually(lambda: served(instance, bundle)["serialNumber"] == serial, GUARD, "the old certificate should be back")
    assert time.monotonic() - begun < GUARD
    assert psql(instance, trusted[OLD], "select 1") == "1"
    eventually(lambda: described(world, identifier)["Rotation"] == "undone", 30, lambda: described(world, identifier)["Text"])
    told = described(world, identifier)
    assert told["CACertificateIdentifier"] == OLD
    assert told["DBInstanceStatus"] == "available"
    assert not told["PendingCA"]
    assert started_at(instance, bundle) == started
    event = [text for text in messages(world, identifier) if "undone" in text]
    assert len(event) == 1, messages(world, identifier)
    assert "2 connections" in event[0] and ("127.0.0.1" in event[0] or "::1" in event[0]), event


def test_it_is_tried_again_only_when_the_operator_says_so(world, fleet):
    instance, identifier = fleet[0], fleet[0]["DBInstanceIdentifier"]
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    assert described(world, identifier)["Rotation"] == "undone"
    serial = served(instance, bundle)["serialNumber"]
    move(world, identifier, NEW)
    eventually(lambda: described(world, identifier)["CACertificateIdentifier"] == NEW, 60, "the second try")
    assert served(instance, bundle)["serialNumber"] != serial
    eventually(lambda: described(world, identifier)["Rotation"] == "scheduled", GUARD + 30, "nobody refuses: it stays")
    assert described(world, identifier)["CACertificateIdentifier"] == NEW


def test_below_the_threshold_it_stays_and_is_told(world, fleet):
    instance, identifier = fleet[1], fleet[1]["DBInstanceIdentifier"]
    trusted = roots(world)
    move(world, identifier, NEW)
    eventually(lambda: described(world, identifier)["Rotation"] == "guarded", 60, "a guarded rotation")
    refuse(instance, trusted[OLD], 1)
    eventually(lambda: any("stays, though 1 connection" in text for text in messages(world, identifier)), GUARD + 30,
               lambda: messages(world, identifier))
    assert described(world, identifier)["CACertificateIdentifier"] == NEW


def test_a_rehearsal_by_tag_lists_who_refused_and_returns(world, fleet):
    instance, identifier = fleet[2], fleet[2]["DBInstanceIdentifier"]
    bundle = world.download("/us-east-1/us-east-1-bundle.pem")
    trusted = roots(world)
    serial, started = served(instance, bundle)["serialNumber"], started_at(instance, bundle)
    seconds = int(6 * PATIENCE)
    call(world, "AddTagsToResource", ResourceName=instance["DBInstanceArn"],
         **{"Tags.Tag.1.Key": "sealwright:rehearse", "Tags.Tag.1.Value": f"{NEW} {seconds}"})
    eventually(lambda: described(world, identifier)["Rotation"] == "rehearsal", 60, lambda: described(world, identifier)["Text"])
    assert described(world, identifier)["CACertificateIdentifier"] == NEW
    refuse(instance, trusted[OLD], 3)  # past the threshold: a rehearsal goes on all the same
    assert served(instance, bundle)["serialNumber"] != serial
    eventually(lambda: served(instance, bundle)["serialNumber"] == serial, seconds + 30, "the rehearsal should end")
    eventually(lambda: any("rehearsal" in text and "3 connections" in text for text in messages(world, identifier)), 30,
               lambda: messages(world, identifier))
    told = described(world, identifier)
    assert told["CACertificateIdentifier"] == OLD and "sealwright:rehearse" not in told["Text"]
    assert started_at(instance, bundle) == started
