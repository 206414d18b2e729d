"""Malformed, out-of-range and forbidden requests over HTTPS: RDS's error to each, never a 5xx. The table is
tests/data/bad_requests.json, which tests/unit/test_bad_requests.c reads too."""

import datetime
import json

from raw import now
from server import ROOT, eventually

REQUESTS = json.loads((ROOT / "tests/data/bad_requests.json").read_text())["requests"]
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def last_digit(signature):
    return signature[:-1] + ("1" if signature[-1] == "0" else "0")


def bent(name):
    """What makes the signature wrong, as keywords of Raw.send()."""
    late = datetime.timedelta(minutes=16)
    return {
        None: {},
        "none": {"unsigned": True},
        "wrong": {"signature": last_digit},
        "other-secret": {"secret": "not-this-one"},
        "unknown-key": {"key_id": "AKIAUNKNOWNUNKNOWN22"},
        "token": {"token": "made-up"},
        "late": {"when": now() - late},
        "early": {"when": now() + late},
    }[name]


def send(sender, row):
    if row.get("signature") == "replayed":
        how = {"body": "Action=DescribeDBInstances&Version=2014-10-31", "sent_body": row["parameters"].encode()}
    else:
        how = {"body": row["parameters"], **bent(row.get("signature"))}
    return sender.send(row.get("method", "POST"), "/", headers=dict(FORM), region=row.get("region"), **how)


def available(sender):
    return sender.call("DescribeDBInstances", {"DBInstanceIdentifier": "orders"}).element("DBInstanceStatus") == "available"


def create_orders(sender):
    reply = sender.call("CreateDBInstance", {
        "DBInstanceIdentifier": "orders", "Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": "20",
        "MasterUsername": "app", "MasterUserPassword": "correct-horse-9", "DeletionProtection": "true"})
    assert reply.status == 200, reply.text
    eventually(lambda: available(sender), 60, "orders is available")


def test_each_bad_request_has_its_error(make_sealwright, record_property):
    running = make_sealwright(regions=("us-east-1", "eu-west-1")).start()
    senders = {"administrator": running.raw(), "reader": running.raw(running.access_key("--read-only")),
               "elsewhere": running.raw(running.access_key("--region", "eu-west-1"))}
    create_orders(senders["administrator"])
    wrong, faults = [], 0
    for row in REQUESTS:
        reply = send(senders[row.get("key", "administrator")], row)
        faults += reply.status >= 500
        if (reply.status, reply.code) != (row["status"], row["code"]):
            wrong.append(f"{row['name']}: expected {row['status']} {row['code']}, got {reply.status} {reply.text}")
    record_property("figures", f"bad requests over HTTPS: {len(REQUESTS)}, wrong answers: {len(wrong)}, 5xx: {faults}")
    assert not wrong, "\n".join(wrong)
    assert faults == 0
