"""Instances that are rows of the store alone, for what the console shows of many or of strange ones: no host has them."""

import json
import sqlite3
import time
from contextlib import closing

from fleet import call, configure, create_all
from server import eventually

DAY = 24 * 3600 * 1000  # ms
REAL = ("orders", "billing", "users")  # they have a host
AUTHORITIES = ("rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1")

# What the pages show beside them: name, which of REAL it is like, engine and version, class, window, and for how many
# days its certificate is valid.
OTHERS = [
    ("analytics", "billing", "postgres", "17.6", "db.r6g.xlarge", "sun:04:00-sun:04:30", 342),
    ("audit-log", "users", "postgres", "15.18", "db.t3.small", "tue:02:30-tue:03:00", 301),
    ("carts", "billing", "mysql", "8.4.6", "db.m6g.large", "wed:03:00-wed:03:30", 288),
    ("catalogue", "billing", "mysql", "8.4.6", "db.m6g.large", "mon:01:00-mon:01:30", 214),
    ("crm", "users", "mariadb", "10.11.19", "db.t3.medium", "sat:22:00-sat:22:30", 325),
    ("inventory", "billing", "mariadb", "10.11.19", "db.t3.medium", "thu:02:00-thu:02:30", 256),
    ("invoices", "users", "postgres", "17.6", "db.t3.medium", "sat:02:00-sat:02:30", 365),
    ("ledger", "users", "postgres", "17.6", "db.r6g.large", "sun:05:00-sun:05:30", 231),
    ("mail", "billing", "postgres", "14.19", "db.t3.small", "fri:00:30-fri:01:00", 310),
    ("payments", "orders", "postgres", "15.18", "db.m6g.large", "sun:03:00-sun:03:30", 240),
    ("search", "billing", "postgres", "16.10", "db.t3.large", "mon:04:30-mon:05:00", 271),
    ("sessions", "users", "mariadb", "10.11.19", "db.t3.micro", "tue:23:00-tue:23:30", 228),
    ("staging", "billing", "postgres", "15.18", "db.t3.micro", "sun:06:00-sun:06:30", 22),
    ("warehouse", "billing", "postgres", "13.22", "db.r6g.2xlarge", "sat:01:00-sat:01:30", 134),
]
STATES = {  # what is particular about some of them
    "invoices": {"status": "creating"},
    "staging": {"status": "stopped", "running": 0},
    "warehouse": {"status": "stopped", "running": 0},
    "search": {"pending": json.dumps({"CACertificateIdentifier": "rds-ca-ecc384-g1"})},
    "crm": {"rotation": json.dumps({"state": "undone", "reason": "renewal", "refusals": 3, "clients": ["192.0.2.17"]})},
}
UNDONE = "The rotation of the server certificate to rds-ca-ecc384-g1 was undone: 192.0.2.17 refused it."


def make_example(sealwright):
    """A fleet as somebody may have it, with something to do: rds-ca-2019 is being retired, clients refused a certificate,
    databases are stopped. The server must not run; it does afterwards."""
    configure(sealwright, retiring_certificate_authorities=[])
    sealwright.start()
    create_all(sealwright, len(REAL), AUTHORITIES, REAL)
    arn = "arn:aws:rds:us-east-1:123456789012:db:orders"
    for key, value in {"team": "shop", "cost-centre": "4711", "environment": "production"}.items():
        call(sealwright, "AddTagsToResource", ResourceName=arn, **{"Tags.Tag.1.Key": key, "Tags.Tag.1.Value": value})
    sealwright.stop()
    configure(sealwright, retiring_certificate_authorities=["rds-ca-2019"])
    now = int(time.time() * 1000)
    for name, original, engine, version, size, window, days in OTHERS:
        served_until = now + days * DAY
        add_copies(sealwright, original, [{
            "identifier": name, "engine": engine, "engine_version": version, "instance_class": size,
            "maintenance_window": window, "served_not_after": served_until, "served_issued_at": served_until - 365 * DAY,
            **STATES.get(name, {})}])
    add_event(sealwright, "crm", UNDONE)
    sealwright.start()
    eventually(lambda: "ca-certificate-rotation" in call(sealwright, "DescribePendingMaintenanceActions").text, 60, "a pending action")


def add_copies(sealwright, original, changes):
    """Copies the row of an instance: a row for each mapping of columns to values. The server must not run."""
    with closing(sqlite3.connect(sealwright.run_dir / "store/sealwright.db")) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM instance WHERE identifier = ?", [original]).fetchone())
        columns = list(row)
        statement = f"INSERT INTO instance ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        rows = []
        for change in changes:
            made = {**row, "host": "nowhere", "resource_id": f"db-COPY-{change['identifier']}"[:39],
                    "address": row["address"].replace(original, change["identifier"]), **change}
            made["names"] = json.dumps([made["address"]])
            rows.append([made[column] for column in columns])
        database.executemany(statement, rows)
        database.commit()


def add_event(sealwright, identifier, message, category="failure", region="us-east-1"):
    """An event of an instance, now. The server must not run."""
    with closing(sqlite3.connect(sealwright.run_dir / "store/sealwright.db")) as database:
        database.execute(
            "INSERT INTO event VALUES (?, CAST(strftime('%s', 'now') AS INTEGER) * 1000, lower(hex(randomblob(16))), 'db-instance', ?, ?, ?, ?, "
            "'SEALWRIGHT-EVENT-0104')",
            [region, identifier, f"arn:aws:rds:{region}:123456789012:db:{identifier}", category, message])
        database.commit()
