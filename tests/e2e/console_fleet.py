"""Instances that are rows of the store alone, for what the console shows of many or of strange ones: no host has them."""

import json
import sqlite3
from contextlib import closing


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
