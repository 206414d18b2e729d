"""The stand-in's lsnrctl and tnslsnr: reads listener.ora, sqlnet.ora and, at its start alone, the wallet; gives each
connection to a server process of its own (session.py), which lives on without it."""

import ipaddress
import os
import re
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from database import daemon, monitor, sid
from home import FOLDER, oracle_home
from wallet import WalletError, read_sso

# Oracle's names of suites, OpenSSL's.
SUITES = {
    "SSL_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "SSL_RSA_WITH_AES_256_CBC_SHA256": "AES256-SHA256",
    "SSL_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": "ECDHE-RSA-AES256-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": "ECDHE-ECDSA-AES256-SHA384",
}
VERSIONS = {"1.0": "1.0", "1.2": "1.2", "1.2 or 1.0": "1.0-1.2"}


def network():
    return Path(os.environ["TNS_ADMIN"])


def settings(name):
    """{NAME: value} of a file of name = value, where a value may go over indented lines."""
    text = re.sub(r"\n[ \t]+", " ", (network() / name).read_text())
    return {key.strip().upper(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines()) if value}


def pid_file():
    return network() / "listener.pid"


def running():
    try:
        pid = int(pid_file().read_text())
        return pid if b"tnslsnr" in Path(f"/proc/{pid}/cmdline").read_bytes() else 0
    except (OSError, ValueError):
        return 0


def lsnrctl(arguments):
    assert arguments[1:] == ["LISTENER"], arguments
    pid = running()
    if arguments[0] == "stop":
        if not pid:
            print("TNS-12541: TNS:no listener")
            return 1
        os.kill(pid, signal.SIGTERM)
        while running():
            time.sleep(0.01)
        print("The command completed successfully")
        return 0
    assert arguments[0] == "start", arguments
    if pid:
        print("TNS-01106: Listener using listener name LISTENER has already been started")
        return 1
    said = network() / "listener.said"
    said.unlink(missing_ok=True)
    daemon(str(oracle_home() / "bin/tnslsnr"), [str(oracle_home() / "bin/tnslsnr"), "LISTENER", "-inherit"], network())
    until = time.monotonic() + 30
    while not said.exists() and time.monotonic() < until:
        time.sleep(0.01)
    print(said.read_text() if said.exists() else "TNS-12560: TNS:protocol adapter error")
    return 0 if running() else 1


class Listener:
    """One listener: its sockets, its wallet as it was at the start."""

    def __init__(self):
        self.own, self.net = settings("listener.ora"), settings("sqlnet.ora")
        self.log = open(Path(self.own["LOG_DIRECTORY_LISTENER"], self.own["LOG_FILE_LISTENER"] + ".log"), "a", buffering=1)
        self.sockets = {}
        self.service = re.search(r"GLOBAL_DBNAME = (\w+)", self.own["SID_LIST_LISTENER"]).group(1)
        assert f"(SID_NAME = {sid()})" in self.own["SID_LIST_LISTENER"], self.own
        self.sid_is_service = self.own["USE_SID_AS_SERVICE_LISTENER"] == "ON"
        self.invited = [ipaddress.ip_network(each) for each in
                        re.findall(r"[0-9a-fA-F.:]+/\d+", self.net.get("TCP.INVITED_NODES", ""))]
        self.pem = None
        if "PROTOCOL = TCPS" in self.own["LISTENER"]:
            self.open_wallet()

    def open_wallet(self):
        # Both do handshakes, so both must say the same.
        for name in ("WALLET_LOCATION", "SSL_CLIENT_AUTHENTICATION", "SSL_VERSION", "SSL_CIPHER_SUITES"):
            assert self.own.get(name) == self.net.get(name), name
        assert self.own["SSL_CLIENT_AUTHENTICATION"] == "FALSE"
        folder = Path(re.search(r"DIRECTORY = ([^)]+)\)", self.own["WALLET_LOCATION"]).group(1))
        self.pem = Path(tempfile.mkdtemp(prefix="standin-", dir=network())) / "wallet.pem"
        self.pem.write_bytes(read_sso(folder / "cwallet.sso"))
        fips = (Path(os.environ["FIPS_HOME"]) / "fips.ora").read_text().strip()
        self.note(f"{fips}; wallet {os.path.realpath(folder)}")

    def note(self, text):
        self.log.write(f"{time.strftime('%d-%b-%Y %H:%M:%S')} * {text}\n")

    def listen(self):
        for protocol, host, port in re.findall(r"\(PROTOCOL = (TCPS?)\)\(HOST = ([^)]+)\)\(PORT = (\d+)\)", self.own["LISTENER"]):
            family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
            made = socket.socket(family, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
            made.listen(64)
            self.sockets[made] = protocol
            self.note(f"Listening on: (PROTOCOL={protocol.lower()})(HOST={host})(PORT={port})")

    def serve(self):
        while True:
            for ready in select.select(list(self.sockets), [], [])[0]:
                connection, peer = ready.accept()
                with connection:
                    self.give(connection, peer[0], self.sockets[ready])

    def give(self, connection, peer, protocol):
        invited = any(ipaddress.ip_address(peer) in each for each in self.invited)
        self.note(f"(ADDRESS=(PROTOCOL={protocol.lower()})(HOST={peer})) * establish * {0 if invited else 12546}")
        if not invited or not monitor():
            return
        suites = [SUITES[each] for each in re.findall(r"\w+", self.own.get("SSL_CIPHER_SUITES", "")) if each != "SSL"]
        number = os.dup(connection.fileno())
        os.set_inheritable(number, True)
        os.set_inheritable(self.log.fileno(), True)
        arguments = [f"oracle{sid()}", "-IS", str(FOLDER / "session.py"), str(number), self.service,
                     "yes" if self.sid_is_service else "no"]
        if protocol == "TCPS":
            arguments += [str(self.pem), VERSIONS[self.own["SSL_VERSION"]], ":".join(suites) or "DEFAULT"]
        # Not this process's own: it goes on when the listener ends.
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.dup2(self.log.fileno(), 2)
                for each in self.sockets:
                    each.close()
                os.execv("/usr/bin/python3", arguments)
            os._exit(0)
        os.wait()
        os.close(number)

    def close(self):
        if self.pem:
            self.pem.unlink(missing_ok=True)
            self.pem.parent.rmdir()
        if running() == os.getpid():  # not that of one that was first
            pid_file().unlink(missing_ok=True)


def tnslsnr(arguments):
    assert arguments == ["LISTENER", "-inherit"], arguments
    said, listener = network() / "listener.said", None

    def end(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        listener = Listener()
        listener.listen()
        pid_file().write_text(str(os.getpid()))
        said.with_suffix(".new").write_text("The listener is started.\n")
        said.with_suffix(".new").rename(said)
        listener.serve()
    except (OSError, WalletError, AssertionError, KeyError) as error:
        number = "TNS-12542: TNS:address already in use" if getattr(error, "errno", 0) == 98 else "TNS-12560: TNS:protocol adapter error"
        said.with_suffix(".new").write_text(f"{number} ({type(error).__name__}: {error})\n")
        said.with_suffix(".new").rename(said)
        return 1
    finally:
        if listener:
            listener.close()
    return 0
