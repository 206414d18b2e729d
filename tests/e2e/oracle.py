"""Oracle instances as their users see them: node-oracledb in thin mode, against the stand-in of tests/standin/oracle."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from engines import Refused
from server import PATIENCE

HERE = Path(__file__).resolve().parent
STANDIN = HERE.parent / "standin" / "oracle"
PASSWORD = "Correct-horse-1"

sys.path.insert(0, str(STANDIN))
import home  # noqa: E402


def make_homes(folder):
    """A home of each edition, readable by the user that the agent becomes; their paths."""
    made = [home.make(folder / f"oracle-{edition.lower()}", edition) for edition in ("EE", "SE2")]
    for each in made:
        for path in [each, *each.rglob("*")]:
            path.chmod(0o777 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return [str(each) for each in made]


def make_option_group(client, name, engine, port, **settings):
    """Makes an option group with the option SSL: TLS 1.2 if nothing else is said."""
    chosen = {"SQLNET.SSL_VERSION": "1.2", **settings}
    client.call("create-option-group", OptionGroupName=name, EngineName=engine, MajorEngineVersion="19", OptionGroupDescription="TLS")
    client.call("modify-option-group", OptionGroupName=name, ApplyImmediately=True, OptionsToInclude=[
        {"OptionName": "SSL", "Port": port, "OptionSettings": [{"Name": key, "Value": value} for key, value in chosen.items()]}])


def connect_string(instance, port, service="ORCL", security="(SSL_SERVER_DN_MATCH=ON)", protocol="TCPS", by="SERVICE_NAME"):
    """A connect descriptor, as in RDS's user guide; without `security` the address's own name is not looked at."""
    address = f"(ADDRESS=(PROTOCOL={protocol})(HOST={instance['Endpoint']['Address']})(PORT={port}))"
    return f"(DESCRIPTION={address}(CONNECT_DATA=({by}={service}))(SECURITY={security}))"


def subject(instance):
    """What SSL_SERVER_CERT_DN is compared with."""
    return f"C=US,ST=Washington,L=Seattle,O=Amazon.com,OU=RDS,CN={instance['Endpoint']['Address']}"


class Clients:
    """A node process with sessions."""

    def __init__(self, bundle=None):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        if bundle:
            environment["NODE_EXTRA_CA_CERTS"] = str(bundle)
        self.process = subprocess.Popen(["node", str(HERE / "oracle_client.mjs")], stdin=subprocess.PIPE, cwd=HERE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)

    def ask(self, action, **more):
        self.process.stdin.write(json.dumps({"do": action, **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "node ended"}')
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def connect(self, name, where, user="app", password=PASSWORD):
        return self.ask("connect", name=name, user=user, password=password, connectString=where)

    def ping(self, name):
        self.ask("ping", name=name)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def processes(sealwright, resource_id):
    """(database, listener) of an instance: their process ids, 0 where there is none."""
    database = listener = 0
    network = next(sealwright.top.rglob(f"{resource_id}/network/admin"), None)
    text = (network / "listener.ora").read_text() if network else ""
    sid = re.search(r"SID_NAME = (\w+)", text)
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if sid and arguments[0] == f"ora_pmon_{sid.group(1)}":
                database = int(entry)
            if any(each.endswith("tnslsnr") for each in arguments) and \
                    f"TNS_ADMIN={network}\0".encode() in Path(f"/proc/{entry}/environ").read_bytes():
                listener = int(entry)
        except OSError:
            continue
    return database, listener
