"""SQL Server instances as their users see them, through FreeTDS, python-tds and tedious. The server is a stand-in
(tests/standin/sqlservr)."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytds
from engines import Refused
from fleet import configure
from postgres import PASSWORD
from server import PATIENCE, ROOT, alive

HERE = Path(__file__).resolve().parent
STANDIN = ROOT / "tests/standin"


def prepare(sealwright, **settings):
    """Lets the hosts of a Sealwright that is not started yet find the stand-in."""
    configure(sealwright, engine_folders=[str(STANDIN)], **settings)
    os.environ["ACCEPT_EULA"] = "Y"
    return sealwright


def processes(sealwright, resource="*"):
    """The first process of each running instance, or of one."""
    found = []
    for path in Path(sealwright.run_dir, "instances").glob(f"{resource}/sqlservr.pid"):
        pid = int(path.read_text().split()[0])
        if alive(pid):
            found.append(pid)
    return found


def tsql(instance, bundle, sql, user="app", password=PASSWORD, encryption="require", host=None):
    """FreeTDS. The rows that it prints, each a list of texts."""
    endpoint = instance["Endpoint"]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "freetds.conf")
        trust = f"\tca file = {bundle}\n\tcheck certificate hostname = yes\n" if bundle else ""
        settings.write_text(f"[db]\n\thost = {host or endpoint['Address']}\n\tport = {endpoint['Port']}\n"
                            f"\ttds version = 7.4\n\tencryption = {encryption}\n{trust}")
        done = subprocess.run(["tsql", "-S", "db", "-U", user, "-P", password, "-o", "fhq"], input=f"{sql}\ngo\nexit\n",
                              env={"PATH": os.environ["PATH"], "FREETDSCONF": str(settings), "HOME": folder,
                                   "LANG": "C.UTF-8"},
                              capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    said = done.stdout + done.stderr
    if done.returncode or "Msg " in said:
        raise Refused(said)
    return [line.split("\t") for line in done.stdout.splitlines() if line.strip() and not line.startswith("locale")]


def connect(instance, bundle, user="app", password=PASSWORD, encryption="require", host=None):
    """A connection of python-tds."""
    endpoint = instance["Endpoint"]
    trust = {"cafile": str(bundle), "validate_host": True, "enc_login_only": False} if encryption == "require" else {}
    return pytds.connect(dsn=host or endpoint["Address"], port=int(endpoint["Port"]), user=user, password=password,
                         autocommit=True, login_timeout=30, **trust)


def python_tds(instance, bundle, sql, user="app", password=PASSWORD, encryption="require", host=None):
    """python-tds."""
    try:
        with connect(instance, bundle, user, password, encryption, host) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [[str(value) for value in row] for row in cursor.fetchall()] if cursor.description else []
    except Exception as error:  # its own, the socket's and pyOpenSSL's
        raise Refused(f"{type(error).__name__}: {error}") from error


def tedious(instance, bundle, sql, user="app", password=PASSWORD, encryption="require", host=None):
    """tedious of Node.js; encryption "strict" is TDS 8.0."""
    endpoint = instance["Endpoint"]
    asked = {"host": host or endpoint["Address"], "port": int(endpoint["Port"]), "user": user, "password": password,
             "encrypt": {"require": True, "off": False, "strict": "strict"}[encryption],
             "bundle": str(bundle) if bundle else None, "sql": sql}
    done = subprocess.run(["node", HERE / "tedious.mjs"], input=json.dumps(asked), capture_output=True, text=True, cwd=HERE,
                          timeout=60 * PATIENCE, check=False)
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return [[str(value) for value in row] for row in json.loads(done.stdout)]


def tedious_strict(*arguments, **options):
    """tedious with TDS 8.0: TLS first."""
    return tedious(*arguments, **{"encryption": "strict", **options})


CLIENTS = {client.__name__: client for client in (tsql, python_tds, tedious, tedious_strict)}


def started(instance, bundle):
    return tsql(instance, bundle, "select sqlserver_start_time from sys.dm_os_sys_info")[0][0]
