"""The webhook: each event reaches the operator's receiver, signed, and no receiver is in anybody's way."""

import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fleet import call, configure, create_all, described, element
from server import PATIENCE, ROOT, alive, end, eventually

SECRET = "a-secret-of-both-sides"
CA = ["rds-ca-ecc384-g1"]


@dataclass
class Call:
    """One POST as it came."""

    headers: dict
    body: bytes

    @property
    def event(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.event["Event ID"].rpartition("#")[2]


class Receiver:
    """Listens on a loopback port. `answer` gives the status for the last of the calls; None: no answer until released."""

    def __init__(self, answer=lambda calls: 200, certificate=None):
        self.calls, self.answer, self.released = [], answer, threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(Call(dict(self.headers), body))
                status = receiver.answer(receiver.calls)
                if status is None:
                    receiver.released.wait(60 * PATIENCE)
                    status = 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the sender may have gone away

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_port}/rds"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, code, identifier=None):
        return [each for each in self.calls if each.code == code and identifier in (None, each.event["Source ID"])]

    def until_told(self, code, identifier=None, count=1, seconds=30):
        eventually(lambda: len(self.told(code, identifier)) >= count, seconds,
                   lambda: f"{code} should come {count} times: {[each.code for each in self.calls]}")
        return self.told(code, identifier)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def make_receiver():
    made = []

    def make(*arguments, **options):
        made.append(Receiver(*arguments, **options))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def certificate(tmp_path):
    """(certificate, key) of a receiver on 127.0.0.1 whom nobody knows but by this certificate."""
    paths = tmp_path / "receiver.pem", tmp_path / "receiver.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def keys(calls):
    return [each.event["Event Key"] for each in calls]


def write_secret(sealwright, mode=0o600):
    path = sealwright.top / "webhook.secret"
    path.write_text(SECRET + "\n")
    path.chmod(mode)
    if os.geteuid() == 0:
        shutil.chown(path, "sealwright")
    return path


def subscribe(sealwright, receiver, **settings):
    configure(sealwright, webhook_url=receiver.url, webhook_secret_file=str(write_secret(sealwright)), **settings)
    return sealwright


@pytest.fixture
def subscribed(make_sealwright, make_receiver):
    """Starts a server that tells a receiver with these answers: subscribed(answer) -> (sealwright, receiver)."""

    def start(*arguments):
        receiver = make_receiver(*arguments)
        return subscribe(make_sealwright(), receiver).start(), receiver

    return start


def pending(sealwright):
    """How many events wait to be sent, as the store has it."""
    store = sqlite3.connect(f"file:{sealwright.run_dir}/store/sealwright.db?mode=ro", uri=True)
    try:
        return store.execute("select count(*) from work where kind = 'webhook'").fetchone()[0]
    finally:
        store.close()


def example(language):
    """The example of docs/operations.md in this language."""
    section = (ROOT / "docs/operations.md").read_text().split("\n## Webhook\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", section, re.S).group(1)


def shell_check(folder, header, body):
    paths = folder / "body.json", folder / "secret"
    paths[0].write_bytes(body)
    paths[1].write_text(SECRET + "\n")
    done = subprocess.run(["sh", "-c", example("sh"), "check-webhook", header, *paths], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_a_creation_is_told_in_a_signed_call(make_sealwright, make_receiver, certificate, tmp_path):
    receiver = make_receiver(certificate=certificate)
    ca_file = shutil.copy(certificate[0], (sealwright := make_sealwright()).top / "receiver.pem")
    os.chmod(ca_file, 0o644)
    subscribe(sealwright, receiver, webhook_ca_file=str(ca_file)).start()
    instance = create_all(sealwright, 1, CA)[0]

    told = receiver.until_told("RDS-EVENT-0005")[0]
    assert told.headers["Content-Type"] == "application/json"
    assert told.headers["X-Sealwright-Event"] == "RDS-EVENT-0005"
    assert told.event["Event Source"] == "db-instance"
    assert told.event["Source ID"] == instance["DBInstanceIdentifier"]
    assert told.event["Source ARN"] == instance["DBInstanceArn"]
    assert told.event["Event Message"] == "DB instance created"
    assert told.event["Event Categories"] == ["creation"]
    assert told.event["Region"] == "us-east-1"
    listed = call(sealwright, "DescribeEvents", Duration="60").text
    part = next(each for each in listed.split("<Event>") if "DB instance created" in each)
    assert element(part, "Date") == told.event["Event Time"].replace(" ", "T") + "Z"

    header = told.headers["X-Sealwright-Signature"]
    check = {}
    exec(example("python"), check)  # noqa: S102 - the documentation's own text
    assert check["is_genuine"](header, told.body, SECRET.encode())
    assert not check["is_genuine"](header, told.body.replace(b"created", b"deleted"), SECRET.encode())
    assert not check["is_genuine"](header, told.body, b"another secret")
    old = re.sub(r"t=\d+", f"t={int(time.time()) - 3600}", header)
    assert not check["is_genuine"](old, told.body, SECRET.encode())
    assert shell_check(tmp_path, header, told.body)[0], shell_check(tmp_path, header, told.body)[1]
    assert not shell_check(tmp_path, header, told.body + b" ")[0]

    eventually(lambda: pending(sealwright) == 0, 20, "every event should have been sent")
    assert len(receiver.calls) == len(set(keys(receiver.calls))), "each event once"
    assert SECRET not in sealwright.log("server")


def test_a_receiver_that_cannot_show_who_it_is_gets_nothing(make_sealwright, make_receiver, certificate):
    receiver = make_receiver(certificate=certificate)
    sealwright = subscribe(make_sealwright(), receiver).start()
    create_all(sealwright, 1, CA)
    eventually(lambda: re.search("action=webhook-failed .*certificate", sealwright.log("server")), 20,
               "the log should say what is wrong with the receiver")
    assert not receiver.calls
    sealwright.stop("server")
    ca_file = shutil.copy(certificate[0], sealwright.top / "receiver.pem")
    os.chmod(ca_file, 0o644)
    configure(sealwright, webhook_ca_file=str(ca_file))
    sealwright.start("server")
    receiver.until_told("RDS-EVENT-0005")  # it waited through the restart


def test_what_was_refused_comes_again_until_it_is_taken(subscribed):
    sealwright, receiver = subscribed(lambda calls: 500 if keys(calls).count(calls[-1].event["Event Key"]) <= 2 else 200)
    create_all(sealwright, 1, CA)
    receiver.until_told("RDS-EVENT-0005", count=3)
    eventually(lambda: pending(sealwright) == 0, 30, "every event should have been taken")
    assert {keys(receiver.calls).count(each) for each in keys(receiver.calls)} == {3}
    assert "the receiver answered 500" in sealwright.log("server")


@pytest.mark.parametrize("status", [301, 404])
def test_only_success_is_success(subscribed, status):
    sealwright, receiver = subscribed(lambda calls: status if len(calls) == 1 else 200)
    create_all(sealwright, 1, CA)
    eventually(lambda: len(receiver.calls) >= 2 and pending(sealwright) == 0, 30, "every event should have been taken")
    assert keys(receiver.calls)[0] in keys(receiver.calls)[1:]
    assert f"the receiver answered {status}" in sealwright.log("server")


def test_a_receiver_that_never_answers_is_in_nobodys_way(subscribed):
    sealwright, receiver = subscribed(lambda calls: None)
    create_all(sealwright, 2, CA)  # which takes no longer than its own patience
    eventually(lambda: receiver.calls, 20, "the receiver should have been called")
    longest = 0
    for _ in range(50):
        start = time.monotonic()
        described(sealwright, "fleet-0")
        longest = max(longest, time.monotonic() - start)
    assert longest < 1 * PATIENCE
    assert pending(sealwright) >= 2, "nothing was taken in the meantime"
    receiver.answer = lambda calls: 200
    receiver.released.set()
    receiver.until_told("RDS-EVENT-0005", "fleet-0", seconds=60)
    receiver.until_told("RDS-EVENT-0005", "fleet-1", seconds=60)
    eventually(lambda: pending(sealwright) == 0, 60, "every event should have been taken")


@pytest.mark.parametrize(("sign", "patience"), [
    pytest.param(signal.SIGKILL, 30, marks=pytest.mark.slow), (signal.SIGTERM, 6)])
def test_a_notifier_that_ends_while_it_sends_loses_nothing(subscribed, sign, patience):
    sealwright, receiver = subscribed(lambda calls: None)
    create_all(sealwright, 1, CA)
    eventually(lambda: receiver.calls, 20, "the receiver should have been called")
    key = keys(receiver.calls)[0]
    receiver.answer = lambda calls: 200
    notifier = sealwright.role_pids("notifier")
    assert len(notifier) == 1
    before = len(receiver.calls)
    end(notifier[0], sign)
    eventually(lambda: not alive(notifier[0]), 2, "the notifier should end at once, though its call is not over")
    eventually(lambda: key in keys(receiver.calls)[before:], patience, "another notifier should send the event again")
    eventually(lambda: pending(sealwright) == 0, 20, "every event should have been taken")


def test_the_server_stops_though_the_receiver_never_answers(subscribed):
    sealwright, receiver = subscribed(lambda calls: None)
    create_all(sealwright, 1, CA)
    eventually(lambda: receiver.calls, 20, "the receiver should have been called")
    sealwright.stop("server", seconds=5)


@pytest.mark.slow
def test_a_secret_that_others_can_read_is_not_used(make_sealwright, make_receiver):
    receiver = make_receiver()
    sealwright = subscribe(make_sealwright(), receiver)
    path = write_secret(sealwright, 0o644)
    sealwright.start()
    eventually(lambda: re.search(f"role=notifier .*{path} is open to others", sealwright.log("server")), 10,
               "the log should say what is wrong")
    create_all(sealwright, 1, CA)
    assert not receiver.calls
    path.chmod(0o600)
    receiver.until_told("RDS-EVENT-0005", seconds=30)


def test_an_address_in_clear_is_refused(make_sealwright):
    sealwright = make_sealwright()
    configure(sealwright, webhook_url="http://events.example.com/rds", webhook_secret_file=str(write_secret(sealwright)))
    done = sealwright.command("server", check=False)
    assert done.returncode
    assert "webhook_url: expected https://" in done.stderr


def test_without_an_address_there_is_no_notifier(shared):
    assert not shared.role_pids("notifier")
    assert "role=notifier" not in shared.log("server")
